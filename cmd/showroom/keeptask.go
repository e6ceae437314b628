package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"showroom/call"
	"showroom/recorder"
	"showroom/store/object"
)

// serve does what there is to do for a conference now, and returns what that was. Every task may be done again, after a crash at any
// place in it.
func (k *keeper) serve(ctx context.Context, conference string) (call.Task, error) {
	c, err := k.store.Case(ctx, conference)
	if errors.Is(err, call.ErrNotFound) {
		return call.TaskNone, nil
	}
	if err != nil {
		return call.TaskNone, err
	}
	task := c.Conference.Task()
	switch task {
	case call.TaskDelete:
		err = k.delete(ctx, c)
	case call.TaskUpload:
		err = k.upload(ctx, c)
	case call.TaskExport:
		err = k.export(ctx, c)
	}
	return task, err
}

// upload brings the finished files of a conference into the object store, one after the other. A file that fails does not keep the next
// from being tried.
func (k *keeper) upload(ctx context.Context, c call.Case) error {
	var errs []error
	for _, f := range c.Conference.Files {
		if f.State == call.FileFinished && ctx.Err() == nil {
			errs = append(errs, k.uploadFile(ctx, c.Conference.ID, f))
		}
	}
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return err
	}
	if c, err := k.store.Case(ctx, c.Conference.ID); err != nil || c.Conference.Over() { // it is exported then
		return err
	}
	return k.recorder.Export(ctx, c, k.objects)
}

func (k *keeper) uploadFile(ctx context.Context, conference string, f call.File) error {
	file := recorderFile(f)
	err := k.recorder.Upload(ctx, conference, file, k.objects, func(sent int64) { k.sent(conference, f.Name, sent) })
	if errors.Is(err, recorder.ErrLost) {
		k.log.Error("recording is lost", "call", conference, "file", f.Name, "err", err)
		_, _, err := k.store.Apply(ctx, conference, call.FailFile(call.File{Name: f.Name, Reason: err.Error()}))
		return err
	}
	if err != nil {
		return err
	}
	if _, _, err := k.store.Apply(ctx, conference, call.StoreFile(f.Name, recorder.Key(conference, f.Name))); err != nil {
		return err
	}
	k.sent(conference, f.Name, f.Size)
	k.log.Info("recording stored", "call", conference, "file", f.Name, "bytes", f.Size)
	k.release(ctx, conference, file)
	return nil
}

// release frees the disk. If that fails, or the process ends before, the next round does it: the log has the file stored.
func (k *keeper) release(ctx context.Context, conference string, f recorder.File) {
	if err := k.recorder.Release(ctx, conference, f, k.objects); err != nil {
		k.log.Warn("local copy stays for now", "call", conference, "file", f.Name, "err", err)
	}
}

func (k *keeper) sent(conference, file string, bytes int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w := k.waiting[conference]; w != nil {
		w.files[file] = bytes
	}
}

func recorderFile(f call.File) recorder.File {
	return recorder.File{Name: f.Name, MediaType: f.MediaType, Size: f.Size, SHA256: f.SHA256}
}

// export stores the manifest and the consents of a complete recording; then nothing of it is needed in the spool.
func (k *keeper) export(ctx context.Context, c call.Case) error {
	if err := k.recorder.Export(ctx, c, k.objects); err != nil {
		return err
	}
	if _, _, err := k.store.Apply(ctx, c.Conference.ID, call.Export()); err != nil {
		return err
	}
	if err := k.recorder.Forget(c.Conference.ID); err != nil {
		k.log.Warn("spool folder stays for now", "call", c.Conference.ID, "err", err)
	}
	return nil
}

// delete removes all that there is of a recording, on the disk and in the object store, known to the log or not.
func (k *keeper) delete(ctx context.Context, c call.Case) error {
	id := c.Conference.ID
	k.deleting(id)
	local, err := k.recorder.Delete(id)
	if err != nil {
		return err
	}
	dir := "recordings/" + id
	if parted, ok := k.objects.(object.Parted); ok {
		if err := parted.Abort(ctx, dir, time.Now().Add(time.Hour), nil); err != nil { // an hour for clocks that differ
			return err
		}
	}
	found, err := k.objects.List(ctx, dir)
	if err != nil {
		return err
	}
	keys := map[string]bool{}
	for _, key := range append(found, c.Conference.Objects()...) {
		keys[key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if err := k.objects.Delete(ctx, key); err != nil {
			return err
		}
	}
	again, err := k.objects.List(ctx, dir)
	if err != nil {
		return err
	}
	if len(again) > 0 {
		return fmt.Errorf("%d objects of %s have come meanwhile", len(again), id)
	}
	if _, _, err := k.store.Apply(ctx, id, call.FinishDeletion(len(found), local)); err != nil {
		return err
	}
	k.log.Info("recording deleted", "call", id, "reason", c.Conference.Deletion.Reason, "by", c.Conference.Deletion.By)
	return nil
}

// deleting keeps the try that runs from being ended for a deletion: it is one.
func (k *keeper) deleting(conference string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting[conference].deletes = true
}
