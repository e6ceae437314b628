package rest

import (
	"strconv"
	"strings"
	"testing"
)

// TestBadInput: every mistake gets the code, and where one is to blame the field.
func TestBadInput(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	conf := func(s string) string {
		return `{"seller": "` + v.seller + `", "buyer": "` + v.buyer + `", "subject": "S", "starts_at": "2026-11-21T10:00:00Z"` + s + `}`
	}
	swap := func(old, new string) string { return strings.Replace(conf(""), old, new, 1) }
	at := "/conferences/" + v.conference
	long := strings.Repeat("ä", 201)
	for _, c := range []struct {
		method, path, body string
		status             int
		code, field        string
	}{
		{"POST", "/sellers", `{`, 400, "bad_request", ""},
		{"POST", "/sellers", `{"name": }`, 400, "bad_request", ""},
		{"POST", "/sellers", `[]`, 400, "bad_request", ""},
		{"POST", "/sellers", `"x"`, 400, "bad_request", ""},
		{"POST", "/sellers", `{} {}`, 400, "bad_request", ""},
		{"POST", "/sellers", "{\"name\": \"\xff\"}", 400, "bad_request", ""},
		{"POST", "/sellers", `{"name": "` + strings.Repeat("x", maxBody) + `"}`, 413, "too_large", ""},
		{"POST", "/sellers", strings.Repeat("[", 30000), 400, "bad_request", ""},
		{"POST", "/sellers", ``, 422, "invalid", "monthly_minutes"},
		{"POST", "/sellers", `null`, 422, "invalid", "monthly_minutes"},
		{"POST", "/sellers", `{"monthly_minutes": 1}`, 422, "invalid", "name"},
		{"POST", "/sellers", `{"name": " ", "monthly_minutes": 1}`, 422, "invalid", "name"},
		{"POST", "/sellers", `{"name": "` + long + `", "monthly_minutes": 1}`, 422, "invalid", "name"},
		{"POST", "/sellers", `{"name": "A", "monthly_minutes": 1, "colour": "red"}`, 422, "invalid", "colour"},
		{"POST", "/sellers", `{"name": "A", "monthly_minutes": 1, "a\"b": 1}`, 422, "invalid", `a"b`},
		{"POST", "/sellers", `{"name": 5, "monthly_minutes": 1}`, 422, "invalid", "name"},
		{"POST", "/sellers", `{"name": "A", "monthly_minutes": "1"}`, 422, "invalid", "monthly_minutes"},
		{"POST", "/sellers", `{"name": "A", "monthly_minutes": 1.5}`, 422, "invalid", "monthly_minutes"},
		{"POST", "/sellers", `{"name": "A", "monthly_minutes": 1e99}`, 422, "invalid", "monthly_minutes"},
		{"POST", "/sellers", `{"name": "A", "monthly_minutes": -1}`, 422, "invalid", "monthly_minutes"},
		{"POST", "/sellers", `{"name": "A", "monthly_minutes": 1, "time_zone": "Mars/Base"}`, 422, "invalid", "time_zone"},
		{"POST", "/sellers", `{"name": "A", "monthly_minutes": 1, "time_zone": "../../etc/passwd"}`, 422, "invalid", "time_zone"},
		{"POST", "/sellers", `{"name": "A", "monthly_minutes": 1, "language": "de"}`, 422, "invalid", "language"},
		{"PATCH", "/sellers/" + v.seller, `{"name": ""}`, 422, "invalid", "name"},
		{"PATCH", "/sellers/" + v.seller, `{"id": "sell_x"}`, 422, "invalid", "id"},
		{"GET", "/sellers/" + v.seller + "/usage?month=2026-13", "", 422, "invalid", "month"},
		{"GET", "/sellers/" + v.seller + "/usage?month=now", "", 422, "invalid", "month"},
		{"POST", "/buyers", `{}`, 422, "invalid", "name"},
		{"POST", "/buyers", `{"name": "B", "language": "xx"}`, 422, "invalid", "language"},
		{"POST", "/buyers", `{"name": "B", "phone": "` + long + `"}`, 422, "invalid", "phone"},
		{"POST", "/conferences", `{}`, 422, "invalid", "seller"},
		{"POST", "/conferences", swap(v.seller, "x"), 422, "invalid", "seller"},
		{"POST", "/conferences", swap(v.seller, "sell_unknown"), 422, "invalid", "seller"},
		{"POST", "/conferences", swap(v.buyer, v.seller), 422, "invalid", "buyer"},
		{"POST", "/conferences", swap(v.buyer, "buy_unknown"), 422, "invalid", "buyer"},
		{"POST", "/conferences", swap(`"S"`, `""`), 422, "invalid", "subject"},
		{"POST", "/conferences", swap("2026-11-21T10:00:00Z", "tomorrow"), 422, "invalid", "starts_at"},
		{"POST", "/conferences", swap("2026-11-21T10:00:00Z", "2026-11-21T10:00:00"), 422, "invalid", "starts_at"},
		{"POST", "/conferences", swap("2026-11-21T10:00:00Z", "2020-11-21T10:00:00Z"), 422, "invalid", "starts_at"},
		{"POST", "/conferences", swap("2026-11-21T10:00:00Z", "9999-12-31T23:59:59-14:00"), 422, "invalid", "starts_at"},
		{"POST", "/conferences", swap(`"2026-11-21T10:00:00Z"`, "5"), 422, "invalid", "starts_at"},
		{"POST", "/conferences", conf(`, "duration_minutes": 0`), 422, "invalid", "duration_minutes"},
		{"POST", "/conferences", conf(`, "duration_minutes": 481`), 422, "invalid", "duration_minutes"},
		{"POST", "/conferences", conf(`, "duration_minutes": 307445734561825861`), 422, "invalid", "duration_minutes"},
		{"POST", "/conferences", conf(`, "recording": "maybe"`), 422, "invalid", "recording"},
		{"POST", "/conferences", conf(`, "language": "klingon"`), 422, "invalid", "language"},
		{"GET", "/conferences?state=asleep", "", 422, "invalid", "state"},
		{"GET", "/conferences?seller=x", "", 422, "invalid", "seller"},
		{"GET", "/conferences?limit=0", "", 422, "invalid", "limit"},
		{"GET", "/sellers?limit=201", "", 422, "invalid", "limit"},
		{"GET", "/buyers?limit=ten", "", 422, "invalid", "limit"},
		{"GET", "/sellers?after=nonsense", "", 422, "invalid", "after"},
		{"GET", "/sellers?after=" + strings.Repeat("1", 600), "", 422, "invalid", "after"},
		{"GET", at + "/events?after=-1", "", 422, "invalid", "after"},
		{"GET", at + "/events?after=07", "", 422, "invalid", "after"},
		{"GET", at + "/events?after=99999999999999999999", "", 422, "invalid", "after"},
		{"POST", at + "/links", `{}`, 422, "invalid", "role"},
		{"POST", at + "/links", `{"role": "king"}`, 422, "invalid", "role"},
		{"POST", at + "/links", `{"role": "guest"}`, 422, "invalid", "name"},
		{"POST", at + "/links", `{"role": "buyer", "expires_at": "2026-11-20T11:59:59Z"}`, 422, "invalid", "expires_at"},
		{"POST", at + "/links", `{"role": "buyer", "expires_at": "soon"}`, 422, "invalid", "expires_at"},
		{"POST", at + "/cancel", `{"reason": "` + long + `"}`, 422, "invalid", "reason"},
		{"POST", at + "/end", `{"reason": "` + long + `"}`, 422, "invalid", "reason"},
		{"POST", at + "/end", ``, 409, "conflict", ""},
		{"POST", at + "/recording/links", `{"expires_in_seconds": 59}`, 422, "invalid", "expires_in_seconds"},
		{"POST", at + "/recording/links", `{"expires_in_seconds": 7776001}`, 422, "invalid", "expires_in_seconds"},
	} {
		t.Run(c.method+" "+strings.ReplaceAll(c.path, "/", "_")+" "+strconv.Quote(c.body[:min(len(c.body), 60)]), func(t *testing.T) {
			a := b.ask(c.method, c.path, fullKey, c.body)
			if a.Code != c.status || a.code() != c.code || a.str("field") != c.field {
				t.Errorf("%d %s field %q, want %d %s %q\n%s", a.Code, a.code(), a.str("field"), c.status, c.code, c.field, a.Body)
			}
			checkProblem(t, a)
		})
	}
}

// FuzzDecode: whatever the body, decode returns nil or a problem of the client's.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{``, `{}`, `{"name": "A", "monthly_minutes": 5}`, `{"x": 1}`, `[1]`, `{"name": null}`, `{"name": {"a": 1}}`, "\xff", `{"a\u0000": 1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var seller profileInput
		var conf conferenceInput
		for _, err := range []error{decode(body, &seller), decode(body, &conf)} {
			if err == nil {
				continue
			}
			p := problemOf(err)
			if p.Status != 400 && p.Status != 422 {
				t.Errorf("%q: %v", body, err)
			}
			if len([]rune(p.Field)) > maxFieldName+1 {
				t.Errorf("field of %d characters", len(p.Field))
			}
		}
		if _, err := conf.plan(); err != nil && problemOf(err).Status != 422 {
			t.Errorf("%q: %v", body, err)
		}
	})
}

// FuzzCursor: a cursor is the one way of writing its number, or an error.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "1", "01", "-1", "+1", "18446744073709551615", "18446744073709551616", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		seq, err := seqCursor(s)
		if err == nil && s != "" && strconv.FormatUint(seq, 10) != s {
			t.Errorf("%q is read as %d", s, seq)
		}
	})
}
