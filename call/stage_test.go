package call_test

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"showroom/call"
)

// rule is what the words of a step mean.
func (s *stage) rule(words string) call.Rule {
	s.t.Helper()
	c := s.cases[s.id]
	var minutes, length int
	var clock string
	words, beside := strings.CutSuffix(words, " beside the other")
	if n, _ := fmt.Sscanf(words, "the CRM schedules %s for %d minutes", &clock, &length); n == 2 {
		return call.Schedule("conf_"+s.id, "key_crm", call.Plan{Subject: "Fiat Uno", StartsAt: s.parse(clock + ":00"), Length: time.Duration(length) * time.Minute, Recording: call.RecordingOn, AllowOverlap: beside})
	}
	if n, _ := fmt.Sscanf(words, "the CRM moves it to %s for %d minutes", &clock, &length); n == 2 {
		at := s.parse(clock + ":00")
		return call.Reschedule("key_crm", func(p call.Plan) (call.Plan, error) {
			p.StartsAt, p.Length, p.AllowOverlap = at, time.Duration(length)*time.Minute, beside
			return p, nil
		})
	}
	if n, _ := fmt.Sscanf(words, "the CRM sets the cap to %d minutes", &minutes); n == 1 {
		return change(func(p *call.Profile) { p.MonthlyMinutes = minutes })
	}
	if n, _ := fmt.Sscanf(words, "the CRM limits a conference to %d minutes", &minutes); n == 1 {
		return change(func(p *call.Profile) { p.ConferenceMinutes = minutes })
	}
	if n, _ := fmt.Sscanf(words, "the CRM has recordings kept for %d days", &minutes); n == 1 {
		return change(func(p *call.Profile) { p.RetentionDays = minutes })
	}
	if role, ok := strings.CutPrefix(words, "the CRM sends a link to the "); ok {
		id := "link_" + role
		if role == "guest" {
			id = "link_guest1"
		}
		return call.IssueLink(id, "key_crm", call.Role(role), "Gil", s.now.Add(24*time.Hour))
	}
	if role, ok := strings.CutPrefix(words, "the CRM revokes the link of the messages to the "); ok {
		return call.RevokeLink(c.Conference.Messages["invitation_"+role+"_0"].Link, "key_crm")
	}
	if role, ok := strings.CutPrefix(words, "the CRM revokes the link of the "); ok {
		return call.RevokeLink("link_"+role, "key_crm")
	}
	if who, ok := strings.CutSuffix(words, " comes"); ok {
		role := strings.TrimPrefix(who, "the ")
		if m, invited := c.Conference.Messages["invitation_"+role+"_0"]; invited {
			return call.Arrive(m.Link)
		}
		return call.Arrive("link_" + role)
	}
	if rest, ok := strings.CutPrefix(words, "the seller admits the "); ok {
		return call.Admit(rest, "seller")
	}
	if rest, ok := strings.CutPrefix(words, "the seller denies the "); ok {
		return call.Deny(rest, "seller")
	}
	if who, ok := strings.CutSuffix(words, " leaves"); ok {
		return call.Depart(strings.TrimPrefix(who, "the "), "left")
	}
	if who, ok := strings.CutSuffix(words, " is lost"); ok {
		return call.Depart(strings.TrimPrefix(who, "the "), "lost")
	}
	if who, ok := strings.CutSuffix(words, " agrees to be recorded"); ok {
		return s.consent(who, true)
	}
	if who, ok := strings.CutSuffix(words, " refuses to be recorded"); ok {
		return s.consent(who, false)
	}
	if file, ok := strings.CutPrefix(words, "recording "); ok {
		return s.recording(file)
	}
	if name, ok := strings.CutSuffix(words, " is composed"); ok {
		return call.AddDerived(call.Derived{Name: name, Kind: call.DerivedVideo, Size: 1, SHA256: "00"})
	}
	if n, _ := fmt.Sscanf(words, "the CRM shares the recording for %d minutes", &minutes); n == 1 {
		return call.ShareRecording(fmt.Sprint("share_", len(c.Conference.Shares)+1), "key_crm", "192.0.2.1", "Caio", s.now.Add(time.Duration(minutes)*time.Minute))
	}
	if share, ok := strings.CutPrefix(words, "the CRM revokes "); ok {
		return call.RevokeShare(share, "key_crm", "192.0.2.1")
	}
	if who, file, ok := strings.Cut(words, " watches "); ok {
		return watch(who, call.RecordingWatched{FileAccess: call.FileAccess{File: file, Address: "198.51.100.7"}})
	}
	if who, file, ok := strings.Cut(words, " downloads "); ok {
		return watch(who, call.RecordingDownloaded{FileAccess: call.FileAccess{File: file, Address: "198.51.100.7"}})
	}
	if message, ok := strings.CutPrefix(words, "sent: "); ok {
		return call.Settle(message, "email", call.Sent{Message: message, Channel: "email"})
	}
	if lead, ok := strings.CutPrefix(words, "the CRM sets reminders to "); ok {
		return change(func(p *call.Profile) {
			p.Reminders = []int{}
			for _, word := range strings.Fields(lead) {
				if n, err := strconv.Atoi(word); err == nil {
					p.Reminders = append(p.Reminders, n)
				}
			}
		})
	}
	switch words {
	case "the CRM names a colleague":
		return change(func(p *call.Profile) { p.ColleagueName, p.ColleagueEmail = "Caio", "caio@cars.example" })
	case "the CRM wants no call without consent":
		return change(func(p *call.Profile) { p.WithoutConsent = call.NoCall })
	case "the manifest is stored":
		return call.Export()
	case "the CRM deletes the recording":
		return call.OrderDeletion("key_crm", "")
	case "retention is looked after":
		return call.ExpireRecording
	case "everything is deleted":
		return call.FinishDeletion(4, 0)
	case "the CRM asks for one file":
		return call.RequestComposition("key_crm")
	case "composing starts":
		return call.StartComposition([]string{call.ComposedWebM, call.ComposedPoster})
	case "composing fails":
		return call.FailComposition("ffmpeg ended with 1")
	case "the buyer accepts":
		return call.Accept("buyer")
	case "the buyer declines":
		return call.Decline("buyer", "no time")
	case "the seller declines":
		return call.Decline("seller", "no time")
	case "the CRM names the vehicle":
		return call.Reschedule("key_crm", func(p call.Plan) (call.Plan, error) {
			p.Vehicle = call.Vehicle{Title: " Fiat Uno 1994 ", Photo: "https://cars.example/uno.jpg"}
			return p, nil
		})
	case "15 minutes after the end are up":
		return call.MissBy(15 * time.Minute)
	case "the CRM says that somebody did not come":
		return call.Miss("key_crm")
	case "the seller accepts":
		return call.Accept("seller")
	case "the CRM cancels":
		return call.Cancel("key_crm", "sold")
	case "the seller ends the call":
		return call.End("seller", call.ReasonEnded)
	case "the room stays empty":
		return call.CloseEmpty
	case "the server starts again":
		return call.Recover
	case "a tick":
		return call.Tick
	}
	s.t.Fatalf("%q at %s: no such step (conference %s)", words, s.now, c.Conference.ID)
	return nil
}

// watch is an access by a link, if it holds, or by the CRM.
func watch(who string, access call.Body) call.Rule {
	return func(c call.Case, now time.Time) ([]call.Event, error) {
		if who == "the CRM" {
			return call.NoteAccess("key_crm", access)(c, now)
		}
		if err := c.Conference.CheckShare(who, now); err != nil {
			return nil, err
		}
		return call.NoteAccess(who, access)(c, now)
	}
}

// change is a rule that changes the seller's settings.
func change(f func(*call.Profile)) call.Rule {
	return func(c call.Case, now time.Time) ([]call.Event, error) {
		p := c.Seller.Profile
		f(&p)
		return c.Seller.Change("key_crm", p, now)
	}
}

func (s *stage) consent(who string, accepted bool) call.Rule {
	return call.Agree(call.Consented{Participant: strings.TrimPrefix(who, "the "), Accepted: accepted, Text: "May we record?", Language: "en", Address: "127.0.0.1"})
}

func (s *stage) recording(words string) call.Rule {
	s.t.Helper()
	name, what, _ := strings.Cut(words, " ")
	switch what {
	case "starts":
		return call.StartFile(name, "buyer", "camera")
	case "is finished":
		return call.FinishFile(call.File{Name: name, Participant: "buyer", Source: "camera", SHA256: "00"})
	case "is stored":
		return call.StoreFile(name, "recordings/"+name)
	case "fails":
		return call.FailFile(call.File{Name: name, Participant: "buyer", Source: "camera", Reason: "disk full"})
	}
	s.t.Fatalf("%q: a recording starts, is finished, is stored or fails", words)
	return nil
}

// describe is an event in a few words.
func describe(e call.Event) string {
	words := []string{e.Body.Type()}
	switch b := e.Body.(type) {
	case call.Rescheduled:
		words = append(words, b.StartsAt.Format("2006-01-02 15:04 UTC"), fmt.Sprint(b.Seconds/60, " minutes"))
	case call.Changed:
		words = append(words, b.Vehicle.Title, b.Vehicle.Photo)
	case call.Declined:
		words = append(words, b.Reason)
	case call.NoShow:
		words = append(words, "missing: "+cmp.Or(string(b.Missing), "both"))
	case call.LinkIssued:
		words = append(words, b.Participant)
	case call.LinkRevoked:
		words = append(words, b.Link)
	case call.Cancelled:
		words = append(words, b.Reason)
	case call.Knocked:
		words = append(words, b.Participant)
	case call.KnockWithdrawn:
		words = append(words, b.Participant, b.Reason)
	case call.Admitted:
		words = append(words, b.Participant)
	case call.Denied:
		words = append(words, b.Participant)
	case call.Entered:
		words = append(words, b.Participant)
	case call.Left:
		words = append(words, b.Participant, b.Reason)
	case call.Finished:
		words = append(words, b.Reason, fmt.Sprintf("after %d s", b.ConnectedSeconds))
	case call.Consented:
		words = append(words, b.Participant, map[bool]string{true: "yes", false: "no"}[b.Accepted])
	case call.Warned:
		words = append(words, string(b.Level), fmt.Sprintf("%d s of the %s", b.RemainingSeconds, b.Limit))
	case call.Replenished:
		words = append(words, string(b.Level), fmt.Sprintf("%d s of the %s", b.RemainingSeconds, b.Limit))
	case call.Exhausted:
		words = append(words, "of the", string(b.Limit))
	case call.Reserved:
		words = append(words, fmt.Sprintf("%d s of %s", b.Seconds, b.Month))
	case call.Returned:
		words = append(words, fmt.Sprintf("%d s of %s", b.Seconds, b.Month))
	case call.RecordingComposing:
		words = append(words, strings.Join(b.Wants, "+"), "of", strings.Join(b.Files, "+"), fmt.Sprintf("attempt %d", b.Attempt))
	case call.RecordingComposed:
		words = append(words, b.Derived.Name)
	case call.RecordingComposeFailed:
		words = append(words, b.Reason)
	case call.SellerChanged:
		words = append(words, fmt.Sprintf("%d minutes a month", b.MonthlyMinutes))
		if b.RetentionDays > 0 {
			words = append(words, fmt.Sprintf("recordings for %d days", b.RetentionDays))
		}
		if b.WithoutConsent == call.NoCall {
			words = append(words, "no call without consent")
		}
	case call.Queued:
		words = append(words, b.Message, b.Link)
	case call.Sent:
		words = append(words, b.Message, b.Channel)
	case call.DeletionOrdered:
		words = append(words, string(b.Reason))
	case call.RecordingDeleted:
		for _, f := range b.Files {
			words = append(words, f.Name)
		}
		words = append(words, fmt.Sprintf("%d objects", b.Objects))
	}
	return strings.Join(words, " ")
}
