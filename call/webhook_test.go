package call_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"showroom/call"
)

// FuzzWebhook: what a CRM may subscribe is an https address without a name in it, and patterns that match what they say.
func FuzzWebhook(f *testing.F) {
	for _, seed := range [][3]string{
		{"https://crm.example/hooks", "call.*", "call.ongoing"}, {"http://10.0.0.1", "*", "scheduled"}, {"https://u:p@crm.example", "call.ongoing", "call.ongoing"},
		{"https://crm.example/#x", "call", "call.new"}, {"//x", "call.**", "x"}, {"https:///", ".*", ""}, {"HTTPS://crm.example:99999", "recording.*", "recordings.x"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, address, pattern, kind string) {
		w, err := call.AddWebhook("hook_1", call.Endpoint{URL: address, Events: []string{pattern}}, make([]byte, 32), 0, false, time.Now())
		if err != nil {
			return
		}
		u, err := url.Parse(w.URL)
		if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
			t.Errorf("%q was taken: %v", address, err)
		}
		prefix, open := strings.CutSuffix(pattern, "*")
		if want := kind == pattern || open && strings.HasPrefix(kind, prefix); w.Wants(kind) != want {
			t.Errorf("%q wants %q: %v", pattern, kind, !want)
		}
		if open && prefix != "" && !strings.HasSuffix(prefix, ".") {
			t.Errorf("%q cuts a word in two", pattern)
		}
	})
}
