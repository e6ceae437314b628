package static

import (
	"net/http"
	"testing"

	"showroom/signaling/rest"
)

// TestAPIPage reads the reference as people do: all operations, the search, an operation by its address.
func TestAPIPage(t *testing.T) {
	text, err := rest.Document()
	if err != nil {
		t.Fatal(err)
	}
	f := newFake(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(text) }))
	b := newTab(t)
	b.open(f.url + "/api#createConference")
	b.until(`document.querySelectorAll('[data-testid="operation"]').length > 20 && document.querySelector('#createConference').open`)
	b.shot("api-operation")
	b.run(`const i = ` + element("find") + `; i.value = 'revoke'; i.dispatchEvent(new Event('input'))`)
	b.until(`[...document.querySelectorAll('[data-testid="operation"]')].filter(e => !e.hidden).every(e => /revoke/i.test(e.textContent))`)
	b.run(`const i = ` + element("find") + `; i.value = ''; i.dispatchEvent(new Event('input'))`)
	b.run("scrollTo(0, 0)")
	b.shot("api")
	if got := b.text(`document.body.innerText.includes('undefined') || document.body.innerText.includes('[object')`); got != "false" {
		t.Error("the page shows what is not there")
	}
}
