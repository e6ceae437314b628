package call

import (
	"fmt"
	"slices"
	"time"
)

// Policy says when people are told, and by which channels.
type Policy struct {
	Reminders []time.Duration // before the start; a seller's own count instead
	Again     time.Duration   // after the seller was told that the buyer waits; 0: once is enough
	Colleague time.Duration   // after the buyer began to wait; 0: never
	Channels  []string        // those that are configured
}

const (
	maxMessages   = 200 // of a conference
	maxWaiting    = 40  // of them, that the buyer waits: the others must have room
	newsWorth     = 24 * time.Hour
	waitingWorth  = 15 * time.Minute
	waitingAgain  = 10 * time.Minute // who comes back within this has not begun to wait anew
	messageGrace  = 12 * time.Hour   // a message's link outlives the planned end by this
	leastWorth    = time.Minute
	maxReminders  = 5
	maxRemindLead = 7 * 24 * time.Hour
)

// due is a message that should be there from a time on.
type due struct {
	at, until time.Time
	kind      Kind
	to        Role
	id        string
	waiting   Waiting
}

// dues are all messages that the conference as it stands gives reason for, at whatever time.
func (c Case) dues(p Policy) []due {
	f := c.Conference
	switch {
	case f.State == StateCancelled:
		return f.news(KindCancellation, f.FinishedAt, f.Sequence, f.invited()...)
	case f.NoShow:
		return f.news(KindNoShow, f.FinishedAt, f.Sequence, f.invited()...)
	case f.Over():
		return nil
	}
	all := f.plans()
	if !f.DeclinedAt.IsZero() {
		all = append(all, f.news(KindDeclined, f.DeclinedAt, int(f.DeclinedAt.Unix()), RoleSeller)...)
	} else {
		all = append(all, c.reminders(p)...)
	}
	return append(all, c.waiting(p)...)
}

// plans tell everybody of each plan once: who was invited before, that it is another one.
func (c Conference) plans() (all []due) {
	invited := c.invited()
	for _, role := range []Role{RoleBuyer, RoleSeller} {
		kind := KindInvitation
		if slices.Contains(invited, role) {
			kind = KindUpdate
		}
		if c.told(role) {
			continue
		}
		for _, d := range c.news(kind, c.PlannedAt, c.Sequence, role) {
			d.until = later(c.EndsAt(), c.PlannedAt.Add(leastWorth))
			all = append(all, d)
		}
	}
	return all
}

// told says whether a role has been told of the plan as it is.
func (c Conference) told(role Role) bool {
	for _, m := range c.Messages {
		if m.To == role && m.Sequence == c.Sequence && (m.Kind == KindInvitation || m.Kind == KindUpdate) {
			return true
		}
	}
	return false
}

// news are messages that are worth telling for a day.
func (c Conference) news(kind Kind, at time.Time, tag int, to ...Role) (all []due) {
	for _, role := range to {
		all = append(all, due{at: at, until: at.Add(newsWorth), kind: kind, to: role, id: fmt.Sprintf("%s_%s_%d", kind, role, tag)})
	}
	return all
}

// invited are those who have been told of the conference.
func (c Conference) invited() (roles []Role) {
	for _, role := range []Role{RoleBuyer, RoleSeller} {
		for _, m := range c.Messages {
			if m.To == role && (m.Kind == KindInvitation || m.Kind == KindUpdate) {
				roles = append(roles, role)
				break
			}
		}
	}
	return roles
}

// reminders hold until the next one, the last until the start: after a pause nobody is reminded twice at once. Who has been told of the plan only
// after a reminder's time needs it no more, nor does who is there.
func (c Case) reminders(p Policy) (all []due) {
	f := c.Conference
	if !f.OngoingSince.IsZero() {
		return nil
	}
	leads := c.Seller.reminders(p)
	for i, lead := range leads {
		at, until := f.StartsAt.Add(-lead), f.StartsAt
		if i+1 < len(leads) {
			until = f.StartsAt.Add(-leads[i+1])
		}
		if !at.After(f.PlannedAt) {
			continue
		}
		for _, role := range []Role{RoleBuyer, RoleSeller} {
			if !f.Present(role) && !f.knocking(role) {
				all = append(all, due{at: at, until: until, kind: KindReminder, to: role, id: fmt.Sprintf("%s_%s_%d_%d", KindReminder, role, f.Sequence, int(lead/time.Minute))})
			}
		}
	}
	return all
}

// reminders are the seller's or else the installation's, the longest before the start first.
func (s Seller) reminders(p Policy) []time.Duration {
	leads := slices.Clone(p.Reminders)
	if s.Reminders != nil {
		leads = nil
		for _, minutes := range s.Reminders {
			leads = append(leads, time.Duration(minutes)*time.Minute)
		}
	}
	slices.Sort(leads)
	slices.Reverse(leads)
	return slices.Compact(leads)
}

// waiting is how the seller side learns that the buyer is here.
func (c Case) waiting(p Policy) (all []due) {
	since := c.Conference.WaitingSince
	if c.Conference.State != StateWaiting || since.IsZero() {
		return nil
	}
	add := func(after time.Duration, to Role, again bool) {
		at, n := since.Add(after), 1
		if again {
			n = 2
		}
		all = append(all, due{at, at.Add(waitingWorth), KindWaiting, to, fmt.Sprintf("%s_%s_%d_%d", KindWaiting, to, since.Unix(), n), Waiting{since, again}})
	}
	add(0, RoleSeller, false)
	if p.Again > 0 {
		add(p.Again, RoleSeller, true)
	}
	if p.Colleague > 0 && c.Seller.ColleagueEmail != "" {
		add(p.Colleague, RoleColleague, false)
	}
	return all
}

// Notify queues the messages whose time has come, each once, with an access link where it carries one. Apply it after each event of a conference and
// at [Case.NextNotice]; more often is harmless. newLink makes ids.
func Notify(p Policy, newLink func() string) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		b := newBatch(c, now)
		for _, d := range c.dues(p) {
			if now.Before(d.at) || !now.Before(d.until) || !b.case_.Conference.takes(d) {
				continue
			}
			b.conference(System, Queued{Message: d.id, Kind: d.kind, To: d.to, Link: b.messageLink(d, newLink), Sequence: c.Conference.Sequence, Until: d.until, Channels: p.Channels, Waiting: d.waiting})
		}
		return b.events, nil
	}
}

// takes says whether a message is new and there is room for it.
func (c Conference) takes(d due) bool {
	if _, known := c.Messages[d.id]; known || len(c.Messages) >= maxMessages {
		return false
	}
	return d.kind != KindWaiting || c.count(KindWaiting) < maxWaiting
}

func (c Conference) count(kind Kind) (n int) {
	for _, m := range c.Messages {
		if m.Kind == kind {
			n++
		}
	}
	return n
}

// NextNotice is when to apply [Notify] next, zero for not before something happens. It is at the start of the conference at the latest, whatever
// the policy, so that who changes the policy finds all that are to come.
func (c Case) NextNotice(p Policy, now time.Time) (next time.Time) {
	times := []time.Time{}
	for _, d := range c.dues(p) {
		times = append(times, d.at)
	}
	if !c.Conference.Over() {
		times = append(times, c.Conference.StartsAt)
	}
	for _, at := range times {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// messageLink is the access link that a message carries: the newest that holds for its recipient, or else a new one. Where the last one was revoked
// somebody wants no link to be out, and none is made.
func (b *batch) messageLink(d due, newLink func() string) string {
	f := b.case_.Conference
	if f.Over() || d.kind == KindDeclined {
		return ""
	}
	role := d.to
	if role == RoleColleague {
		role = RoleSeller
	}
	last := f.lastLinkOf(d.to, role)
	switch {
	case last.ID != "" && last.RevokedAt.IsZero() && !last.ExpiresAt.Before(f.EndsAt()):
		return last.ID
	case !last.RevokedAt.IsZero(), len(f.Links) >= maxLinks:
		return ""
	}
	id := newLink()
	b.conference(System, LinkIssued{Link: id, Role: role, Participant: string(role), ExpiresAt: later(f.EndsAt(), b.now).Add(messageGrace).Truncate(time.Second).UTC()})
	return id
}

// lastLinkOf is the newest link of a role. A colleague's are those that messages to colleagues carried, and nobody else's.
func (c Conference) lastLinkOf(to, role Role) (last Link) {
	colleagues := map[string]bool{}
	for _, m := range c.Messages {
		if m.To == RoleColleague {
			colleagues[m.Link] = true
		}
	}
	for _, id := range sortedKeys(c.Links) {
		l := c.Links[id]
		if l.Role == role && colleagues[id] == (to == RoleColleague) && !l.CreatedAt.Before(last.CreatedAt) {
			last = l
		}
	}
	return last
}

func later(x, y time.Time) time.Time {
	if x.After(y) {
		return x
	}
	return y
}

// Placed is a message with the conference that it is of.
type Placed struct {
	Case    Case
	Message Message
}

// Timer says when a conference is to be looked at.
type Timer struct {
	Conference string
	At         time.Time
}
