package main

import (
	"context"
	"errors"

	"showroom/call"
	"showroom/call/player"
	"showroom/recorder"
	"showroom/signaling/rest"
)

// tail tells the hub and who waits for something to do what is new in the log since head.
func (a *app) tail() {
	after := a.head
	for {
		appended := a.store.Appended()
		events, err := a.store.Events(a.follow, after, 100)
		if err != nil && a.follow.Err() == nil {
			a.log.Error("read log", "err", err)
		}
		for _, e := range events {
			a.hub.Notice(e)
			a.keeper.notice(e)
			a.eraser.notice(e)
			a.misses.notice(e)
			after = e.Seq
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-appended:
		case <-a.follow.Done():
			return
		}
	}
}

// liveFiles are those that are being written.
func (a *app) liveFiles(conference string) (files []rest.LiveFile) {
	for _, l := range a.recorder.Live(conference) {
		files = append(files, rest.LiveFile{File: player.FileOf(l.File, recorder.Manifest{Origin: l.Origin}), Upto: l.Upto})
	}
	return files
}

// salvage repairs the files that the last process left open and tells the log of everything that it does not know.
func (a *app) salvage(ctx context.Context) error {
	var errs []error
	err := a.recorder.Repair(ctx, func(conference string, f recorder.File, lost error) {
		if lost != nil {
			_, _, err := a.store.Apply(ctx, conference, call.FailFile(player.FailureOf(f, lost)))
			errs = append(errs, err)
		}
	})
	errs = append(errs, err)
	errs = append(errs, a.recorder.Spooled(ctx, func(conference string, f recorder.File, m recorder.Manifest) error {
		_, _, err := a.store.Apply(ctx, conference, call.FinishFile(player.FileOf(f, m)))
		return err
	}))
	return errors.Join(errs...)
}
