package main

import (
	"fmt"
	"testing"
	"time"
)

// TestWatchWhileItRuns opens the watch page in the middle of a call, in two browsers: they play what there is, go on with what comes, catch up with
// the call, and have the whole recording when it is over.
func TestWatchWhileItRuns(t *testing.T) {
	t.Parallel()
	p := start(t, "demo")
	buyer, _ := dial(t, "buyer", p.buyer)
	seller, _ := dial(t, "seller", p.seller)
	met(seller, buyer)
	c := p.newest()
	var files []recordingFile
	p.until("both files can be played while they are written", func() bool {
		var r struct{ Files []recordingFile }
		p.api("GET", "/conferences/"+c.ID+"/recording", nil, &r)
		files = r.Files
		return len(files) == 2
	})
	for _, f := range files {
		decodes(t, download(t, f.URL))
	}
	var link struct{ URL string }
	p.api("POST", "/conferences/"+c.ID+"/recording/links", map[string]any{}, &link)
	browsers := map[string]tab{"chromium": newChromium(t), "firefox": newFirefox(t)}
	const playing = `[...document.querySelectorAll('[data-testid="video"].on')].filter(v => !v.paused && v.readyState >= 3 && v.videoWidth > 0).length === 2`
	const behind = `(c => c.length - c.time)(showroomPlayer.conductor)` // ms, of what has been told
	for name, b := range browsers {
		b.open(link.URL)
		until(t, b, visible("player")+" && "+visible("live"))
		had := number(t, b, "showroomPlayer.conductor.length")
		click(t, b, "big-play")
		until(t, b, playing)
		b.eval(fmt.Sprintf("showroomPlayer.conductor.seek(%v)", max(0, had-3000)))
		until(t, b, fmt.Sprintf("showroomPlayer.conductor.time > %v", had+3000)) // beyond what there was
		until(t, b, playing)
		b.screenshot("watch-live-" + name)
		b.eval("showroomPlayer.conductor.pause()")
		until(t, b, behind+" > 12000")
		click(t, b, "live")
		until(t, b, behind+" < 12000 && "+playing)
		b.resize(390, 844)
		b.screenshot("watch-live-phone-" + name)
		b.resize(1280, 800)
	}
	seller.gets(time.Second)
	end(seller, buyer)
	whole := p.recording(c.ID)
	for _, b := range browsers {
		until(t, b, "!("+visible("live")+")")
		until(t, b, fmt.Sprintf("Math.abs(showroomPlayer.conductor.length - %d) < 100", whole[0].OffsetMS+whole[0].DurationMS))
		b.eval("showroomPlayer.conductor.seek(1000)")
		b.eval("showroomPlayer.conductor.play()")
		until(t, b, playing)
	}
	checkFiles(t, whole, 2)
}
