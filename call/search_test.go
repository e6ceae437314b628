package call

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSearchText(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "  ": "", "Ana": "ana", "JOÃO da Sílva": "joao da silva", "Joa\u0303o": "joao", "ana.souza@example.com": "ana souza example com",
		"+55 (11) 91234-5678": "5511912345678", "O'Neill": "o neill", "Łódź": "lodz", "12": "12", "CRM-77/a": "crm 77 a", "Ärzte\x00x": "arzte x",
		strings.Repeat("ab", 100): strings.Repeat("ab", 32),
	} {
		if got := SearchText(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestSearchPlaces(t *testing.T) {
	b := Buyer{Contact: Contact{Name: "Maria da Silva", Email: "m@x.br", Phone: "+55 11 91234-5678", Reference: "C-9"}}
	got := b.SearchPlaces()
	for _, query := range []string{"maria", "Mari", "da silva", "SILVA", "m@x", "5511912345678", "55 11 912", "11 91234-5678", "912345678", "c-9"} {
		if !slices.ContainsFunc(got, func(p string) bool { return strings.HasPrefix(p, SearchText(query)) }) {
			t.Errorf("%q is not found in %q", query, got)
		}
	}
	if slices.ContainsFunc(got, func(p string) bool { return strings.HasPrefix(p, "aria") }) {
		t.Errorf("the middle of a word is found: %q", got)
	}
}

func FuzzSearchText(f *testing.F) {
	f.Add("João 12")
	f.Add("+55 11")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range (Buyer{Contact: Contact{Name: text, Phone: text}}).SearchPlaces() {
			if p == "" || !utf8.ValidString(p) || strings.ContainsRune(p, 0) || len(p) > 4*maxSearched {
				t.Fatalf("%q has the place %q", text, p)
			}
		}
	})
}
