package load

import (
	"encoding/binary"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/transport/v4/packetio"
)

// tap stands where Pion keeps the packets of a stream until they are read. It counts each one at once, on the goroutine
// that decrypted it, and never has anything to read: a reader waits until the stream is closed.
type tap struct {
	write func(packet []byte)
	once  sync.Once
	done  chan struct{}
}

func (t *tap) Write(b []byte) (int, error) {
	t.write(b)
	return len(b), nil
}

func (t *tap) Read([]byte) (int, error) {
	<-t.done
	return 0, io.EOF
}

func (t *tap) Close() error {
	t.once.Do(func() { close(t.done) })
	return nil
}

// tap is called by Pion for each stream, when it is negotiated or when its first packet came.
func (p *peer) tap(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	t := &tap{done: make(chan struct{})}
	if kind == packetio.RTCPBufferPacket {
		t.write = func(b []byte) { p.receiveRTCP(ssrc, b) }
		return t
	}
	in := &inbound{ssrc: ssrc}
	p.mu.Lock()
	p.inbound[ssrc] = in
	p.mu.Unlock()
	t.write = func(b []byte) { p.receiveRTP(in, b) }
	return t
}

// receiveRTP is the hot path: no allocation, and no lock but the stream's.
func (p *peer) receiveRTP(in *inbound, b []byte) {
	now := time.Now()
	payload, ok := payloadOf(b)
	if !ok {
		p.malformed.Add(1)
		return
	}
	p.packets.Add(1)
	p.bytes.Add(uint64(len(b)))
	if p.first.Load() == 0 && p.first.CompareAndSwap(0, int64(now.Sub(began))) {
		close(p.flowing)
	}
	if b[1]&0x7f != payloadRTX {
		in.receive(binary.BigEndian.Uint16(b[2:]), payload, now)
		return
	}
	p.resent.Add(1)
	if len(payload) < 2 { // padding, to probe the path
		return
	}
	if original := p.original(in.ssrc); original != nil {
		original.recover(binary.BigEndian.Uint16(payload))
	}
}

// payloadOf gives an RTP packet's payload (RFC 3550 §5.1), without padding.
func payloadOf(b []byte) ([]byte, bool) {
	const header, padded, extended = 12, 0x20, 0x10
	if len(b) < header || b[0]>>6 != 2 {
		return nil, false
	}
	n := header + 4*int(b[0]&0x0f)
	if b[0]&extended != 0 {
		if len(b) < n+4 {
			return nil, false
		}
		n += 4 + 4*int(binary.BigEndian.Uint16(b[n+2:]))
	}
	end := len(b)
	if b[0]&padded != 0 {
		end -= int(b[len(b)-1])
	}
	if n > end {
		return nil, false
	}
	return b[n:end], true
}

// original is the stream that a stream of retransmissions belongs to.
func (p *peer) original(rtx uint32) *inbound {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inbound[p.pairs[rtx]]
}

// pairsOf reads which stream retransmits which out of a description: a=ssrc-group:FID original again (RFC 5576 §4.2).
func pairsOf(sdp string) map[uint32]uint32 {
	pairs := map[uint32]uint32{}
	for line := range strings.Lines(sdp) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "a=ssrc-group:FID ")
		if !ok {
			continue
		}
		fields := strings.Fields(rest)
		if len(fields) != 2 {
			continue
		}
		original, err1 := strconv.ParseUint(fields[0], 10, 32)
		again, err2 := strconv.ParseUint(fields[1], 10, 32)
		if err1 == nil && err2 == nil {
			pairs[uint32(again)] = uint32(original)
		}
	}
	return pairs
}

// receiveRTCP takes one packet of a compound one; ssrc is the stream it is about.
func (p *peer) receiveRTCP(ssrc uint32, b []byte) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		p.malformed.Add(1)
		return
	}
	for _, packet := range packets {
		if report, ok := packet.(*rtcp.SenderReport); ok {
			p.mu.Lock()
			in := p.inbound[report.SSRC]
			p.mu.Unlock()
			if in != nil {
				in.senderReport(report.NTPTime, time.Now())
			}
			continue
		}
		p.feedback(ssrc, packet)
	}
}
