package signaling

import "strings"

// identity tells one PeerConnection from another: the certificate is new with each in browsers, and the session id of the o= line is new
// with each and stays for its life (RFC 9429 §5.2.1). A reload changes both; an ICE restart, new slots and a resumed socket change neither.
type identity struct{ fingerprint, session string }

func (i identity) whole() bool { return i.fingerprint != "" && i.session != "" }

// identify reads as much of an offer as is needed. That the rest is good is for the sfu to say.
func identify(sdp string) identity {
	var i identity
	for line := range strings.Lines(sdp) {
		line = strings.TrimSpace(line)
		if origin, ok := strings.CutPrefix(line, "o="); ok && i.session == "" {
			if fields := strings.Fields(origin); len(fields) == 6 { // user id version net type address
				i.session = fields[1]
			}
		}
		if f, ok := strings.CutPrefix(line, "a=fingerprint:"); ok && i.fingerprint == "" {
			i.fingerprint = strings.ToUpper(f)
		}
	}
	return i
}
