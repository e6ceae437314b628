package rest

import (
	"net/url"
	"strings"
	"testing"
)

func ids(a answer) (all []string) {
	data, _ := a.body["data"].([]any)
	for _, o := range data {
		id, _ := o.(map[string]any)["id"].(string)
		all = append(all, id)
	}
	return all
}

func TestFilters(t *testing.T) {
	b := newBench(t)
	v, other := b.visit(), b.visit() // on 20 November at 12:15
	for path, want := range map[string]string{
		"/conferences?buyer=" + v.buyer:                                                               v.conference,
		"/conferences?buyer=" + v.buyer + "&seller=" + other.seller:                                   "",
		"/conferences?buyer=" + v.buyer + "&state=scheduled&from=2026-11-20T12:15:00Z":                v.conference,
		"/conferences?buyer=" + v.buyer + "&to=2026-11-20T12:15:00Z":                                  "",
		"/conferences?seller=" + v.seller + "&from=2026-11-20T12:16:00Z":                              "",
		"/conferences?seller=" + v.seller + "&from=2026-11-20T09:00:00-03:00&to=2026-11-21T00:00:00Z": v.conference,
		"/buyers?seller=" + v.seller:                                                                  v.buyer,
		"/buyers?seller=" + v.seller + "&q=BRÚNO":                                                     v.buyer,
		"/buyers?seller=" + v.seller + "&q=secr":                                                      v.buyer,
		"/buyers?q=ruben":                                                                             "",
		"/buyers?to=2026-11-20T12:00:00Z":                                                             "",
		"/sellers?q=nobody":                                                                           "",
		"/sellers?from=2026-11-20T12:00:01Z":                                                          "",
		"/events?buyer=" + v.buyer + "&seller=" + other.seller:                                        "",
		"/events?buyer=" + v.buyer + "&type=scheduled&limit=1":                                        "evt_",
		"/events?seller=" + v.seller + "&type=seller.changed&limit=1":                                 "",
	} {
		path = strings.ReplaceAll(path, "BRÚNO", url.QueryEscape("BRÚNO"))
		got := strings.Join(ids(b.want(200, "GET", path, "")), " ")
		if got != want && (want != "evt_" || !strings.HasPrefix(got, want)) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := ids(b.want(200, "GET", "/sellers?q=ana", "")); len(got) != 2 {
		t.Errorf("two sellers are called so: %v", got)
	}
	if got := ids(b.wantAs(200, v.secret, "GET", "/conferences?buyer="+other.buyer, "")); len(got) != 0 {
		t.Errorf("a seller's key sees another's: %v", got)
	}
	for path, field := range map[string]string{
		"/conferences?buyer=x": "buyer", "/conferences?from=yesterday": "from", "/conferences?to=1": "to", "/conferences?state=gone": "state",
		"/conferences?from=2026-11-20T12:00:00Z&to=2026-11-20T12:00:00Z": "to", "/buyers?seller=buy_x": "seller", "/buyers?q=": "q", "/sellers?q=...": "q",
		"/sellers?q=" + strings.Repeat("x", 201): "q", "/buyers?q=a&from=2026-11-20T12:00:00Z": "q", "/events?buyer=sell_x": "buyer",
	} {
		if a := b.want(422, "GET", path, ""); a.str("field") != field {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
}
