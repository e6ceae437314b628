package load

import (
	"math"
	"slices"
	"time"

	"github.com/pion/rtcp"
)

const (
	reporterSSRC = 1                     // who reports; receivers of RTCP go by the stream reported on
	nackEvery    = 50 * time.Millisecond // how often gaps are looked for
	tellEvery    = 20                    // of these, a receiver report
)

// reporter sends the RTCP of all receivers until stop is closed: one goroutine wakes up less than one for each peer.
func reporter(peers func() []*peer, stop <-chan struct{}) {
	ticker := time.NewTicker(nackEvery)
	defer ticker.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			for i, p := range peers() {
				p.askForMissing()
				if (turn+i)%tellEvery == 0 { // not all at once
					p.tell(now)
				}
			}
		}
	}
}

func (p *peer) askForMissing() {
	for _, in := range p.streams() {
		if nack := in.nacks(); nack != nil {
			p.nacked.Add(1)
			p.writeRTCP(nack)
		}
	}
}

// tell sends a receiver report on all streams, and what we can receive: more than we get, as on a good line.
func (p *peer) tell(now time.Time) {
	report := &rtcp.ReceiverReport{SSRC: reporterSSRC}
	remb := &rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: reporterSSRC, Bitrate: float32(p.kbps) * 1000 * 2}
	for _, in := range p.streams() {
		if block, ok := in.receiverReport(now); ok {
			report.Reports = append(report.Reports, block)
			remb.SSRCs = append(remb.SSRCs, in.ssrc)
		}
	}
	if len(report.Reports) > 0 && len(report.Reports) <= math.MaxUint8>>3 { // a report has room for 31 blocks
		slices.Sort(remb.SSRCs)
		p.writeRTCP(report, remb)
	}
}
