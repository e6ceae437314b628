package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestCallInChromium is the whole story as two people and a console live it: lobby, knock, call, a broken socket, a reload, and the recording.
func TestCallInChromium(t *testing.T) {
	t.Parallel()
	proxy := newCutter(t)
	public := "http://" + strings.Replace(proxy.Addr().String(), "127.0.0.1", "localhost", 1)
	p := start(t, "demo", "--public-url", public, "--empty-timeout", "2s")
	proxy.to(p.log.find(t, `http=(\S+)`))
	seller, buyer := newChromium(t), newChromium(t)
	seller.inject(pattern)
	buyer.inject(pattern)
	s, b := pair(t, p, seller, buyer)
	until(t, s, visible("recording"))
	until(t, b, visible("recording"))
	until(t, b, element("timer")+".textContent !== ''")
	if left := s.minutesLeft(); left > 3600 || left < 3500 {
		t.Errorf("the seller sees %d s left, of 3600", left)
	}
	s.screenshot("call-seller")
	b.resize(390, 844)
	b.screenshot("call-buyer-phone")
	b.resize(1280, 800)

	t.Run("mute", func(t *testing.T) { muteAndBack(t, s, b) })
	t.Run("chat", func(t *testing.T) { chat(t, s, b) })
	t.Run("screen", func(t *testing.T) { shareAndStop(t, s, b) })
	t.Run("broken socket", func(t *testing.T) {
		proxy.cut(true)
		until(t, b, visible("banner"))
		b.sees() // media goes on meanwhile
		proxy.cut(false)
		until(t, b, "!("+visible("banner")+")")
		until(t, s, "document.querySelectorAll('[data-testid=\"tile-buyer\"]').length === 1")
		s.sees()
	})
	t.Run("reload", func(t *testing.T) {
		b.eval("location.reload()")
		b.phase("call")
		b.sees()
		s.sees()
		until(t, s, "document.querySelectorAll('[data-testid=\"tile-buyer\"]').length === 1")
	})
	if t.Failed() {
		return
	}
	click(t, s, "hangup")
	click(t, s, "end-for-all")
	s.phase("ended")
	b.phase("ended")
	b.screenshot("ended")

	c := p.newest()
	if c.State != "finished" || c.FinishReason != "ended" {
		t.Errorf("the conference is %s, %s; want finished, ended", c.State, c.FinishReason)
	}
	var usage struct {
		Used int `json:"used_seconds"`
	}
	p.api("GET", "/sellers/"+c.Seller.ID+"/usage", nil, &usage)
	if usage.Used != c.ConnectedSeconds || usage.Used == 0 {
		t.Errorf("%d s used, %d s connected; want the same and more than none", usage.Used, c.ConnectedSeconds)
	}
	files := p.recording(c.ID)
	checkFiles(t, files, 3) // the buyer's two joins and the seller's one, and perhaps a screen
	watch(t, p, s, c.ID, files)
}

// checkFiles decodes every file.
func checkFiles(t *testing.T, files []recordingFile, least int) {
	t.Helper()
	if len(files) < least {
		t.Errorf("%d files, want at least %d: %+v", len(files), least, files)
	}
	for _, f := range files {
		file := download(t, f.URL)
		decodes(t, file)
		is := probe(t, file)
		want := []string{"audio", "video"}
		if f.Source == "screen" {
			want = []string{"video"}
		}
		if !slices.Equal(is.kinds(), want) {
			t.Errorf("%s has %v, want %v", f.Name, is.kinds(), want)
		}
		if d := is.seconds(t); math.Abs(d*1000-float64(f.DurationMS)) > 50 {
			t.Errorf("%s lasts %.3f s, the API says %d ms", f.Name, d, f.DurationMS)
		}
		t.Logf("%s: %s at %d ms for %d ms, %d bytes, gaps %v", f.Name, f.MediaType, f.OffsetMS, f.DurationMS, f.Size, f.Gaps)
	}
}

func muteAndBack(t *testing.T, s, b *person) {
	click(t, b, "mute")
	until(t, s, `document.querySelector('[data-testid="tile-buyer"]').dataset.audio === 'off'`)
	click(t, b, "mute")
	until(t, s, `document.querySelector('[data-testid="tile-buyer"]').dataset.audio === 'on'`)
	s.hears()
	click(t, b, "video")
	until(t, s, `document.querySelector('[data-testid="tile-buyer"]').dataset.video === 'off'`)
	click(t, b, "video")
	until(t, s, `document.querySelector('[data-testid="tile-buyer"]').dataset.video === 'on'`)
	s.sees()
}

func chat(t *testing.T, s, b *person) {
	click(t, s, "chat-toggle")
	s.eval(fmt.Sprintf(`(() => { %s.value = 'Olá <b>Bruno</b>'; %s.form.requestSubmit(); })()`, element("chat-input"), element("chat-input")))
	until(t, s, element("chat-message")+".innerText.includes('Olá <b>Bruno</b>')")
	click(t, b, "chat-toggle")
	until(t, b, element("chat-message")+".innerText.includes('Olá <b>Bruno</b>')")
	s.screenshot("call-chat")
	click(t, s, "chat-toggle")
	click(t, b, "chat-toggle")
}

func shareAndStop(t *testing.T, s, b *person) {
	// A headless browser has no screen to pick; a canvas stands in for it behind the same call.
	s.eval(`(() => { navigator.mediaDevices.getDisplayMedia = async () => {
		const c = document.createElement('canvas'); c.width = 1280; c.height = 720;
		const g = c.getContext('2d'); let n = 0;
		setInterval(() => { g.fillStyle = '#2458b3'; g.fillRect(0, 0, 1280, 720); g.fillStyle = '#fff'; g.font = '120px sans-serif'; g.fillText('Proposta ' + n++, 80, 380); }, 100);
		return c.captureStream(15);
	}; })()`)
	click(t, s, "share")
	screen := `document.querySelector('[data-testid="tile-seller"][data-source="screen"] video')`
	until(t, b, screen+".videoWidth === 1280")
	until(t, b, screen+".getVideoPlaybackQuality().totalVideoFrames > 5")
	b.screenshot("call-screen")
	click(t, s, "share")
	until(t, b, "!"+screen)
}

// TestMinutesRunOut spends a seller's last minute: a warning, the end on both pages, and the recording with its sound in time.
func TestMinutesRunOut(t *testing.T) {
	t.Parallel()
	p := start(t, "demo", "--minutes", "1")
	seller, buyer := newChromium(t), newChromium(t)
	seller.inject(pattern)
	buyer.inject(pattern)
	s, b := pair(t, p, seller, buyer)
	until(t, s, element("minutes")+".classList.contains('last')")
	until(t, b, visible("minutes"))
	s.screenshot("minutes-last")
	for range 3 { // a minute and what joining took is more than one wait
		if s.eval("document.body.dataset.phase") == `"ended"` {
			break
		}
		s.eval(`new Promise(r => { const i = setInterval(() => { if (document.body.dataset.phase === 'ended') { clearInterval(i); r(1); } }, 100); setTimeout(() => { clearInterval(i); r(0); }, 25000); })`)
	}
	for _, who := range []*person{s, b} {
		who.phase("ended")
		if code := text(t, who, element("ended-title")+".dataset.code"); code != "minutes_exhausted" {
			t.Errorf("it ended with %q, want minutes_exhausted", code)
		}
	}
	b.screenshot("minutes-out")
	c := p.newest()
	if c.State != "finished" || c.FinishReason != "minutes_exhausted" || c.ConnectedSeconds != 60 {
		t.Errorf("the conference is %s, %s after %d s; want finished, minutes_exhausted, 60", c.State, c.FinishReason, c.ConnectedSeconds)
	}
	files := p.recording(c.ID)
	checkFiles(t, files, 2)
	for _, f := range files {
		file := download(t, f.URL)
		seen, heard := flashes(t, file), beeps(t, file)
		late := offsets(seen, heard)
		if len(late) < 30 {
			t.Errorf("%s: %d flashes and %d beeps make %d pairs, want 30 of a minute", f.Name, len(seen), len(heard), len(late))
			continue
		}
		median, worst := late[len(late)/2], math.Max(math.Abs(late[0]), math.Abs(late[len(late)-1]))
		t.Logf("%s: sound is %.0f ms late in the median, at worst %.0f ms, of %d pairs", f.Name, median, worst, len(late))
		if math.Abs(median) > noticed {
			t.Errorf("%s: sound is %.0f ms late in the median, want at most %v", f.Name, median, noticed)
		}
	}
}

// TestFirefoxCallsChromium is a call between the two engines.
func TestFirefoxCallsChromium(t *testing.T) {
	t.Parallel()
	p := start(t, "demo", "--language", "pt-BR")
	s, b := pair(t, p, newChromium(t), newFirefox(t))
	b.screenshot("call-firefox")
	click(t, b, "hangup")
	b.phase("ended")
	until(t, s, "!document.querySelector('[data-testid=\"tile-buyer\"]')")
	click(t, s, "hangup")
	click(t, s, "end-for-all")
	s.phase("ended")
	checkFiles(t, p.recording(p.newest().ID), 2)
}
