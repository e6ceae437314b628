package notify

import (
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"showroom/call"
)

const productID = "-//Showroom//Showroom//EN"

// withCalendar are the kinds that change what a calendar should have.
var withCalendar = []call.Kind{call.KindInvitation, call.KindUpdate, call.KindCancellation}

// addCalendar adds the file that puts the conference into the recipient's calendar, moves it there or takes it out (iTIP, RFC 5546 §3.2.2 and §3.2.5).
// Times are UTC, which every calendar shows in its owner's zone. The UID is the conference's, the SEQUENCE rises with each plan and with the cancellation.
func (w *Writer) addCalendar(out *Message, c call.Case, m call.Message) error {
	if !slices.Contains(withCalendar, m.Kind) || out.To.Email == "" {
		return nil
	}
	f := c.Conference
	method, status, sequence := ics.MethodRequest, ics.ObjectStatusConfirmed, m.Sequence
	if m.Kind == call.KindCancellation {
		method, status, sequence = ics.MethodCancel, ics.ObjectStatusCancelled, m.Sequence+1
	}
	cal := ics.NewCalendarFor("Showroom")
	cal.SetProductId(productID)
	cal.SetMethod(method)
	e := cal.AddEvent(f.ID + "@" + hostOf(w.url))
	e.SetSequence(sequence)
	e.SetDtStampTime(m.At)
	e.SetStartAt(f.StartsAt)
	e.SetEndAt(f.StartsAt.Add(time.Duration(f.Seconds) * time.Second))
	e.SetStatus(status)
	e.SetSummary(out.Subject)
	e.SetDescription(out.Text)
	if out.URL != "" {
		e.SetLocation(out.URL)
		e.SetURL(out.URL)
	}
	e.SetOrganizer("mailto:"+w.from, ics.WithCN(commonName(c.Seller.Name)))
	e.AddAttendee("mailto:"+out.To.Email, ics.WithCN(commonName(out.To.Name)), noReply, ics.ParticipationRoleReqParticipant, ics.ParticipationStatusNeedsAction)
	out.Calendar, out.Method = []byte(cal.Serialize(ics.WithNewLineWindows)), string(method)
	return nil
}

// noReply says that nobody waits for an answer by mail: the buyer accepts on the page that the link opens.
var noReply = &ics.KeyValues{Key: string(ics.ParameterRsvp), Value: []string{"FALSE"}}

// commonName is a name without what would have to stand in quotes in a parameter (RFC 5545 §3.2): the library writes no quotes there.
func commonName(name string) string {
	return oneLine(strings.NewReplacer(`"`, "", ",", " ", ";", " ", ":", " ", "\\", " ", "^", " ").Replace(name))
}
