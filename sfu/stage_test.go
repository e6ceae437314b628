package sfu

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// stages are the parts of a packet's way, each ready to be run again and again.
func stages(t testing.TB) map[string]func() {
	at := time.Now()
	out := testSocket(t).NewBatch()
	big := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SSRC: 5}, Payload: make([]byte, 1100)}
	plain, err := big.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var h rtp.Header

	seal, sealed := testContext(t), make([]byte, 2048)
	encrypt := func() {
		plain[3]++
		if plain[3] == 0 {
			plain[2]++
		}
		if _, err := seal.EncryptRTP(sealed, plain, &h); err != nil {
			t.Fatal(err)
		}
	}
	received, err := testContext(t).EncryptRTP(nil, plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	open, b := testContext(t, srtp.SRTPNoReplayProtection()), make([]byte, len(received))
	decrypt := func() {
		copy(b, received) // it is decrypted in place
		if _, err := open.DecryptRTP(b, b, &h); err != nil {
			t.Fatal(err)
		}
	}

	var c cache
	ext := uint64(1 << 32)
	add := func() {
		ext++
		at = at.Add(4 * time.Millisecond)
		c.add(ext, uint32(ext), false, big.Payload, at)
	}
	for range 2 * cacheSize { // the ring has its size then
		add()
	}

	track := testTrack()
	s, _ := testSlot(testPeer(), testSocket(t))
	s.feedFrom(track, 96, 97)
	s.resend.ssrc = 8
	track.addSlot(s)
	p := &packet{rtp: &rtp.Packet{Payload: bytes.Clone(big.Payload)}, ext: 1 << 32, arrived: at, capture: make([]byte, 8), out: out}
	p.rtp.Payload[0] = 0x10
	forward := func() {
		p.ext++
		track.forward(p)
	}
	for range 2 * cacheSize {
		forward()
	}
	answered := uint16(0)
	answer := func() {
		if answered++; answered == 100 {
			answered = 0
			s.resend.forget() // the limits, which are not what is measured
			s.resend.spent = 0
		}
		if !s.again(uint16(s.out.last)-answered, at, out) {
			t.Fatal("not sent again")
		}
	}
	answer()

	e := testRig(t, 0)
	e.send(at)
	now := at
	feedback := func() { // what the packets of 100 ms make: congestion feedback, and each second a report
		r := &e.publisher.receiver
		r.mu.Lock() // the engine's watcher looks after the peer as well
		defer r.mu.Unlock()
		for i := range 20 {
			now = now.Add(5 * time.Millisecond)
			r.congestion.Record(5, uint16(now.UnixMilli()/5), now.UnixMicro()+int64(i))
		}
		e.publisher.feedback(now, out)
	}
	return map[string]func(){
		"decrypt": decrypt, "encrypt": encrypt, "cache": add, "forward": forward, "answer": answer, "feedback": feedback,
	}
}

// TestStagesAllocateNothing but the feedback, which comes ten times a second.
func TestStagesAllocateNothing(t *testing.T) {
	for name, stage := range stages(t) {
		if n := testing.AllocsPerRun(1000, stage); n != 0 && name != "feedback" {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkStage measures what BenchmarkPacket is made of, with packets of 1,100 bytes.
func BenchmarkStage(b *testing.B) {
	for name, stage := range stages(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				stage()
			}
		})
	}
}
