package signaling

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	yes := true
	for _, c := range []struct {
		in   string
		want request
		err  error
	}{
		{`{"type":"ping"}`, request{kind: "ping"}, nil},
		{`{"type":"ping","id":"a","x":[1]}`, request{kind: "ping", id: requestID(`"a"`)}, nil},
		{`{"type":"ping","id":-1.5e3}`, request{kind: "ping", id: requestID(`-1.5e3`)}, nil},
		{`{"type":"ping","id":null}`, request{kind: "ping"}, nil},
		{`{"type":"ping","text":5}`, request{kind: "ping"}, nil}, // another type's field
		{`{"type":"chat","text":"é","id":1}`, request{kind: "chat", id: requestID(`1`), body: &chatBody{"é"}}, nil},
		{`{"type":"consent","accepted":true,"text":"t"}`, request{kind: "consent", body: &consentBody{Accepted: &yes, Text: "t"}}, nil},
		{`{"type":"offer","sdp":"v=0","tracks":{"0":"mic"}}`, request{kind: "offer", body: &offerBody{"v=0", map[string]string{"0": "mic"}}}, nil},
		{`{"type":"dance","id":1}`, request{kind: "dance", id: requestID(`1`)}, errUnknownType},
		{`{"type":"chat","text":5,"id":1}`, request{kind: "chat", id: requestID(`1`), body: &chatBody{}}, errBadMessage},
		{`{"type":"ping","id":{}}`, request{kind: "ping"}, errBadMessage},
		{`{"type":"ping","id":true}`, request{kind: "ping"}, errBadMessage},
		{`{"type":"ping","id":"` + strings.Repeat("a", 64) + `"}`, request{kind: "ping"}, errBadMessage},
		{`{"type":5}`, request{}, errBadMessage},
		{`{"id":1}`, request{id: requestID(`1`)}, errBadMessage},
		{`{}`, request{}, errBadMessage}, {`[]`, request{}, errBadMessage}, {`null`, request{}, errBadMessage}, {``, request{}, errBadMessage},
		{`{"type":"ping"}{"type":"ping"}`, request{}, errBadMessage},
		{`{"type":"chat","text":"` + "\xff" + `"}`, request{}, errBadMessage},
		{strings.Repeat("[", 20000), request{}, errBadMessage},
	} {
		got, err := decode([]byte(c.in))
		if !errors.Is(err, c.err) || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%.60s: %+v, %v", c.in, got, err)
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"type":"join","token":"a.b.c","resume":"x","takeover":true,"protocol":1}`, `{"type":"consent","accepted":true,"text":"","language":"en"}`,
		`{"type":"offer","sdp":"v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\na=fingerprint:sha-256 AA","tracks":{"0":"mic"},"id":1}`, `{"type":"candidate","candidate":"","mid":"0","line":0}`,
		`{"type":"state","audio":true}`, `{"type":"chat","text":"hi"}`, `{"type":"admit","participant":"buyer"}`, `{"type":"ping","id":"\ud800"}`, `{"TYPE":"end"}`, `{"type":"leave","type":5}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(data)
		if p := explain(err, ""); err != nil && p.code != codeBadMessage && p.code != codeUnknownType {
			t.Fatalf("code %s", p.code)
		}
		// Whatever the id is, the reply is one line of JSON that repeats it.
		var back struct {
			ID json.RawMessage `json:"id"`
		}
		reply := encode(errorMessage{reply("error", r.id), "x", "y"})
		if err := json.Unmarshal(reply, &back); err != nil || len(back.ID) > maxRequestID {
			t.Fatalf("%s: %v", reply, err)
		}
		if o, ok := r.body.(*offerBody); ok && err == nil {
			identify(o.SDP)
		}
	})
}

func TestIdentity(t *testing.T) {
	offer := "v=0\r\no=- 42 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 aa:BB\r\nm=audio 9 X 0\r\no=- 43 2 IN IP4 0\r\na=fingerprint:sha-256 CC\r\n"
	want := identity{"SHA-256 AA:BB", "42"}
	if got := identify(offer); got != want || !got.whole() {
		t.Fatalf("%+v", got)
	}
	if got := identify(strings.Replace(offer, "42 2", "42 3", 1)); got != want {
		t.Fatalf("a re-offer: %+v", got)
	}
	for _, other := range []string{strings.Replace(offer, "- 42", "- 44", 1), strings.Replace(offer, "aa:BB", "DD", 1)} {
		if identify(other) == want {
			t.Fatalf("same: %s", other)
		}
	}
	for _, bad := range []string{"", "o=x", "a=fingerprint:", "o=- 1 2 IN IP4 x"} {
		if identify(bad).whole() {
			t.Errorf("%q is whole", bad)
		}
	}
}
