package sfu

import (
	"time"

	"github.com/pion/rtcp"
)

// reception is what a receiver report says of a stream (RFC 3550 §6.4.1, §A.3, §A.8). It
// counts what came at the first try; what was sent again repairs the picture, not the path.
type reception struct {
	clock    uint32 // Hz; 0: unknown yet
	started  bool
	received uint64
	first    uint64 // extended sequence numbers
	highest  uint64
	jitter   float64 // of timestamps
	transit  float64
	at       time.Time // of the last packet

	expectedBefore, receivedBefore uint64 // at the last report

	report   uint32 // middle bits of the last sender report's NTP time
	reported time.Time
}

func (r *reception) add(ext uint64, timestamp uint32, at time.Time) {
	r.received++
	r.at = at
	if !r.started {
		r.started, r.first, r.highest = true, ext, ext
	}
	r.first, r.highest = min(r.first, ext), max(r.highest, ext)
	if r.clock == 0 {
		return
	}
	transit := float64(at.UnixNano()%1e15)/1e9*float64(r.clock) - float64(timestamp)
	d := transit - r.transit
	r.transit = transit
	if d < 0 {
		d = -d
	}
	if d < float64(r.clock) { // or else the clock was set, or began
		r.jitter += (d - r.jitter) / 16
	}
}

// block gives the stream's part of a receiver report.
func (r *reception) block(ssrc uint32, now time.Time) rtcp.ReceptionReport {
	expected := r.highest - r.first + 1
	lost := max(0, int64(expected)-int64(r.received))
	b := rtcp.ReceptionReport{
		SSRC: ssrc, TotalLost: uint32(min(lost, 1<<23-1)), LastSequenceNumber: uint32(r.highest), Jitter: uint32(r.jitter),
		LastSenderReport: r.report,
	}
	of, came := int64(expected-r.expectedBefore), int64(r.received)-int64(r.receivedBefore)
	if of > 0 && of > came {
		b.FractionLost = uint8(min(255, (of-came)*256/of))
	}
	r.expectedBefore, r.receivedBefore = expected, r.received
	if r.report != 0 {
		b.Delay = uint32(now.Sub(r.reported).Seconds() * 65536)
	}
	return b
}
