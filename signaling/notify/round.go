package notify

import (
	"context"
	"net/http"
	"sync"

	"showroom/call"
)

const (
	deliveriesAtOnce = 8
	batch            = 50   // new events a round
	catchUp          = 50   // events of a waiting stream a round
	unsavedSkips     = 1000 // events not subscribed to that may be read again after a crash
)

// stretch is a part of one stream to be delivered in order.
type stretch struct {
	stream string
	events []call.Event
}

// outcome is how an attempt went.
type outcome struct {
	stream  string
	attempt call.Attempt
}

// round tries what is due and what is new, and keeps the result. idle says that there was nothing.
func (k *worker) round(ctx context.Context) (idle bool, err error) {
	select {
	case hook := <-k.news:
		k.adopt(hook)
	default:
	}
	down := k.hook.Down()
	if !k.hook.SetAsideAt.IsZero() || down && k.hook.Probe.After(k.Now()) {
		return true, nil
	}
	before := k.hook
	done, err := k.retry(ctx, down)
	if err != nil {
		return false, err
	}
	more, moved, err := k.proceed(ctx, down)
	if err != nil {
		return false, err
	}
	done = append(done, more...)
	if len(done) == 0 && k.hook.Cursor-k.saved < unsavedSkips && len(before.Lanes) == len(k.hook.Lanes) {
		return !moved, nil
	}
	return false, k.save(ctx, done)
}

// retry goes on with the streams that wait, as far as the cursor is.
func (k *worker) retry(ctx context.Context, down bool) ([]outcome, error) {
	var stretches []stretch
	due := k.hook.Due(k.Now())
	if down {
		due = oldest(k.hook.Lanes)
	}
	for _, stream := range due[:min(len(due), deliveriesAtOnce)] {
		events, err := k.waiting(ctx, stream)
		if err != nil {
			return nil, err
		}
		if len(events) == 0 {
			k.hook.Progress = k.hook.CaughtUp(stream)
			continue
		}
		stretches = append(stretches, stretch{stream, events})
	}
	return k.send(ctx, stretches), nil
}

// waiting are the next events of a stream that waits.
func (k *worker) waiting(ctx context.Context, stream string) ([]call.Event, error) {
	var wanted []call.Event
	for after := k.hook.Lanes[stream].Seq - 1; ; {
		events, err := k.Log.StreamEvents(ctx, stream, after, catchUp)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if after = e.Seq; e.Seq <= k.hook.Cursor && call.LaneOf(e) == stream && k.hook.Wants(e.Body.Type()) {
				wanted = append(wanted, e)
			}
		}
		if len(events) < catchUp || after >= k.hook.Cursor || len(wanted) >= catchUp {
			return wanted, nil
		}
	}
}

// oldest is the stream that was tried longest ago.
func oldest(lanes map[string]call.Lane) []string {
	var first []string
	for stream, lane := range lanes {
		if !lane.Held && (first == nil || lane.Next.Before(lanes[first[0]].Next)) {
			first = []string{stream}
		}
	}
	return first
}

// proceed delivers new events, but for those of streams that wait: they are read again when their turn comes.
func (k *worker) proceed(ctx context.Context, down bool) (done []outcome, moved bool, err error) {
	if !down && !k.hook.Takes(k.Now()) {
		return nil, false, nil
	}
	limit := batch
	if down {
		limit = 1
	}
	events, err := k.Log.Events(ctx, k.hook.Cursor, limit)
	if err != nil || len(events) == 0 {
		return nil, false, err
	}
	var stretches []stretch
	at := map[string]int{}
	for _, e := range events {
		stream := call.LaneOf(e)
		if _, waits := k.hook.Lanes[stream]; waits || !k.hook.Wants(e.Body.Type()) {
			continue
		}
		i, known := at[stream]
		if !known {
			i = len(stretches)
			at[stream] = i
			stretches = append(stretches, stretch{stream: stream})
		}
		stretches[i].events = append(stretches[i].events, e)
	}
	done = k.send(ctx, stretches)
	k.hook.Cursor = events[len(events)-1].Seq
	return done, true, nil
}

// send delivers stretches side by side, each in its order up to the first failure, and takes note of what came of it.
func (k *worker) send(ctx context.Context, stretches []stretch) []outcome {
	var wg sync.WaitGroup
	slots := make(chan struct{}, deliveriesAtOnce)
	outcomes := make(chan outcome)
	for _, s := range stretches {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			for _, e := range s.events {
				a := k.deliver(ctx, k.hook, e)
				outcomes <- outcome{s.stream, a}
				if a.Error != "" {
					return
				}
			}
		})
	}
	go func() { wg.Wait(); close(outcomes) }() // ends with the deliveries
	var done []outcome
	progress := k.hook.Progress // the deliveries read the hook
	for o := range outcomes {
		done = append(done, o)
		progress = k.note(progress, o)
	}
	k.hook.Progress = progress
	return done
}

// note is the progress after an attempt. A stream that waits goes on from the event behind the one that was taken.
func (k *worker) note(p call.Progress, o outcome) call.Progress {
	now := k.Now().UTC()
	switch {
	case o.attempt.Error != "" && o.attempt.Status == http.StatusGone:
		return p.Failed(o.stream, o.attempt.Seq, o.attempt.Error, now).PutAside("the receiver says that it is gone (410)", now)
	case o.attempt.Error != "":
		return p.Failed(o.stream, o.attempt.Seq, o.attempt.Error, now)
	}
	if _, waits := p.Lanes[o.stream]; waits {
		p = p.Advanced(o.stream, o.attempt.Seq+1, now)
	}
	return p.Delivered(now)
}

// save keeps the progress. A round that was cut short by the end of the process is not kept: it will be repeated.
func (k *worker) save(ctx context.Context, done []outcome) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	attempts := make([]call.Attempt, len(done))
	for i, o := range done {
		attempts[i] = o.attempt
		if o.attempt.Error != "" {
			k.log.Warn("webhook not delivered", "call", o.stream, "event", o.attempt.Seq, "status", o.attempt.Status, "err", o.attempt.Error)
		}
	}
	before := k.hook
	now, err := k.Hooks.Delivered(ctx, k.hook, attempts)
	if err != nil {
		return err
	}
	if !before.SetAsideAt.IsZero() {
		k.log.Error("webhook is set aside until somebody resumes it", "url", before.URL, "why", before.SetAside)
	}
	k.hook, k.saved = now, now.Cursor
	return nil
}
