package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

// personal is everything that the buyer of these tests is known by.
var personal = []string{"Mariana", "Sekret", "Zekret", "5511", "CRM-4711", "203.0.113.", "confidential", "Gustavo"}

// patient is a store with a buyer who had calls, and is known by everything in personal.
func patient(t *testing.T, s *shop) (seller, buyer string, conferences []string) {
	t.Helper()
	seller = s.seller(60)
	b := need(s.RegisterBuyer(s.ctx, "key_1", call.Contact{Name: "Mariana Sekret", Email: "m@sekret.example", Phone: "+5511 9", Reference: "CRM-4711"}))(t)
	need(s.ChangeBuyer(s.ctx, b.ID, "key_1", func(b call.Buyer) (call.Contact, error) {
		b.Name = "Mariana Zekret"
		return b.Contact, nil
	}))(t)
	device := phone(b.ID, "token-of-Mariana")
	device.App = "Mariana's phone"
	if _, _, err := s.RegisterDevice(s.ctx, "key_1", device); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		p := plan(noon.Add(time.Duration(i) * time.Hour))
		p.Subject = "confidential: Mariana's car"
		c, err := s.Schedule(s.ctx, seller, b.ID, call.Schedule(fmt.Sprint("conf_p", i), "key_1", p))
		conferences = append(conferences, must(t, c, err).Conference.ID)
	}
	id := conferences[0]
	s.meet(id)
	s.apply(id, call.IssueLink("link_g", "key_1", call.RoleGuest, "Gustavo", s.clock.Now().Add(time.Hour)))
	s.apply(id, call.Agree(call.Consented{Participant: "buyer", Accepted: true, Text: "May Ana record Mariana?", Address: "203.0.113.7"}))
	s.apply(id, call.FinishFile(call.File{Name: "buyer-1.webm", Participant: "buyer", Size: 1000, SHA256: "aa"}))
	s.clock.Add(90 * time.Second)
	s.apply(id, call.End("seller", "confidential"))
	s.apply(id, call.ShareRecording("share_1", "key_1", "203.0.113.8", "for Mariana", s.clock.Now().Add(time.Hour)))
	s.apply(id, call.NoteAccess("share_1", call.RecordingWatched{FileAccess: call.FileAccess{File: "buyer-1.webm", Address: "203.0.113.9"}}))
	if err := s.AddWebhook(s.ctx, call.Webhook{ID: "hook_1", URL: "https://crm.example"}); err != nil {
		t.Fatal(err)
	}
	w := need(s.Webhook(s.ctx, "hook_1"))(t)
	need(s.Delivered(s.ctx, w, []call.Attempt{{Stream: id, Response: "hello Mariana"}, {Stream: seller, Response: "as it was"}}))(t)
	return seller, b.ID, conferences
}

func TestErase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "erase.db")
	s := openShopAt(t, path)
	seller, buyer, confs := patient(t, s)
	other := s.buyer()
	s.conference(seller, other, noon)
	usage := need(s.Seller(s.ctx, seller))(t)
	was := need(s.Conference(s.ctx, confs[0]))(t)
	log := need(s.Events(s.ctx, 0, maxBatch))(t)

	b := need(s.OrderErasure(s.ctx, buyer, "key_1", "203.0.113.1"))(t)
	if b.Name != "" || !b.Erasing() || b.Erasure.By != "key_1" {
		t.Errorf("ordered: %+v", b)
	}
	need(s.OrderErasure(s.ctx, buyer, "key_2", ""))(t) // no news
	for i, want := range []call.State{call.StateFinished, call.StateCancelled, call.StateCancelled} {
		if c := need(s.Conference(s.ctx, confs[i]))(t); c.State != want {
			t.Errorf("%d is %s, want %s", i, c.State, want)
		}
	}
	if c := need(s.Conference(s.ctx, confs[0]))(t); c.Task() != call.TaskDelete || c.Deletion.Reason != call.DeletedByErasure {
		t.Errorf("the recording: %+v", c.Deletion)
	}
	for name, list := range map[string]func() ([]call.Buyer, string, error){
		"name": func() ([]call.Buyer, string, error) {
			return s.Buyers(s.ctx, call.PeopleFilter{Text: "mariana"}, "", 10)
		},
		"reference": func() ([]call.Buyer, string, error) {
			return s.Buyers(s.ctx, call.PeopleFilter{Text: "crm-4711"}, "", 10)
		},
	} {
		if found, _, err := list(); err != nil || len(found) > 0 {
			t.Errorf("found by %s: %v, %v", name, found, err)
		}
	}
	refused := map[string]error{}
	_, refused["schedule"] = s.Schedule(s.ctx, seller, buyer, call.Schedule("conf_new", "key_1", plan(noon)))
	_, refused["change"] = s.ChangeBuyer(s.ctx, buyer, "key_1", func(b call.Buyer) (call.Contact, error) { return call.Contact{Name: "Mariana"}, nil })
	_, _, refused["share"] = s.Apply(s.ctx, confs[1], call.ShareRecording("share_2", "key_1", "", "Mariana", noon.Add(2*time.Hour)))
	for what, err := range refused {
		if err == nil {
			t.Errorf("%s is not refused", what)
		}
	}
	s.apply(confs[0], call.FinishDeletion(1, 0))

	done := need(s.Anonymize(s.ctx, buyer))(t)
	if want := (call.Erased{Conferences: 3, Recordings: 1, Files: 1, Bytes: 1000, Events: done.Events, Attempts: 1}); done != want || done.Events < 15 {
		t.Errorf("done: %+v, want %+v", done, want)
	}
	if again := need(s.Anonymize(s.ctx, buyer))(t); again != done {
		t.Errorf("again: %+v, want %+v", again, done)
	}
	need(s.Delivered(s.ctx, need(s.Webhook(s.ctx, "hook_1"))(t), []call.Attempt{{Stream: confs[0], Response: "late, Mariana"}}))(t) // was under way
	b = need(s.FinishErasure(s.ctx, buyer, done))(t)
	need(s.FinishErasure(s.ctx, buyer, done))(t)
	if b.Erasing() || b.Erasure.Proof != done {
		t.Errorf("finished: %+v", b.Erasure)
	}
	if left := need(s.Erasures(s.ctx))(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}

	// What happened, when, and how many minutes it took is as it was.
	for i, e := range need(s.Events(s.ctx, 0, len(log)))(t) {
		if e.Seq != log[i].Seq || e.Stream != log[i].Stream || !e.At.Equal(log[i].At) || e.Body.Type() != log[i].Body.Type() || e.Actor != log[i].Actor {
			t.Errorf("event %d was %v and is %v", i, log[i], e)
		}
	}
	if now := need(s.Seller(s.ctx, seller))(t); toJSON(t, now.Taken) != toJSON(t, usage.Taken) {
		t.Errorf("minutes: %v, were %v", now.Taken, usage.Taken)
	}
	if c := need(s.Conference(s.ctx, confs[0]))(t); c.ConnectedSeconds != was.ConnectedSeconds || c.ConnectedSeconds == 0 || c.Subject != "" || c.Links["link_g"].Name != "" {
		t.Errorf("conference: %+v", c)
	}
	if n := need(s.Rebuild(s.ctx))(t); n != 0 {
		t.Errorf("%d keys are not what the log says", n)
	}
	for k, v := range dump(t, s.db) {
		for _, word := range personal {
			if strings.Contains(strings.ToLower(k+v), strings.ToLower(word)) {
				t.Errorf("%q is in %q: %s", word, k, v)
			}
		}
	}
	if err := s.Scrub(s.ctx); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range personal {
		if bytes.Contains(bytes.ToLower(file), []byte(strings.ToLower(word))) {
			t.Errorf("%q is in the file", word)
		}
	}
	if !bytes.Contains(file, []byte("as it was")) {
		t.Error("another's answer went, too")
	}
}

// TestEraseIsRefusedInACall: nothing changes while a call of the buyer runs, waits to be closed, or somebody is at the door.
func TestEraseIsRefusedInACall(t *testing.T) {
	s := openShop(t)
	seller, buyer := s.seller(60), s.buyer()
	planned, id := s.conference(seller, buyer, noon.Add(time.Hour)), s.conference(seller, buyer, noon)
	refused := func(when string) {
		t.Helper()
		before := dump(t, s.db)
		_, err := s.OrderErasure(s.ctx, buyer, "key_1", "")
		var running *call.RunningError
		if !errors.As(err, &running) || running.Conference != id {
			t.Errorf("%s: %v", when, err)
		}
		if after := dump(t, s.db); toJSON(t, after) != toJSON(t, before) {
			t.Errorf("%s: something was written", when)
		}
	}
	s.meet(id)
	refused("in the call")
	s.apply(id, call.Depart("seller", call.ReasonLeft))
	refused("while one is there")
	s.apply(id, call.Depart("buyer", call.ReasonLeft))
	refused("before it is closed")
	s.apply(id, call.CloseEmpty)
	need(s.OrderErasure(s.ctx, buyer, "key_1", ""))(t)
	if c := need(s.Conference(s.ctx, planned))(t); c.FinishReason != call.ReasonErased {
		t.Errorf("the plan: %+v", c)
	}
	if _, err := s.OrderErasure(s.ctx, "buy_none", "key_1", ""); !errors.Is(err, call.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// TestEraseInterrupted ends the process at each write of the rewriting; the next one finishes it, and comes to the same.
func TestEraseInterrupted(t *testing.T) {
	want := call.Erased{}
	for crash, whole := 0, false; !whole; crash++ {
		db, err := kv.OpenBolt(filepath.Join(t.TempDir(), "crash.db"))
		if err != nil {
			t.Fatal(err)
		}
		broken := &breaking{DB: db, left: -1}
		s := shopOn(t, broken)
		_, buyer, confs := patient(t, s)
		need(s.OrderErasure(s.ctx, buyer, "key_1", ""))(t)
		s.apply(confs[0], call.FinishDeletion(1, 0))
		broken.left = crash
		_, err = s.Anonymize(s.ctx, buyer)
		whole = err == nil
		broken.left = -1
		again := shopOn(t, db) // as after a start
		done := need(again.Anonymize(again.ctx, buyer))(t)
		if want == (call.Erased{}) {
			want = done
		}
		if done != want {
			t.Errorf("after write %d: %+v, want %+v", crash, done, want)
		}
		for k, v := range dump(t, db) {
			for _, word := range personal {
				if strings.Contains(k+v, word) {
					t.Errorf("after write %d: %q is in %q: %s", crash, word, k, v)
				}
			}
		}
		db.Close()
	}
}

// breaking is a database whose process ends after some more updates; -1 is never.
type breaking struct {
	kv.DB
	left int
}

func (b *breaking) Update(ctx context.Context, fn func(kv.Tx) error) error {
	if b.left == 0 {
		return errors.New("the process ends here")
	}
	if b.left > 0 {
		b.left--
	}
	return b.DB.Update(ctx, fn)
}
