package sfu

import (
	"fmt"
	"strings"
)

// section is one media section of a description, as lines.
type section struct {
	kind      string // audio, video, application …
	port      string
	formats   int
	mid       string
	direction string
	bundled   bool // a=bundle-only
	lines     []string
}

// sending says that the client may send on the section.
func (s *section) sending() bool { return s.direction == "sendrecv" || s.direction == "sendonly" }

// receiving says that the client can receive on it, which makes it a slot.
func (s *section) receiving() bool {
	return !s.rejected() && (s.direction == "sendrecv" || s.direction == "recvonly")
}

// rejected says that the section is not in use: port 0, unless it only waits for the bundle (RFC 8843 §6), as Firefox has it.
func (s *section) rejected() bool { return s.port == "0" && !s.bundled }

func (s *section) media() bool { return s.kind == string(Audio) || s.kind == string(Video) }

// description is an offer cut into sections. It is a check before the parser proper: what
// is too large or is no SDP does not get there.
type description struct {
	session  []string
	sections []*section
}

// Limits of what reading an offer may cost. Pion reads all lines of a section for each of its
// formats, and all declared SSRCs for each: without these one offer of 58 KB took 24 s.
const (
	maxFormats  = 128     // of one section: a payload type has 7 bits
	maxReading  = 1 << 17 // formats × lines, of all sections; as many sections of Chromium as 64 KiB hold are 40,000
	maxSSRCInfo = 512     // a=ssrc and a=ssrc-group lines
)

// count holds sdp against the limits on its size.
func count(sdp string, c *Config) error {
	if len(sdp) > c.SDPBytes {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrBadSDP, len(sdp), c.SDPBytes)
	}
	for _, limit := range []struct {
		what    string
		n, most int
	}{
		{"media sections", strings.Count(sdp, "\nm="), c.SDPSections},
		{"candidates", strings.Count(sdp, "\na=candidate:"), c.SDPCandidates},
		{"lines on SSRCs", strings.Count(sdp, "\na=ssrc"), maxSSRCInfo},
	} {
		if limit.n > limit.most {
			return fmt.Errorf("%w: %d %s, at most %d", ErrBadSDP, limit.n, limit.what, limit.most)
		}
	}
	return nil
}

// parse cuts sdp into sections and holds it against the limits.
func parse(sdp string, c *Config) (*description, error) {
	if err := count(sdp, c); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(sdp, "v=0") {
		return nil, fmt.Errorf("%w: it does not begin with v=0", ErrBadSDP)
	}
	d := &description{}
	for line := range strings.Lines(sdp) {
		line = strings.TrimRight(line, "\r\n")
		if strings.ContainsAny(line, "\r\x00") { // Pion ends a line at a lone CR: it would see sections that we do not
			return nil, fmt.Errorf("%w: a control character within a line", ErrBadSDP)
		}
		if err := d.add(line); err != nil {
			return nil, err
		}
	}
	return d, d.check()
}

func (d *description) add(line string) error {
	if rest, ok := strings.CutPrefix(line, "m="); ok {
		fields := strings.Fields(rest)
		if len(fields) < 4 {
			return fmt.Errorf("%w: media section %.100q", ErrBadSDP, line)
		}
		d.sections = append(d.sections, &section{kind: fields[0], port: fields[1], formats: len(fields) - 3, direction: "sendrecv"})
	}
	if len(d.sections) == 0 {
		d.session = append(d.session, line)
		return nil
	}
	d.sections[len(d.sections)-1].add(line)
	return nil
}

// check says what is wrong with the sections.
func (d *description) check() error {
	mids := map[string]bool{}
	media, reading := 0, 0
	for _, s := range d.sections {
		if s.mid == "" || mids[s.mid] {
			return fmt.Errorf("%w: a media section without a=mid of its own", ErrBadSDP)
		}
		mids[s.mid] = true
		if s.media() {
			media++
		}
		if reading += s.formats * len(s.lines); s.formats > maxFormats || reading > maxReading {
			return fmt.Errorf("%w: too many formats: %d in section %.20q of %d lines", ErrBadSDP, s.formats, s.mid, len(s.lines))
		}
	}
	if media == 0 {
		return fmt.Errorf("%w: %w", ErrBadSDP, errNoMedia)
	}
	return nil
}

func (s *section) add(line string) {
	s.lines = append(s.lines, line)
	if mid, ok := strings.CutPrefix(line, "a=mid:"); ok {
		s.mid = strings.TrimSpace(mid)
	}
	switch line {
	case "a=bundle-only":
		s.bundled = true
	case "a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive":
		s.direction = line[len("a="):]
	}
}

// offer is the description without the sections we never accept: data channels and
// whatever else is no audio or video. Their candidates move to the first that stays.
func (d *description) offer() string {
	var candidates []string
	var first *section
	for _, s := range d.sections {
		if s.media() {
			if first == nil {
				first = s
			}
			continue
		}
		for _, line := range s.lines {
			if strings.HasPrefix(line, "a=candidate:") {
				candidates = append(candidates, line)
			}
		}
	}
	var b strings.Builder
	write := func(lines []string) {
		for _, line := range lines {
			b.WriteString(line)
			b.WriteString("\r\n")
		}
	}
	write(d.session)
	for _, s := range d.sections {
		if s.media() {
			write(s.lines)
		}
		if s == first {
			write(candidates)
		}
	}
	return b.String()
}

// complete puts the rejected sections back into an answer, where the offer had them: an
// answer must have as many (RFC 9429 §5.3.1).
func (d *description) complete(answer string) string {
	head, rest, _ := strings.Cut(answer, "\r\nm=")
	parts := strings.Split(rest, "\r\nm=")
	var b strings.Builder
	b.WriteString(head)
	for _, s := range d.sections {
		if s.media() && len(parts) > 0 {
			b.WriteString("\r\nm=" + strings.TrimSuffix(parts[0], "\r\n"))
			parts = parts[1:]
			continue
		}
		fields := strings.Fields(strings.TrimPrefix(s.lines[0], "m="))
		fmt.Fprintf(&b, "\r\nm=%s 0 %s\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=inactive", s.kind, strings.Join(fields[2:], " "), s.mid)
	}
	return b.String() + "\r\n"
}

// receiving says that the section of that name is there and the client can receive on it.
func (d *description) receiving(mid string) bool {
	for _, s := range d.sections {
		if s.mid == mid {
			return s.receiving()
		}
	}
	return false
}
