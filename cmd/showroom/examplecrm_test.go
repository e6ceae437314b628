package main

import (
	"fmt"
	"testing"
)

// inFrame is an element of the page that <showroom-call> shows.
func inFrame(id string) string {
	return fmt.Sprintf(`document.querySelector('showroom-call').shadowRoot.querySelector('iframe').contentDocument.querySelector('[data-testid=%q]')`, id)
}

// TestExampleCRM plays a salesperson's day in the example CRM: schedule, talk to the buyer in the page, see the log grow, watch the recording.
func TestExampleCRM(t *testing.T) {
	t.Parallel()
	p := start(t, "demo")
	b := newChromium(t)
	press := func(id string) {
		t.Helper()
		until(t, b, fmt.Sprintf("(e => e && e.getClientRects().length && !e.disabled)(%s)", inFrame(id)))
		b.eval(inFrame(id) + ".click()")
	}
	b.open(p.url + "/example-crm")
	b.screenshot("example-crm-form")
	b.eval(element("key") + ".value = 'sk_nobody'")
	click(t, b, "start")
	until(t, b, visible("problem"))
	b.eval(fmt.Sprintf("%s.value = %q", element("key"), p.key))
	click(t, b, "start")
	until(t, b, visible("deal"))
	buyer, _ := dial(t, "buyer", text(t, b, element("buyer-link")+".href"))
	press("continue")
	until(t, b, inFrame("preview")+".videoWidth > 0")
	press("consent-yes")
	press("join")
	press("admit")
	buyer.await("admitted")
	buyer.consent()
	buyer.offer()
	until(t, b, element("events")+".textContent.includes('recording.started')")
	until(t, b, element("events")+".textContent.includes('says joined seller')")
	b.screenshot("example-crm-call")
	b.resize(360, 800)
	b.screenshot("example-crm-call-phone")
	b.resize(1280, 800)
	press("hangup")
	press("end-for-all")
	until(t, b, element("events")+".textContent.includes('says left')")
	until(t, b, element("events")+".textContent.includes('recording.finished')")
	click(t, b, "watch")
	press("big-play")
	until(t, b, inFrame("player")+".dataset.state === 'playing'")
	b.screenshot("example-crm-recording")
}
