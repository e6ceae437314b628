package notify

import (
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"showroom/call"
)

// TestMessagesOfADay: everything once, at its time, however often the process ends in between.
func TestMessagesOfADay(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		t.Run(fmt.Sprint("restarts ", restarts), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := openOffice(t, "America/Sao_Paulo", "2026-01-31 22:00")
				again := func() {
					if restarts {
						o.restart()
						synctest.Wait()
					}
				}
				first, second := o.schedule(o.parse("America/Sao_Paulo", "2026-02-01 00:30")), o.schedule(o.parse("America/Sao_Paulo", "2026-02-01 01:00"))
				again()
				o.until("2026-01-31 23:29")
				again()
				o.until("2026-01-31 23:45")
				again()
				o.apply(second, call.Cancel("key_crm", "sold"))
				again()
				o.until("2026-02-01 00:28")
				o.come(first, call.RoleBuyer)
				again()
				o.until("2026-02-01 00:29")
				again()
				o.until("2026-02-01 00:35")
				again()
				o.come(first, call.RoleSeller)
				o.until("2026-02-01 02:00")
				o.want(
					"01-31 22:00:00 invitation_buyer_0", "01-31 22:00:00 invitation_buyer_0", "01-31 22:00:00 invitation_seller_0", "01-31 22:00:00 invitation_seller_0",
					"01-31 23:30:00 reminder_buyer_0_60", "01-31 23:30:00 reminder_seller_0_60",
					"01-31 23:45:00 cancellation_buyer_0", "01-31 23:45:00 cancellation_seller_0",
					"02-01 00:20:00 reminder_buyer_0_10", "02-01 00:20:00 reminder_seller_0_10",
					"02-01 00:28:00 waiting_seller_1769916480_1", "02-01 00:30:00 waiting_seller_1769916480_2", "02-01 00:33:00 waiting_colleague_1769916480_1",
				)
			})
		})
	}
}

// TestRemindersMissed: a process that was not running at the time of a reminder makes up for the last one only, and for none after the start.
func TestRemindersMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t, "Europe/Berlin", "2026-10-24 12:00")
		o.schedule(o.parse("Europe/Berlin", "2026-10-24 15:00"))
		o.close()
		o.until("2026-10-24 14:55")
		o.open()
		synctest.Wait()
		o.schedule(o.parse("Europe/Berlin", "2026-10-24 16:30"))
		o.close()
		o.until("2026-10-24 16:31")
		o.open()
		o.until("2026-10-24 18:00")
		o.want("10-24 12:00:00 invitation_buyer_0", "10-24 12:00:00 invitation_seller_0", "10-24 14:55:00 invitation_buyer_0", "10-24 14:55:00 invitation_seller_0",
			"10-24 14:55:00 reminder_buyer_0_10", "10-24 14:55:00 reminder_seller_0_10")
	})
}

// TestDaylightSaving: an hour before is an hour before, whatever the clocks on the wall do, and the text says what they show.
func TestDaylightSaving(t *testing.T) {
	for _, c := range []struct{ zone, now, start, reminded, says string }{
		{"America/New_York", "2026-03-07 12:00", "2026-03-08 03:15", "03-08 01:15:00", "Sunday, 8 March 2026, 03:15 (New York, UTC−4)"},
		{"America/New_York", "2026-10-31 12:00", "2026-11-01 02:30", "11-01 01:30:00", "Sunday, 1 November 2026, 02:30 (New York, UTC−5)"},
		{"Europe/Lisbon", "2026-03-28 12:00", "2026-03-29 02:10", "03-29 00:10:00", "Sunday, 29 March 2026, 02:10 (Lisbon, UTC+1)"},
		{"Asia/Kolkata", "2026-02-28 20:00", "2026-03-01 00:20", "02-28 23:20:00", "Sunday, 1 March 2026, 00:20 (Kolkata, UTC+5:30)"},
		{"UTC", "2026-12-31 20:00", "2027-01-01 00:00", "12-31 23:00:00", "Friday, 1 January 2027, 00:00 (UTC)"},
	} {
		t.Run(c.zone+c.start, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := openOffice(t, c.zone, c.now)
				start := o.parse(c.zone, c.start)
				o.schedule(start)
				time.Sleep(time.Until(start))
				synctest.Wait()
				if lines := o.box.lines(o.seller.Zone()); !slices.Contains(lines, c.reminded+" reminder_buyer_0_60") {
					t.Errorf("sent %q", lines)
				}
				for _, r := range o.box.got {
					if !strings.Contains(r.Text, c.says) || !strings.Contains(html.UnescapeString(r.HTML), c.says) {
						t.Errorf("%s says %q", r.ID, r.Text)
					}
				}
			})
		})
	}
}

// TestFates: what fails for now is tried again, what fails for good is not, and the log says which.
func TestFates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t, "UTC", "2026-05-04 09:00")
		tries := map[string]int{}
		o.box.fail = func(m Message) error {
			_, word, _ := strings.Cut(m.ID, ".")
			tries[word]++
			switch {
			case word == "invitation_buyer_0" && tries[word] < 4:
				return fmt.Errorf("451 try later <%s>", m.To.Email)
			case word == "invitation_seller_0":
				return fmt.Errorf("no mailbox %s: %w", m.To.Email, Permanent(errors.New("550")))
			case word == "reminder_buyer_0_60":
				return fmt.Errorf("%w of the buyer", ErrNoAddress)
			case word == "reminder_seller_0_60", strings.HasPrefix(word, "waiting_"):
				return errors.New("no route to host")
			}
			return nil
		}
		id := o.schedule(o.parse("UTC", "2026-05-04 11:00"))
		o.until("2026-05-04 10:57")
		o.come(id, call.RoleBuyer)
		o.until("2026-05-04 10:58")
		o.come(id, call.RoleSeller)
		o.until("2026-05-04 12:00")
		c, err := o.Case(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		fate := func(message string) string {
			d := c.Conference.Messages[message].Deliveries[0]
			return string(d.State) + " " + d.Reason
		}
		for message, want := range map[string]string{
			"invitation_buyer_0": "sent ", "invitation_seller_0": "failed no mailbox …: 550", "reminder_buyer_0_60": "skipped no address of the buyer",
			"reminder_seller_0_60": "failed no route to host", "waiting_seller_1777892220_1": "skipped overtaken", "reminder_seller_0_10": "sent ",
		} {
			if got := fate(message); got != want {
				t.Errorf("%s: %q, want %q", message, got, want)
			}
		}
		if tries["invitation_buyer_0"] != 4 || tries["invitation_seller_0"] != 1 || tries["reminder_seller_0_60"] < 6 {
			t.Errorf("tries %v", tries)
		}
		if open, err := o.OpenMessages(t.Context()); len(open) != 0 || err != nil {
			t.Errorf("open %v, %v", open, err)
		}
	})
}

// TestSettingsMove: new settings of the seller, and a new policy at a restart, hold for conferences that are planned.
func TestSettingsMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t, "UTC", "2026-05-04 09:00")
		o.schedule(o.parse("UTC", "2026-05-04 12:00"))
		o.policy.Reminders = []time.Duration{30 * time.Minute}
		o.restart()
		o.until("2026-05-04 11:31")
		if _, err := o.ChangeSeller(t.Context(), o.seller.ID, "key_crm", func(s call.Seller) (call.Profile, error) {
			p := s.Profile
			p.Reminders = []int{20, 5}
			return p, nil
		}); err != nil {
			t.Fatal(err)
		}
		o.until("2026-05-04 13:00")
		o.want("05-04 09:00:00 invitation_buyer_0", "05-04 09:00:00 invitation_seller_0", "05-04 11:30:00 reminder_buyer_0_30", "05-04 11:30:00 reminder_seller_0_30",
			"05-04 11:40:00 reminder_buyer_0_20", "05-04 11:40:00 reminder_seller_0_20", "05-04 11:55:00 reminder_buyer_0_5", "05-04 11:55:00 reminder_seller_0_5")
	})
}

// TestPlansOfADay: a new plan moves the reminders and says so; who declines is reminded of nothing; a call that nobody came to is told of.
func TestPlansOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t, "America/Sao_Paulo", "2026-05-29 09:00")
		id := o.schedule(o.parse("America/Sao_Paulo", "2026-05-31 23:30"))
		move := func(start string) {
			o.apply(id, call.Reschedule("key_crm", func(p call.Plan) (call.Plan, error) {
				p.StartsAt = o.parse("America/Sao_Paulo", start)
				return p, nil
			}))
			o.restart()
			synctest.Wait()
		}
		o.until("2026-05-29 10:00")
		move("2026-06-01 00:10")
		o.until("2026-05-31 23:12")
		o.apply(id, call.Decline("buyer", "on the road"))
		o.until("2026-06-01 00:05")
		move("2026-06-01 09:00")
		o.until("2026-06-01 09:40")
		o.apply(id, call.Miss("key_crm"))
		o.until("2026-06-01 12:00")
		declined := "05-31 23:12:00 declined_seller_1780279920"
		o.want("05-29 09:00:00 invitation_buyer_0", "05-29 09:00:00 invitation_seller_0", "05-29 10:00:00 update_buyer_1", "05-29 10:00:00 update_seller_1",
			"05-31 23:10:00 reminder_buyer_1_60", "05-31 23:10:00 reminder_seller_1_60", declined,
			"06-01 00:05:00 update_buyer_2", "06-01 00:05:00 update_seller_2", "06-01 08:00:00 reminder_buyer_2_60", "06-01 08:00:00 reminder_seller_2_60",
			"06-01 08:50:00 reminder_buyer_2_10", "06-01 08:50:00 reminder_seller_2_10", "06-01 09:40:00 no_show_buyer_2", "06-01 09:40:00 no_show_seller_2")
		for _, r := range o.box.got {
			switch r.Kind {
			case call.KindDeclined:
				if !strings.Contains(r.Text, "on the road") || r.URL != "" {
					t.Errorf("%s", r.Text)
				}
			case call.KindUpdate:
				if first := o.box.got[0]; r.To.Role == first.To.Role && r.URL != first.URL {
					t.Errorf("the link has become another: %s, %s", first.URL, r.URL)
				}
			}
		}
	})
}

// TestTexts: in every language each message says all that it should, in no words that were left to fill in.
func TestTexts(t *testing.T) {
	kinds := map[call.Kind][]call.Role{
		call.KindWaiting: {call.RoleSeller, call.RoleColleague}, call.KindDeclined: {call.RoleSeller},
	}
	for _, kind := range []call.Kind{call.KindInvitation, call.KindUpdate, call.KindCancellation, call.KindReminder, call.KindNoShow} {
		kinds[kind] = []call.Role{call.RoleBuyer, call.RoleSeller}
	}
	for _, language := range call.Languages {
		for kind, roles := range kinds {
			for _, role := range roles {
				m := written(t, func(c *call.Case, m *call.Message) {
					c.Seller.Language, c.Conference.Language, c.Seller.ColleagueName = language, language, ""
					c.Conference.Subject = "<b>Pulse</b>"
					m.Kind, m.To, m.Since = kind, role, m.At
				})
				if m.Subject == "" || m.Short == "" || strings.Contains(m.Text+m.Short+m.Subject, "{{") || strings.ContainsAny(m.Subject, "\r\n") ||
					!strings.Contains(m.Text, m.URL) || strings.Contains(m.Text, "\n\n\n") || strings.Contains(m.Text, " ,") {
					t.Errorf("%s %s %s: %q\n%s", language, kind, role, m.Subject, m.Text)
				}
				if strings.Contains(m.HTML, "<b>") || !strings.Contains(m.HTML, `lang="`+language+`"`) {
					t.Errorf("%s %s %s: %s", language, kind, role, m.HTML)
				}
			}
		}
	}
}

// TestDeclinedAndTakenBack: who comes after all is reminded after all.
func TestDeclinedAndTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t, "UTC", "2026-05-04 09:00")
		id := o.schedule(o.parse("UTC", "2026-05-04 12:00"))
		o.until("2026-05-04 09:30")
		o.apply(id, call.Decline("buyer", ""))
		o.until("2026-05-04 11:10")
		o.apply(id, call.Accept("buyer"))
		o.until("2026-05-04 12:00")
		o.want("05-04 09:00:00 invitation_buyer_0", "05-04 09:00:00 invitation_seller_0", "05-04 09:30:00 declined_seller_1777887000",
			"05-04 11:10:00 reminder_buyer_0_60", "05-04 11:10:00 reminder_seller_0_60", "05-04 11:50:00 reminder_buyer_0_10", "05-04 11:50:00 reminder_seller_0_10")
	})
}

// TestWhoWaitsGoesFirst: behind a mail server that takes its time with a heap of invitations, the seller hears at once that the buyer is there.
func TestWhoWaitsGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t, "UTC", "2026-05-04 09:00")
		id := o.schedule(o.parse("UTC", "2026-05-04 09:10"))
		o.box.slow = func(m Message) time.Duration {
			if m.Kind == call.KindInvitation {
				return 10 * time.Second
			}
			return 0
		}
		for n := range 20 {
			o.schedule(o.parse("UTC", "2026-05-04 15:00").Add(time.Duration(n) * time.Hour))
		}
		o.come(id, call.RoleBuyer)
		if lines := o.box.lines(time.UTC); len(lines) != 3 || !strings.HasPrefix(lines[2], "05-04 09:00:00 waiting_seller_") {
			t.Errorf("sent %q", lines)
		}
		o.until("2026-05-04 09:01")
		if lines := o.box.lines(time.UTC); len(lines) < 39 {
			t.Errorf("only %d of 43 went out in a minute", len(lines))
		}
	})
}
