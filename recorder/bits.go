package recorder

// bits reads a bit string; past its end it gives zeros and remembers it.
type bits struct {
	b    []byte
	pos  int
	over bool
}

func (r *bits) bit() uint32 {
	if r.pos>>3 >= len(r.b) {
		r.over = true
		return 0
	}
	v := r.b[r.pos>>3] >> (7 - r.pos&7) & 1
	r.pos++
	return uint32(v)
}

func (r *bits) read(n int) uint32 {
	var v uint32
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

func (r *bits) flag() bool { return r.bit() == 1 }

func (r *bits) skip(n int) {
	r.pos += n
	r.over = r.over || r.pos > len(r.b)*8
}

// zeros counts the zeros up to and past the next one, at most 32.
func (r *bits) zeros() int {
	n := 0
	for n < 32 && !r.over && r.bit() == 0 {
		n++
	}
	return n
}

// ue is the unsigned Exp-Golomb code of H.264 §9.1, and the same bits are AV1's uvlc.
func (r *bits) ue() uint32 {
	n := r.zeros()
	if n >= 32 {
		r.over = true
		return 0
	}
	return 1<<n - 1 + r.read(n)
}

// se is the signed Exp-Golomb code of H.264 §9.1.1.
func (r *bits) se() int32 {
	v := r.ue()
	if v&1 == 1 {
		return int32(v/2) + 1
	}
	return -int32(v / 2)
}
