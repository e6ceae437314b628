package call

import "time"

// BlockLength is how much of the seller's minutes is reserved at once. A crash, a second call or a second
// server can overspend by no more than this.
const BlockLength = 15 * time.Second

// renewAhead is how long before the end of the reserved time the next block is taken.
const renewAhead = 5 * time.Second

// Meter is what the edge needs to know of a running call's minutes.
type Meter struct {
	Running   bool
	Until     time.Time // the media plane may forward until then
	Remaining int       // seconds the call can go on, this call's unspent reserve included
	Level     Level
	Limit     Limit     // whose level it is
	Next      time.Time // when to apply [Tick] next
}

// Meter reads the minutes of a case at a time.
func (c Case) Meter(now time.Time) Meter {
	budgets := c.budgets(now)
	first := pressing(budgets)
	m := Meter{Running: !c.Conference.ConnectedSince.IsZero(), Remaining: first.remaining, Level: first.level(), Limit: first.limit}
	for _, b := range budgets {
		m.Remaining = min(m.Remaining, b.remaining)
	}
	if open := c.Seller.Open[c.Conference.ID]; len(open) > 0 {
		m.Until = open[len(open)-1].Until
	}
	if m.Running {
		m.Next = c.nextTick(m.Until, budgets, now)
	}
	return m
}

func (c Case) nextTick(until time.Time, budgets []budget, now time.Time) time.Time {
	next := until.Add(-renewAhead)
	if !next.After(now) {
		next = now
		if len(c.reserve(now)) == 0 { // nothing more to take: look again at the very end
			next = until
		}
	}
	for _, b := range budgets {
		for _, t := range b.thresholds() {
			if b.remaining > t.seconds {
				if at := now.Add(time.Duration(b.remaining-t.seconds) * time.Second); at.Before(next) {
					next = at
				}
			}
		}
	}
	return next
}

// reserve takes the next block for the conference, if there are seconds left; the block ends with the seller's month, and with the time that
// one conference may take, at the latest.
func (c Case) reserve(now time.Time) []Event {
	s := c.Seller
	from := now
	if open := s.Open[c.Conference.ID]; len(open) > 0 && open[len(open)-1].Until.After(now) {
		from = open[len(open)-1].Until
	}
	month := s.Month(from)
	length := min(BlockLength, s.monthEnd(from).Sub(from), time.Duration(s.Usage(month).Remaining)*time.Second)
	if end := c.timeUp(); !end.IsZero() {
		length = min(length, end.Sub(from))
	}
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
		limit, reason := LimitMonth, ReasonMinutes
		if end := b.case_.timeUp(); !end.IsZero() && !end.After(m.Until) {
			limit, reason = LimitConference, ReasonLimit
		}
		b.conference(System, Exhausted{Limit: limit})
		b.finish(System, reason)
		return b.events, nil
	}
	left := pressing(b.case_.budgets(now))
	switch told := urgency(c.Conference.Level); {
	case urgency(m.Level) > told:
		b.conference(System, Warned{Level: m.Level, Limit: m.Limit, RemainingSeconds: left.remaining})
	case urgency(m.Level) < told:
		b.conference(System, Replenished{Level: m.Level, Limit: m.Limit, RemainingSeconds: left.remaining})
	}
	return b.events, nil
}
