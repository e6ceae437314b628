package rest

import (
	"strings"
	"testing"
	"time"

	"showroom/call"
)

// plain words messages without any art.
type plain struct{}

func (plain) Word(c call.Case, m call.Message) (Worded, error) {
	url := "https://meet.example/join#" + m.Link
	return Worded{Subject: string(m.Kind), Text: "Open " + url, URL: url, Calendar: "BEGIN:VCALENDAR " + url}, nil
}

func (plain) Tries(_, message string) []Try {
	if !strings.Contains(message, "seller") {
		return nil
	}
	return []Try{{Channel: "email", Failures: 2, Error: "no route to host", Next: time.Unix(1e9, 0)}}
}

func (plain) Channels() []string { return []string{"email", "push"} }

// told queues what is due for a visit's conference, as the outbox does.
func (b *bench) told(v visit) {
	b.t.Helper()
	policy := call.Policy{Channels: []string{"email", "push"}}
	if _, _, err := b.store.Apply(b.t.Context(), v.conference, call.Notify(policy, func() string { return newID("link_") })); err != nil {
		b.t.Fatal(err)
	}
	for _, outcome := range []call.Body{call.Sent{Message: "invitation_buyer_0", Channel: "email"}, call.Skipped{Message: "invitation_buyer_0", Channel: "push", Reason: "no device"}} {
		channel := "email"
		if s, ok := outcome.(call.Skipped); ok {
			channel = s.Channel
		}
		if _, _, err := b.store.Apply(b.t.Context(), v.conference, call.Settle("invitation_buyer_0", channel, outcome)); err != nil {
			b.t.Fatal(err)
		}
	}
}

// TestMessages: whoever may make links sees them, others see the same without; every fate is shown.
func TestMessages(t *testing.T) {
	b := newBench(t)
	hook := b.want(201, "POST", "/webhooks", `{"url": "https://crm.example/hooks", "events": ["message.*"]}`).str("id")
	deaf := b.want(201, "POST", "/webhooks", `{"url": "https://crm.example/other", "events": ["call.*"]}`).str("id")
	b.now = b.now.Add(time.Second)
	v, other := b.visit(), b.visit()
	b.told(v)
	b.told(other)
	list := func(credential, query string) []any {
		t.Helper()
		return b.wantAs(200, credential, "GET", "/messages"+query, "").body["data"].([]any)
	}
	if all := list(fullKey, ""); len(all) != 4 {
		t.Fatalf("%d messages", len(all))
	}
	one := list(fullKey, "?conference="+v.conference)
	if len(one) != 2 {
		t.Fatalf("%d messages of one conference", len(one))
	}
	seller, buyer := one[0].(map[string]any), one[1].(map[string]any)
	if buyer["id"] != v.conference+".invitation_buyer_0" || buyer["state"] != "sent" || seller["state"] != "queued" {
		t.Errorf("%v\n%v", buyer, seller)
	}
	fates := buyer["deliveries"].([]any)
	if skipped := fates[1].(map[string]any); len(fates) != 2 || skipped["state"] != "skipped" || skipped["reason"] != "no device" {
		t.Errorf("fates %v", fates)
	}
	if trying := seller["deliveries"].([]any)[0].(map[string]any); trying["failures"] != 2.0 || trying["reason"] != "no route to host" {
		t.Errorf("being tried: %v", trying)
	}
	handed := map[any]any{}
	for _, w := range buyer["webhooks"].([]any) {
		handed[w.(map[string]any)["id"]] = w.(map[string]any)["taken"]
	}
	if handed[hook] != false || handed[deaf] != nil {
		t.Errorf("webhooks %v", handed)
	}
	if !strings.HasPrefix(buyer["url"].(string), "https://meet.example/join#link_") || !strings.Contains(buyer["text"].(string), "#link_") {
		t.Errorf("no link: %v", buyer)
	}
	for _, m := range list(readKey, "") {
		if m := m.(map[string]any); m["url"] != nil || m["calendar"] != nil || strings.Contains(m["text"].(string), "#link_") {
			t.Errorf("a key that may not make links sees one: %v", m)
		}
	}
	b.want(422, "GET", "/messages?conference=x", "")
	b.want(404, "GET", "/messages?conference=conf_aaaaaaaaaaaaaaaaaaaaaaaaaa", "")
	b.want(422, "GET", "/messages?after=x", "")
}

// TestMessagesOfOneSeller: a seller's key sees those of its own conferences, and no webhooks.
func TestMessagesOfOneSeller(t *testing.T) {
	b := newBench(t)
	b.want(201, "POST", "/webhooks", `{"url": "https://crm.example/hooks"}`)
	b.now = b.now.Add(time.Second)
	v, other := b.visit(), b.visit()
	b.told(v)
	b.told(other)
	key := b.want(201, "POST", "/keys", `{"name": "app", "scope": "seller", "seller": "`+v.seller+`"}`).str("secret")
	all := b.wantAs(200, key, "GET", "/messages", "").body["data"].([]any)
	if len(all) != 2 {
		t.Fatalf("%d messages", len(all))
	}
	for _, m := range all {
		m := m.(map[string]any)
		if m["conference"].(map[string]any)["id"] != v.conference || len(m["webhooks"].([]any)) != 0 || m["url"] == nil {
			t.Errorf("%v", m)
		}
	}
	b.wantAs(404, key, "GET", "/messages?conference="+other.conference, "")
}

// TestMessageSettings: reminders and colleague are the seller's, null goes back to the installation's; a buyer has a zone.
func TestMessageSettings(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	path := "/sellers/" + v.seller
	set := b.want(200, "PATCH", path, `{"reminder_minutes": [1440, 15], "colleague_name": "Caio", "colleague_email": " caio@cars.example "}`)
	if set.str("colleague_email") != "caio@cars.example" || len(set.body["reminder_minutes"].([]any)) != 2 {
		t.Errorf("%s", set.Body)
	}
	if kept := b.want(200, "PATCH", path, `{"name": "Ana"}`); len(kept.body["reminder_minutes"].([]any)) != 2 {
		t.Errorf("%s", kept.Body)
	}
	if none := b.want(200, "PATCH", path, `{"reminder_minutes": []}`); none.body["reminder_minutes"] == nil {
		t.Errorf("%s", none.Body)
	}
	if reset := b.want(200, "PATCH", path, `{"reminder_minutes": null}`); reset.body["reminder_minutes"] != nil {
		t.Errorf("%s", reset.Body)
	}
	for _, bad := range []string{`{"reminder_minutes": [0]}`, `{"reminder_minutes": [10081]}`, `{"reminder_minutes": [1,2,3,4,5,6]}`, `{"reminder_minutes": "10"}`, `{"colleague_email": "caio"}`} {
		if a := b.want(422, "PATCH", path, bad); a.str("field") == "" {
			t.Errorf("%s: %s", bad, a.Body)
		}
	}
	if a := b.want(200, "PATCH", "/buyers/"+v.buyer, `{"time_zone": "Europe/Lisbon"}`); a.str("time_zone") != "Europe/Lisbon" {
		t.Errorf("%s", a.Body)
	}
	b.want(422, "PATCH", "/buyers/"+v.buyer, `{"time_zone": "Lisbon"}`)
}

// TestTold: who waits learns whether the seller was told, from the log and from nothing else.
func TestTold(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	c, err := b.store.Case(t.Context(), v.conference)
	if err != nil {
		t.Fatal(err)
	}
	if c.Conference.State != call.StateScheduled {
		t.Fatalf("the visit's conference is %s", c.Conference.State)
	}
	told := func() (state string, at any) {
		t.Helper()
		conf := b.wantAs(200, v.token, "GET", "/invitation", "").body["conference"].(map[string]any)
		if conf["told"] == nil {
			return "", nil
		}
		m := conf["told"].(map[string]any)
		return m["state"].(string), m["seller_at"]
	}
	apply := func(rule call.Rule) {
		t.Helper()
		if _, _, err := b.store.Apply(t.Context(), v.conference, rule); err != nil {
			t.Fatal(err)
		}
	}
	want := func(state string, isTold bool) {
		t.Helper()
		if got, at := told(); got != state || (at != nil) != isTold {
			t.Errorf("told %q at %v, want %q", got, at, state)
		}
	}
	want("", false)
	apply(call.Arrive(v.link))
	want(call.ToldSending, false)
	apply(call.Notify(call.Policy{Channels: []string{"email"}}, func() string { return newID("link_") }))
	want(call.ToldSending, false)
	if c, err = b.store.Case(t.Context(), v.conference); err != nil {
		t.Fatal(err)
	}
	for id, m := range c.Conference.Messages {
		if m.Kind == call.KindWaiting {
			apply(call.Settle(id, "email", call.Sent{Message: id, Channel: "email"}))
		}
	}
	want(call.ToldSent, true)
	apply(call.Depart("buyer", call.ReasonLeft))
	want("", false)
}

// TestToldNobody: with nothing that could carry it, nobody says that somebody was told.
func TestToldNobody(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	for _, rule := range []call.Rule{call.Arrive(v.link), call.Notify(call.Policy{}, func() string { return newID("link_") })} {
		if _, _, err := b.store.Apply(t.Context(), v.conference, rule); err != nil {
			t.Fatal(err)
		}
	}
	conf := b.wantAs(200, v.token, "GET", "/invitation", "").body["conference"].(map[string]any)
	if got := conf["told"].(map[string]any)["state"]; got != call.ToldNobody {
		t.Errorf("told %v", got)
	}
}

// TestResendAndReport: a message goes once more as one of its own while it is true; who sends by other ways says what became of it.
func TestResendAndReport(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	b.told(v)
	path := "/conferences/" + v.conference + "/messages/"
	again := b.want(200, "POST", path+"invitation_buyer_0/resend", "")
	if again.str("id") != v.conference+".invitation_buyer_0_again_2" || again.str("state") != "queued" || again.str("kind") != "invitation" {
		t.Errorf("%s", again.Body)
	}
	if same := b.want(200, "POST", path+"invitation_buyer_0_again_2/resend", ""); same.str("id") != again.str("id") {
		t.Errorf("one that is queued goes twice: %s", same.Body)
	}
	said := b.want(200, "POST", path+"invitation_seller_0/report", `{"channel": "whatsapp", "state": "failed", "reason": "no such number"}`)
	fates := said.body["deliveries"].([]any)
	if last := fates[len(fates)-1].(map[string]any); last["channel"] != "whatsapp" || last["state"] != "failed" || last["reason"] != "no such number" {
		t.Errorf("%s", said.Body)
	}
	said = b.want(200, "POST", path+"invitation_seller_0/report", `{"channel": "whatsapp", "state": "sent"}`)
	if now := said.body["deliveries"].([]any); len(now) != len(fates) || now[len(now)-1].(map[string]any)["state"] != "sent" {
		t.Errorf("%s", said.Body)
	}
	b.quiet = true
	for _, bad := range []string{`{"channel": "email", "state": "sent"}`, `{"channel": "Whats App", "state": "sent"}`, `{"channel": "sms", "state": "read"}`, `{"channel": "sms", "state": "sent", "reason": "` + strings.Repeat("x", 201) + `"}`} {
		b.want(422, "POST", path+"invitation_seller_0/report", bad)
	}
	b.quiet = false
	for n := range 5 {
		b.want(200, "POST", path+"invitation_seller_0/report", `{"channel": "sms`+string(rune('a'+n))+`", "state": "sent"}`)
	}
	b.want(409, "POST", path+"invitation_seller_0/report", `{"channel": "pigeon", "state": "sent"}`)
	b.want(404, "POST", path+"nothing/resend", "")
	b.want(404, "POST", path+"nothing/report", `{"channel": "sms", "state": "sent"}`)
	b.want(200, "POST", "/conferences/"+v.conference+"/cancel", "")
	b.want(409, "POST", path+"invitation_buyer_0/resend", "")
}
