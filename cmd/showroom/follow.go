package main

import (
	"context"
	"errors"

	"showroom/call"
	"showroom/call/player"
	"showroom/recorder"
	"showroom/signaling/rest"
	"showroom/store/object"
)

// uploads is the cursor of the follower that brings recordings into the object store.
const uploads = "upload"

// tail tells the hub what is new in the log since head.
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

// upload follows the log and brings finished files into the object store.
func (a *app) upload() {
	f := &call.Follower{Name: uploads, Source: a.store, Handle: a.uploadFile, Log: a.log}
	if err := f.Run(a.follow); err != nil && !errors.Is(err, context.Canceled) {
		a.log.Error("uploads stopped", "err", err)
	}
}

func (a *app) uploadFile(ctx context.Context, e call.Event) error {
	finished, ok := e.Body.(call.RecordingFinished)
	if !ok {
		return nil
	}
	c, err := a.store.Conference(ctx, e.Stream)
	if err != nil {
		return err
	}
	file, ok := c.File(finished.File.Name)
	if !ok || file.State == call.FileStored {
		return nil
	}
	stored := recorder.File{Name: file.Name, MediaType: file.MediaType, Size: file.Size, SHA256: file.SHA256}
	rule := call.StoreFile(file.Name, recorder.Key(c.ID, file.Name))
	switch err := a.recorder.Upload(ctx, c.ID, stored, a.objects); {
	case errors.Is(err, object.ErrNotFound), errors.Is(err, object.ErrChecksum):
		// Neither in the spool nor in the store as it was recorded: trying again would only hold up the others.
		a.log.Error("recording is lost", "call", c.ID, "file", file.Name, "err", err)
		rule = call.FailFile(call.File{Name: file.Name, Reason: err.Error()})
	case err != nil:
		return err
	}
	if _, _, err := a.store.Apply(ctx, c.ID, rule); err != nil {
		return err
	}
	return a.recorder.UploadManifest(ctx, c.ID, a.objects)
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
