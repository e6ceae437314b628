package sfutest

import (
	"fmt"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// PublishAudio sends Opus silence on track, a packet each 20 ms, until Close.
func (c *Client) PublishAudio(track *webrtc.TrackLocalStaticRTP) {
	c.wg.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		p := &rtp.Packet{Header: rtp.Header{Version: 2}, Payload: Silence}
		for {
			select {
			case <-c.stop:
				return
			case <-ticker.C:
			}
			_ = track.WriteRTP(p) // not connected yet, or no more
			p.SequenceNumber++
			p.Timestamp += 960
		}
	})
}

// PublishVideo sends the clip on track until Close, over and over. It begins again, with a
// keyframe, whenever the server asks for one. It takes the client's Feedback.
func (c *Client) PublishVideo(track *webrtc.TrackLocalStaticRTP) {
	frames := Frames()
	c.wg.Go(func() {
		ticker := time.NewTicker(time.Second / FrameRate)
		defer ticker.Stop()
		var packetizer Packetizer
		start := time.Now()
		for n := 0; ; n++ {
			select {
			case <-c.stop:
				return
			case p := <-c.Feedback:
				if !wantsKeyframe(p) {
					n--
					continue
				}
				n = 0
			case <-ticker.C:
			}
			timestamp := uint32(time.Since(start).Seconds() * 90000)
			for _, p := range packetizer.Packets(frames[n%len(frames)], timestamp) {
				_ = track.WriteRTP(p)
			}
		}
	})
}

func wantsKeyframe(p rtcp.Packet) bool {
	switch p.(type) {
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		return true
	}
	return false
}

// Report sends a sender report for track: its RTP time at the instant ntp.
func (c *Client) Report(track *webrtc.TrackLocalStaticRTP, ntp uint64, timestamp uint32) error {
	for _, s := range c.PC.GetSenders() {
		if s.Track() != track {
			continue
		}
		sr := &rtcp.SenderReport{SSRC: uint32(s.GetParameters().Encodings[0].SSRC), NTPTime: ntp, RTPTime: timestamp}
		if err := c.PC.WriteRTCP([]rtcp.Packet{sr}); err != nil {
			return fmt.Errorf("send report: %w", err)
		}
		return nil
	}
	return fmt.Errorf("send report: track %s is not sent", track.ID())
}
