package load

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

const (
	uriMID         = "urn:ietf:params:rtp-hdrext:sdes:mid"
	uriSendTime    = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	uriTransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

	idMID, idSendTime, idTransportCC = 1, 2, 3 // of header extensions, ours since we offer

	payloadOpus, payloadVP8, payloadRTX = 111, 96, 97 // likewise
)

// description is what an offer is made of.
type description struct {
	ufrag, pwd, fingerprint string
	candidate               string // the only one, without "candidate:"
	mic, camera, rtx        uint32 // SSRCs; mic 0: sends nothing
}

// text is the offer, as a browser would make it: Opus, VP8 with RTX, NACK, PLI, transport-cc and REMB.
func (d description) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("v=0\r\no=- %d 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS load", rand.Uint32())
	section := func(mid int, kind, track string, ssrc uint32, formats ...int) {
		line("m=%s 9 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0", kind, strings.Trim(fmt.Sprint(formats), "[]"))
		line("a=candidate:%s\r\na=end-of-candidates\r\na=ice-ufrag:%s\r\na=ice-pwd:%s", d.candidate, d.ufrag, d.pwd)
		line("a=fingerprint:sha-256 %s\r\na=setup:actpass\r\na=mid:%d", d.fingerprint, mid)
		line("a=extmap:%d %s\r\na=extmap:%d %s\r\na=extmap:%d %s", idMID, uriMID, idSendTime, uriSendTime, idTransportCC, uriTransportCC)
		if ssrc == 0 {
			line("a=recvonly")
		} else {
			line("a=sendrecv\r\na=msid:load %s", track)
		}
		line("a=rtcp-mux\r\na=rtcp-rsize")
	}
	source := func(ssrc uint32, track string) {
		if ssrc != 0 {
			line("a=ssrc:%d cname:load\r\na=ssrc:%d msid:load %s", ssrc, ssrc, track)
		}
	}
	section(0, "audio", "mic", d.mic, payloadOpus)
	line("a=rtpmap:%d opus/48000/2\r\na=rtcp-fb:%d transport-cc\r\na=fmtp:%d minptime=10;useinbandfec=1", payloadOpus, payloadOpus, payloadOpus)
	source(d.mic, "mic")
	section(1, "video", "camera", d.camera, payloadVP8, payloadRTX)
	line("a=rtpmap:%d VP8/90000", payloadVP8)
	for _, feedback := range []string{"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"} {
		line("a=rtcp-fb:%d %s", payloadVP8, feedback)
	}
	line("a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d", payloadRTX, payloadRTX, payloadVP8)
	if d.camera != 0 {
		line("a=ssrc-group:FID %d %d", d.camera, d.rtx)
	}
	source(d.camera, "camera")
	source(d.rtx, "camera")
	return b.String()
}

// answer is what the server's description says; all sections share one transport.
type answer struct {
	ufrag, pwd  string
	fingerprint string // sha-256, in capitals
	candidates  []string
	pairs       map[uint32]uint32 // SSRC of retransmissions → of the original
	sendTime    bool              // the header extension is wanted
	transportCC bool
	rtx         bool
}

// parseAnswer reads the lines of an answer that matter here.
func parseAnswer(sdp string) (answer, error) {
	a := answer{pairs: pairsOf(sdp)}
	passive := false
	for line := range strings.Lines(sdp) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "a=ice-ufrag":
			a.ufrag = value
		case "a=ice-pwd":
			a.pwd = value
		case "a=candidate":
			a.candidates = append(a.candidates, value)
		case "a=setup":
			passive = value == "passive"
		case "a=fingerprint":
			if print, ok := strings.CutPrefix(value, "sha-256 "); ok {
				a.fingerprint = strings.ToUpper(print)
			}
		case "a=extmap":
			a.sendTime = a.sendTime || value == fmt.Sprint(idSendTime, " ", uriSendTime)
			a.transportCC = a.transportCC || value == fmt.Sprint(idTransportCC, " ", uriTransportCC)
		case "a=rtpmap":
			a.rtx = a.rtx || value == fmt.Sprint(payloadRTX, " rtx/90000")
		}
	}
	switch {
	case a.ufrag == "" || a.pwd == "":
		return a, errors.New("no ICE credentials in it")
	case a.fingerprint == "":
		return a, errors.New("no SHA-256 fingerprint in it")
	case !passive:
		return a, errors.New("it does not take the part of the DTLS server")
	}
	return a, nil
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
