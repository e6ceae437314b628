package call

import (
	"slices"
	"time"
)

// BlockLength is how much of the seller's minutes is reserved at once. A crash, a second call or a second
// server can overspend by no more than this.
const BlockLength = 15 * time.Second

// renewAhead is how long before the end of the reserved time the next block is taken.
const renewAhead = 5 * time.Second

// Level is how urgent the minutes are.
type Level string

// The levels and from how many remaining seconds on they hold.
const (
	LevelOK   Level = "ok"
	LevelLow  Level = "low"  // 300 s
	LevelLast Level = "last" // 60 s
	LevelOut  Level = "out"  // 0 s
)

var thresholds = []struct {
	level   Level
	seconds int
}{{LevelLast, 60}, {LevelLow, 300}}

func levelOf(remaining int) Level {
	if remaining <= 0 {
		return LevelOut
	}
	for _, t := range thresholds {
		if remaining <= t.seconds {
			return t.level
		}
	}
	return LevelOK
}

// Meter is what the edge needs to know of a running call's minutes.
type Meter struct {
	Running   bool
	Until     time.Time // the media plane may forward until then
	Remaining int       // seconds the seller has left, of this month, this call's unspent reserve included
	Level     Level
	Next      time.Time // when to apply [Tick] next
}

// Meter reads the minutes of a case at a time.
func (c Case) Meter(now time.Time) Meter {
	s := c.Seller
	m := Meter{Remaining: s.Usage(s.Month(now)).Remaining}
	m.Running = !c.Conference.ConnectedSince.IsZero()
	for _, b := range s.Open[c.Conference.ID] {
		if b.Month == s.Month(now) && b.Until.After(now) {
			from := now
			if b.From.After(from) {
				from = b.From
			}
			m.Remaining += ceilSeconds(b.Until.Sub(from))
		}
		m.Until = b.Until
	}
	m.Level = levelOf(m.Remaining)
	if m.Running {
		m.Next = c.nextTick(m, now)
	}
	return m
}

func (c Case) nextTick(m Meter, now time.Time) time.Time {
	next := m.Until.Add(-renewAhead)
	if !next.After(now) { // nothing more could be reserved: look again at the very end
		next = m.Until
	}
	for _, t := range thresholds {
		if m.Remaining > t.seconds {
			if at := now.Add(time.Duration(m.Remaining-t.seconds) * time.Second); at.Before(next) {
				next = at
			}
		}
	}
	return next
}

// reserve takes the next block for the conference, if there are seconds left; the block ends with the seller's month
// at the latest.
func (c Case) reserve(now time.Time) []Event {
	s := c.Seller
	from := now
	if open := s.Open[c.Conference.ID]; len(open) > 0 && open[len(open)-1].Until.After(now) {
		from = open[len(open)-1].Until
	}
	month := s.Month(from)
	length := min(BlockLength, s.monthEnd(from).Sub(from), time.Duration(s.Usage(month).Remaining)*time.Second)
	if length <= 0 {
		return nil
	}
	return []Event{{Stream: s.ID, At: now, Actor: System, Body: Reserved{
		Conference: c.Conference.ID, Month: month, From: from, Until: from.Add(length), Seconds: ceilSeconds(length),
	}}}
}

// settle gives back what was reserved and not spent, in whole seconds, month by month.
func (c Case) settle(now time.Time) []Event {
	var events []Event
	open := c.Seller.Open[c.Conference.ID]
	months := map[string]int{}
	for _, b := range open {
		from := now
		if b.From.After(from) {
			from = b.From
		}
		if unspent := int(b.Until.Sub(from) / time.Second); unspent > 0 {
			months[b.Month] += unspent
		} else {
			months[b.Month] += 0
		}
	}
	for _, month := range sortedKeys(months) {
		events = append(events, Event{Stream: c.Seller.ID, At: now, Actor: System, Body: Returned{
			Conference: c.Conference.ID, Month: month, Seconds: months[month],
		}})
	}
	return events
}

// Tick keeps a running call's minutes: it takes the next block, warns, and at zero ends the call. Apply it at
// [Meter.Next]; earlier or later is harmless.
func Tick(c Case, now time.Time) ([]Event, error) {
	m := c.Meter(now)
	if !m.Running {
		return nil, nil
	}
	b := newBatch(c, now)
	if !m.Until.After(now.Add(renewAhead)) {
		b.add(b.case_.reserve(now)...)
	}
	m = b.case_.Meter(now)
	if !m.Until.After(now) {
		b.now = m.Until // when forwarding stopped, however late the tick
		b.conference(System, Exhausted{})
		b.finish(System, ReasonMinutes)
		return b.events, nil
	}
	switch told := urgency(c.Conference.Level); {
	case urgency(m.Level) > told:
		b.conference(System, Warned{Level: m.Level, RemainingSeconds: m.Remaining})
	case urgency(m.Level) < told:
		b.conference(System, Replenished{Level: m.Level, RemainingSeconds: m.Remaining})
	}
	return b.events, nil
}

// urgency orders the levels; no warning yet is as good as OK.
func urgency(l Level) int {
	return max(0, slices.Index([]Level{LevelOK, LevelLow, LevelLast, LevelOut}, l))
}
