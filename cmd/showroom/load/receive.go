package load

import (
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

const (
	sampleEvery = 16 // packets of a stream, one of which is decrypted: for the delay, and to see that it is what was sent
	tagSize     = 16 // bytes that AES-128-GCM adds
)

// opener decrypts what a peer receives. It is the reading goroutine's.
type opener struct {
	context *srtp.Context
	header  rtp.Header
	plain   [maxDatagram]byte
}

// delays counts how long packets were under way, for a group of peers.
type delays struct {
	mu sync.Mutex
	histogram
}

func (d *delays) count(delay time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.add(delay)
}

// forget what was counted so far, and give it.
func (d *delays) forget() *histogram {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.histogram
	d.histogram = histogram{}
	return &h
}

// receive takes SRTP and SRTCP, told apart by the second byte (RFC 5761 §4).
func (p *peer) receive(b []byte, arrived time.Duration) {
	if len(b) > 1 && b[1] >= 192 && b[1] <= 223 {
		p.receiveRTCP(b)
		return
	}
	p.receiveRTP(b, arrived)
}

// receiveRTP is the hot path: no allocation, no lock but the stream's, and no decryption of most packets, whose header is
// in the clear.
func (p *peer) receiveRTP(b []byte, arrived time.Duration) {
	const header = 12
	if len(b) < header+tagSize || b[0]>>6 != 2 {
		p.malformed.Add(1)
		return
	}
	p.packets.Add(1)
	p.bytes.Add(uint64(len(b) - tagSize))
	if p.first.Load() == 0 {
		p.first.Store(int64(arrived))
		close(p.flowing)
	}
	in := p.stream(binary.BigEndian.Uint32(b[8:]))
	if b[1]&0x7f == payloadRTX {
		p.resent.Add(1)
		if payload, ok := p.open(b); ok && len(payload) >= 2 { // else it is padding, to probe the path
			if original := p.original(in.ssrc); original != nil {
				original.recover(binary.BigEndian.Uint16(payload))
			}
		}
		return
	}
	fresh := in.receive(binary.BigEndian.Uint16(b[2:]))
	if in.seen++; in.seen%sampleEvery != 1 || p.opener.Load() == nil {
		return
	}
	payload, ok := p.open(b)
	at, stamped := stampOf(payload)
	if !ok || !stamped {
		p.damaged.Add(1)
	} else if fresh {
		p.delays.count(arrived - at)
	}
}

// open decrypts a packet and gives its payload, valid until the next one.
func (p *peer) open(b []byte) ([]byte, bool) {
	o := p.opener.Load()
	if o == nil {
		return nil, false
	}
	plain, err := o.context.DecryptRTP(o.plain[:0], b, &o.header)
	if err != nil {
		return nil, false
	}
	return payloadOf(plain)
}

// stream is that of an SSRC. Only the reading goroutine adds one.
func (p *peer) stream(ssrc uint32) *inbound {
	streams := p.allStreams()
	for _, in := range streams {
		if in.ssrc == ssrc {
			return in
		}
	}
	in := &inbound{ssrc: ssrc}
	streams = append(slices.Clone(streams), in)
	p.inbound.Store(&streams)
	return in
}

func (p *peer) allStreams() []*inbound {
	if streams := p.inbound.Load(); streams != nil {
		return *streams
	}
	return nil
}

// streams are those to report on: not the retransmissions.
func (p *peer) streams() []*inbound {
	all := p.allStreams()
	pairs := p.pairs.Load()
	if pairs == nil {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(in *inbound) bool {
		_, again := (*pairs)[in.ssrc]
		return again
	})
}

// original is the stream that a stream of retransmissions belongs to.
func (p *peer) original(rtx uint32) *inbound {
	pairs := p.pairs.Load()
	if pairs == nil {
		return nil
	}
	if ssrc, ok := (*pairs)[rtx]; ok {
		return p.stream(ssrc)
	}
	return nil
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

// receiveRTCP takes a compound packet.
func (p *peer) receiveRTCP(b []byte) {
	o := p.opener.Load()
	if o == nil {
		return // its keys are not known yet, and another will come
	}
	plain, err := o.context.DecryptRTCP(nil, b, nil)
	if err != nil {
		p.malformed.Add(1)
		return
	}
	p.takeRTCP(plain)
}

func (p *peer) takeRTCP(b []byte) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		p.malformed.Add(1)
		return
	}
	for _, packet := range packets {
		if report, ok := packet.(*rtcp.SenderReport); ok {
			for _, in := range p.allStreams() {
				if in.ssrc == report.SSRC {
					in.senderReport(report.NTPTime, time.Now())
				}
			}
			continue
		}
		for _, ssrc := range packet.DestinationSSRC() {
			p.feedback(ssrc, packet)
		}
	}
}
