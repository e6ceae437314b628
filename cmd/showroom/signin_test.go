package main

import (
	"fmt"
	"net/http"
	"testing"
)

// fillForm writes into the fields of a form of the console and sends it.
func fillForm(t *testing.T, b tab, form string, fields map[string]string) {
	t.Helper()
	until(t, b, visible(form))
	for name, value := range fields {
		b.eval(fmt.Sprintf("%s.elements.namedItem(%q).value = %q", element(form), name, value))
	}
	b.eval(element(form) + ".requestSubmit()")
}

// TestSignInOfTheProgram: an operator makes a seller's user, who sets a password by the link, sees only what is theirs, and signs out; a request with
// the cookie from another site is refused.
func TestSignInOfTheProgram(t *testing.T) {
	t.Parallel()
	p := start(t, "demo")
	var sellers struct{ Data []struct{ ID, Name string } }
	p.api("GET", "/sellers", nil, &sellers)
	var user struct {
		ID   string
		Link struct{ URL string } `json:"password_link"`
	}
	p.api("POST", "/users", map[string]any{"email": "ana@cars.example", "name": "Ana Souza", "role": "seller", "seller": sellers.Data[0].ID}, &user)
	var other struct{ ID string }
	p.api("POST", "/sellers", map[string]any{"name": "Rui Costa", "monthly_minutes": 10}, &other)

	const password = "volta do carro azul"
	b := newChromium(t)
	b.open(user.Link.URL)
	fillForm(t, b, "set-password", map[string]string{"password": password, "again": password})
	until(t, b, visible("new-conference"))
	status := func(path string) float64 {
		return number(t, b, fmt.Sprintf("fetch('/api/v1%s').then(r => r.status)", path))
	}
	if own, foreign, keys := status("/sellers/"+sellers.Data[0].ID), status("/sellers/"+other.ID), status("/keys"); own != 200 || foreign != 404 || keys != 403 {
		t.Errorf("a seller asks for their own: %v, for another: %v, for the keys: %v", own, foreign, keys)
	}
	if visible := b.eval(visible("nav-keys")); visible != "false" {
		t.Errorf("a seller is shown the keys: %s", visible)
	}
	cookie := text(t, b, "document.cookie")
	if cookie != "" {
		t.Errorf("the page can read the session: %s", cookie)
	}
	click(t, b, "sign-out")
	until(t, b, visible("sign-in"))
	if s := status("/me"); s != 401 {
		t.Errorf("after signing out: %v", s)
	}
	fillForm(t, b, "sign-in", map[string]string{"email": "ana@cars.example", "password": password})
	until(t, b, visible("new-conference"))

	req, err := http.NewRequest(http.MethodPost, p.url+"/api/v1/session", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "https://elsewhere.example")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a sign-in from another site: %s", resp.Status)
	}
}
