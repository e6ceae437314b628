package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// watch goes from the console's conference page to the watch page, plays both people side by side, and seeks.
func watch(t *testing.T, p *program, who *person, conference string, files []recordingFile) {
	t.Helper()
	who.open(p.url + "/console#key=" + p.key)
	until(t, who, "!location.hash.includes('key')") // the key does not stay in the address bar
	until(t, who, visible("conferences"))
	who.screenshot("console")
	who.eval(fmt.Sprintf("location.hash = '#/conferences/%s'", conference))
	until(t, who, element("recording-state")+".dataset.state === 'ready'")
	until(t, who, visible("watch"))
	who.screenshot("console-conference")
	var link struct{ URL string }
	p.api("POST", "/conferences/"+conference+"/recording/links", map[string]any{}, &link)
	who.open(link.URL)
	until(t, who, visible("player"))
	until(t, who, "document.querySelectorAll('[data-testid=\"tile\"]').length >= 2")
	click(t, who, "play")
	playing := `[...document.querySelectorAll('[data-testid="video"]')].filter(v => !v.paused && v.readyState >= 3 && v.videoWidth > 0)`
	until(t, who, playing+".length >= 2")
	until(t, who, playing+".every(v => v.getVideoPlaybackQuality().totalVideoFrames > 20)")
	who.screenshot("watch")
	inSync(t, who, files, "while playing")

	half := number(t, who, fmt.Sprintf("+%s.max / 2", element("seek")))
	who.eval(fmt.Sprintf(`(() => { const s = %s; s.value = %v; s.dispatchEvent(new Event('input', {bubbles: true})); s.dispatchEvent(new Event('change', {bubbles: true})); })()`, element("seek"), half))
	until(t, who, playing+".length >= 2")
	until(t, who, fmt.Sprintf("Math.abs(+%s.value - %v) < 0.1 * +%s.max", element("seek"), half, element("seek")))
	inSync(t, who, files, "after a seek")
	who.resize(390, 844)
	who.screenshot("watch-phone")
	who.resize(1280, 800)
}

// inSync holds the videos that play against each other: each one's time on the common line, by its file's offset.
func inSync(t *testing.T, who *person, files []recordingFile, when string) {
	t.Helper()
	const apart = 0.080 // s; the page aims at 0.040
	offsets := map[string]int64{}
	for _, f := range files {
		offsets[f.Name] = f.OffsetMS
	}
	table, err := json.Marshal(offsets)
	if err != nil {
		t.Fatal(err)
	}
	times := fmt.Sprintf(`[...document.querySelectorAll('[data-testid="video"]')].filter(v => !v.paused && v.readyState >= 3).map(v => v.currentTime + %s[v.dataset.name] / 1000)`, table)
	until(t, who, fmt.Sprintf("(at => at.length >= 2 && Math.max(...at) - Math.min(...at) < %v)(%s)", apart, times))
	var at []float64
	if s := who.eval(times); json.Unmarshal([]byte(s), &at) == nil && len(at) > 1 {
		t.Logf("%s the videos are %.0f ms apart", when, (slices.Max(at)-slices.Min(at))*1000)
	}
}
