package main

import (
	"context"
	"errors"
	"time"

	"showroom/call"
	"showroom/store/object"
)

const (
	roundEvery = time.Hour
	// abandoned is the age at which an upload in parts that this spool does not know counts as left behind. Others may be using the
	// bucket right now.
	abandoned = 24 * time.Hour
)

// rounds looks now and then after what no event tells of: time that is up, and what a crash left behind.
func (k *keeper) rounds(ctx context.Context) {
	for {
		for what, round := range map[string]func(context.Context) error{"retention": k.expire, "spool": k.tidy, "remembered answers": k.store.PurgeAnswers, "old uploads": k.abort} {
			if err := round(ctx); err != nil && ctx.Err() == nil {
				k.log.Warn("round was not finished; the next is in an hour", "of", what, "err", err)
			}
		}
		select {
		case <-time.After(roundEvery):
		case <-k.early:
		case <-ctx.Done():
			return
		}
	}
}

// wakeRounds has a round begun, as the clock was set.
func (k *keeper) wakeRounds() {
	select {
	case k.early <- struct{}{}:
	default:
	}
}

// expire orders the deletion of the recordings whose sellers do not want them kept any longer.
func (k *keeper) expire(ctx context.Context) error {
	for cursor := ""; ; {
		sellers, next, err := k.store.Sellers(ctx, call.PeopleFilter{}, cursor, 200)
		if err != nil {
			return err
		}
		for _, s := range sellers {
			if err := k.expireOf(ctx, s); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

func (k *keeper) expireOf(ctx context.Context, s call.Seller) error {
	if s.RetentionDays == 0 {
		return nil
	}
	then := k.now().Add(-time.Duration(s.RetentionDays) * 24 * time.Hour)
	for {
		ids, err := k.store.Kept(ctx, s.ID, then, 100)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			_, events, err := k.store.Apply(ctx, id, call.ExpireRecording)
			if err != nil {
				return err
			}
			if len(events) == 0 { // the seller's setting has just changed
				return nil
			}
		}
	}
}

// tidy removes from the spool what the log has stored: a crash, or a store that was away, kept it there.
func (k *keeper) tidy(ctx context.Context) error {
	ids, err := k.recorder.Conferences()
	if err != nil {
		return err
	}
	for _, id := range ids {
		c, err := k.store.Conference(ctx, id)
		if errors.Is(err, call.ErrNotFound) {
			continue // not ours to remove
		}
		if err != nil {
			return err
		}
		for _, f := range c.Files {
			if f.State == call.FileStored {
				k.release(ctx, id, recorderFile(f))
			}
		}
		if !c.ExportedAt.IsZero() && c.Task() == call.TaskNone {
			if err := k.recorder.Forget(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// abort ends uploads that nobody goes on with.
func (k *keeper) abort(ctx context.Context) error {
	parted, ok := k.objects.(object.Parted)
	if !ok {
		return nil
	}
	return parted.Abort(ctx, "", time.Now().Add(-abandoned), k.recorder.KnowsUpload)
}
