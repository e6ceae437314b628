package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// person is somebody at a browser.
type person struct {
	tab
	t    *testing.T
	role string // of the other side, as the tiles have it
}

// pattern replaces camera and microphone by a flash and a beep that come from one clock, once a second.
const pattern = `
navigator.mediaDevices.getUserMedia = async constraints => {
	if (!window.patternStream) {
		const audio = new AudioContext({sampleRate: 48000});
		await audio.resume();
		const out = audio.createMediaStreamDestination();
		const hum = audio.createOscillator(), faint = audio.createGain(); // without a source Chromium sends nothing, and RTP time stands still
		faint.gain.value = 0.001;
		hum.connect(faint).connect(out); hum.start();
		const canvas = document.createElement('canvas');
		canvas.width = 640; canvas.height = 360;
		const g = canvas.getContext('2d');
		let next = Math.ceil(audio.currentTime) + 1;
		let scheduled = 0;
		let drawn = 0;
		window.flashLate = []; // ms that the page itself was late with each flash
		setInterval(() => {
			const now = audio.currentTime;
			if (scheduled < next && next - now < 0.5) {
				const o = audio.createOscillator(), gain = audio.createGain();
				o.frequency.value = 1000; gain.gain.value = 0.8;
				o.connect(gain).connect(out); o.start(next); o.stop(next + 0.1);
				scheduled = next;
			}
			const on = now >= next && now < next + 0.1;
			if (on && drawn !== next) { drawn = next; window.flashLate.push((now - next) * 1000); }
			if (now >= next + 0.1) next++;
			g.fillStyle = on ? '#fff' : '#111'; g.fillRect(0, 0, 640, 360);
			g.fillStyle = '#777'; g.fillRect((now * 100) % 640, 350, 10, 10);
		}, 10);
		window.patternStream = new MediaStream([...canvas.captureStream(30).getVideoTracks(), ...out.stream.getAudioTracks()]);
	}
	const s = new MediaStream();
	if (constraints.video) s.addTrack(window.patternStream.getVideoTracks()[0].clone());
	if (constraints.audio) s.addTrack(window.patternStream.getAudioTracks()[0].clone());
	return s;
};`

// lobby goes from the link to the join button, agreeing to be recorded.
func (p *person) lobby(link string) {
	p.t.Helper()
	p.open(link)
	click(p.t, p, "continue")
	until(p.t, p, element("preview")+".videoWidth > 0")
	click(p.t, p, "consent-yes")
}

// join goes from the link into the call or to the door.
func (p *person) join(link string) {
	p.t.Helper()
	p.lobby(link)
	click(p.t, p, "join")
}

func (p *person) phase(name string) {
	p.t.Helper()
	until(p.t, p, fmt.Sprintf("document.body.dataset.phase === %q", name))
}

// other is the video element of the other side.
func (p *person) other() string {
	return fmt.Sprintf(`document.querySelector('[data-testid="tile-%s"][data-source="camera"] video')`, p.role)
}

// sees waits until ten new frames of the other side were shown.
func (p *person) sees() {
	p.t.Helper()
	// Firefox counts those of a stream only under its own name.
	shown := fmt.Sprintf("(v => v.getVideoPlaybackQuality().totalVideoFrames || v.mozPaintedFrames || 0)(%s)", p.other())
	until(p.t, p, shown+" > 0")
	until(p.t, p, fmt.Sprintf("%s > %v", shown, number(p.t, p, shown)+10))
}

// spy keeps the page's PeerConnections, for their statistics.
const spy = `
const real = window.RTCPeerConnection;
window.connections = [];
window.RTCPeerConnection = class extends real { constructor(...a) { super(...a); window.connections.push(this); } };
`

// hears waits until the other side's sound is not silence.
func (p *person) hears() {
	p.t.Helper()
	before := number(p.t, p, energy)
	until(p.t, p, fmt.Sprintf("(async () => await %s > %v)()", energy, before+1e-4))
}

// energy is how much sound was received on the newest connection so far (W3C webrtc-stats totalAudioEnergy).
const energy = `(async () => {
	let sum = 0;
	for (const s of (await window.connections.at(-1).getStats()).values()) if (s.type === 'inbound-rtp' && s.kind === 'audio') sum += s.totalAudioEnergy ?? 0;
	return sum;
})()`

// pair is a demo call of two people, up to both seeing and hearing each other.
func pair(t *testing.T, p *program, seller, buyer tab) (*person, *person) {
	t.Helper()
	s, b := &person{seller, t, "buyer"}, &person{buyer, t, "seller"}
	s.inject(spy)
	b.inject(spy)
	b.join(p.buyer)
	b.phase("knocking")
	s.join(p.seller)
	s.phase("call")
	click(t, s, "admit")
	b.phase("call")
	s.sees()
	b.sees()
	s.hears()
	b.hears()
	return s, b
}

func (p *person) minutesLeft() int {
	p.t.Helper()
	n, err := strconv.Atoi(strings.Trim(p.eval(element("minutes")+".dataset.seconds"), `"`))
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}
