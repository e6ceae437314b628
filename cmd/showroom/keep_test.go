package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"showroom/call"
	"showroom/recorder"
	"showroom/store"
	"showroom/store/kv"
	"showroom/store/object"
	"showroom/store/object/objecttest"
)

// shelf is a log, a spool and an object store with recordings of calls that are over.
type shelf struct {
	*testing.T
	dir     string
	store   *store.Store
	objects objects
	seller  call.Seller
	buyer   string
	rec     *recorder.Recorder
	look    time.Duration // how often keep looks whether it is done
}

func newShelf(t *testing.T, o objects) *shelf {
	t.Helper()
	s := &shelf{T: t, dir: t.TempDir(), objects: o, look: 20 * time.Millisecond}
	db, err := kv.OpenBolt(filepath.Join(s.dir, "showroom.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if s.store, err = store.New(db, time.Now); err != nil {
		t.Fatal(err)
	}
	if s.seller, err = s.store.RegisterSeller(t.Context(), "key_crm", call.Profile{Name: "Ana", TimeZone: "UTC", Language: "en", MonthlyMinutes: 100}); err != nil {
		t.Fatal(err)
	}
	b, err := s.store.RegisterBuyer(t.Context(), "key_crm", call.Contact{Name: "Bruno"})
	if err != nil {
		t.Fatal(err)
	}
	s.buyer = b.ID
	s.restart()
	return s
}

// restart opens the spool anew, as a new process would.
func (s *shelf) restart() {
	s.Helper()
	rec, err := recorder.New(recorder.Config{Dir: filepath.Join(s.dir, "spool"), Log: slog.New(slog.NewTextHandler(s.Output(), nil))})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { rec.Close(context.Background()) })
	s.rec = rec
}

func (s *shelf) apply(id string, rules ...call.Rule) {
	s.Helper()
	for _, rule := range rules {
		if _, _, err := s.store.Apply(s.Context(), id, rule); err != nil {
			s.Fatal(err)
		}
	}
}

// call is a conference that is over, with one file of the buyer in the spool.
func (s *shelf) call(n int, body []byte) (id string, f call.File) {
	s.Helper()
	id = fmt.Sprintf("conf_%d", n)
	plan := call.Plan{Subject: "Fiat Uno", StartsAt: time.Now(), Length: time.Hour, Recording: call.RecordingOn}
	if _, err := s.store.Schedule(s.Context(), s.seller.ID, s.buyer, call.Schedule(id, "key", plan)); err != nil {
		s.Fatal(err)
	}
	f = call.File{Name: "buyer-1.webm", Participant: "buyer", MediaType: "video/webm", Size: int64(len(body)), SHA256: objecttest.Sum(body)}
	s.apply(id, call.IssueLink(fmt.Sprintf("link_%ds", n), "key", call.RoleSeller, "", time.Now().Add(time.Hour)),
		call.IssueLink(fmt.Sprintf("link_%db", n), "key", call.RoleBuyer, "", time.Now().Add(time.Hour)), call.Arrive(fmt.Sprintf("link_%ds", n)),
		call.Agree(call.Consented{Participant: "buyer", Accepted: true, Text: "May we?", Language: "en", Address: "127.0.0.1"}))
	s.spool(id, f, body)
	s.apply(id, call.FinishFile(f), call.End("seller", call.ReasonEnded))
	return id, f
}

// spool puts a file where the recorder leaves it.
func (s *shelf) spool(id string, f call.File, body []byte) {
	s.Helper()
	dir := filepath.Join(s.dir, "spool", id)
	manifest, err := json.Marshal(recorder.Manifest{Version: recorder.ManifestVersion, Conference: id, Origin: time.Now(), Files: []recorder.File{{Name: f.Name, Size: f.Size, SHA256: f.SHA256, Width: 640}}})
	if err := errors.Join(err, os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "manifest.json"), manifest, 0o600), os.WriteFile(filepath.Join(dir, f.Name), body, 0o600)); err != nil {
		s.Fatal(err)
	}
}

// keep runs a keeper until done says so, and returns it.
func (s *shelf) keep(done func(*keeper) bool) *keeper {
	s.Helper()
	k := newKeeper(s.store, s.rec, s.objects, slog.New(slog.NewTextHandler(s.Output(), nil)), time.Now)
	ctx, cancel := context.WithCancel(s.Context())
	var wg sync.WaitGroup
	wg.Go(func() { k.run(ctx) })
	wg.Go(func() { // the tail of the log
		for after := uint64(0); ; {
			appended := s.store.Appended()
			events, err := s.store.Events(ctx, after, 100)
			for _, e := range events {
				k.notice(e)
				after = e.Seq
			}
			if len(events) > 0 && err == nil {
				continue
			}
			select {
			case <-appended:
			case <-ctx.Done():
				return
			}
		}
	})
	tick := time.NewTicker(s.look)
	defer tick.Stop()
	for !done(k) {
		select {
		case <-tick.C:
		case <-s.Context().Done():
			s.Fatal("the test has ended")
		}
	}
	cancel()
	wg.Wait()
	return k
}

// idle says that nothing is left to do.
func (s *shelf) idle(*keeper) bool {
	ids, err := s.store.Tasks(s.Context())
	return err == nil && len(ids) == 0
}

func (s *shelf) state(id string) call.Conference {
	s.Helper()
	c, err := s.store.Conference(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// gone insists that the spool has nothing of the conference.
func (s *shelf) gone(id string) {
	s.Helper()
	if left, err := os.ReadDir(filepath.Join(s.dir, "spool", id)); !errors.Is(err, fs.ErrNotExist) {
		s.Errorf("the spool still has %v of %s (%v)", left, id, err)
	}
}

func diskStore(t *testing.T) *object.Disk {
	t.Helper()
	d, err := object.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// moody is an object store that may refuse.
type moody struct {
	*object.Disk
	refuse func(op, key string) error
}

func (m moody) Put(ctx context.Context, key string, body io.ReadSeeker, size int64, contentType, sha256 string) (object.Info, error) {
	if err := m.refuse("put", key); err != nil {
		return object.Info{}, err
	}
	return m.Disk.Put(ctx, key, body, size, contentType, sha256)
}

func (m moody) Open(ctx context.Context, key string) (object.Reader, error) {
	if err := m.refuse("open", key); err != nil {
		return nil, err
	}
	return m.Disk.Open(ctx, key)
}

func (m moody) Delete(ctx context.Context, key string) error {
	if err := m.refuse("delete", key); err != nil {
		return err
	}
	return m.Disk.Delete(ctx, key)
}

// TestKeepOutage: the store is away for an hour while forty calls are recorded. One of them has a file that the store refuses even then;
// the others do not wait for it.
func TestKeepOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		disk := diskStore(t)
		s := newShelf(t, moody{disk, func(op, key string) error {
			switch {
			case time.Since(begin) < time.Hour:
				return fmt.Errorf("%s %s: %w", op, key, object.ErrUnavailable)
			case key == "recordings/conf_0/buyer-1.webm":
				return fmt.Errorf("%s %s: %w", op, key, object.ErrChecksum)
			}
			return nil
		}})
		s.look = time.Second
		const calls = 40
		for n := range calls {
			s.call(n, fmt.Appendf(nil, "file %d", n))
		}
		k := s.keep(func(*keeper) bool {
			ids, err := s.store.Tasks(s.Context())
			return err == nil && len(ids) == 1
		})
		back := time.Since(begin) - time.Hour
		t.Logf("%d of %d recordings were stored %v after the store was back", calls-1, calls, back)
		if back < 0 || back > 6*time.Minute {
			t.Errorf("the backlog was gone %v after the store was back", back)
		}
		for n := 1; n < calls; n++ {
			id := fmt.Sprintf("conf_%d", n)
			objecttest.Expect(t, disk, recorder.Key(id, "buyer-1.webm"), fmt.Appendf(nil, "file %d", n))
			if c := s.state(id); c.ExportedAt.IsZero() || c.Files[0].State != call.FileStored {
				t.Errorf("%s: %+v", id, c.Files)
			}
			s.gone(id)
		}
		p, ok := k.Progress("conf_0")
		if !ok || p.Failures < 10 || !errors.Is(p.Err, object.ErrChecksum) {
			t.Errorf("the bad one: %+v", p)
		}
		if w := k.Waiting(); w.Conferences != 1 || w.Failing != 1 || !errors.Is(w.Err, object.ErrChecksum) || w.Since.After(begin.Add(time.Minute)) {
			t.Errorf("waiting: %+v", w)
		}
		if _, err := os.Stat(filepath.Join(s.dir, "spool", "conf_0", "buyer-1.webm")); err != nil {
			t.Errorf("the file that was never stored: %v", err)
		}
	})
}

// TestKeepRestart: the process ends in the third part of an upload. The next one sends what is missing, and tidies up.
func TestKeepRestart(t *testing.T) {
	t.Parallel()
	server := objecttest.StartS3(t)
	proxy := objecttest.StartProxy(t, server.Endpoint)
	where := server.Config("restart")
	where.Endpoint = proxy.Endpoint
	open := func() *object.S3 {
		s3, err := object.NewS3(where)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s3.Close() })
		return s3
	}
	body := objecttest.Bytes(1, 24<<20+7)
	s := newShelf(t, open())
	id, f := s.call(1, body)
	third := make(chan struct{})
	var once sync.Once
	proxy.Harm(func(_ http.ResponseWriter, r *http.Request) bool {
		if objecttest.IsPart(r) && r.URL.Query().Get("partNumber") == "3" {
			once.Do(func() { close(third) })
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return true
		}
		return false
	})
	s.keep(func(k *keeper) bool {
		select {
		case <-third:
			if p, ok := k.Progress(id); !ok || !p.Running || p.Sent[f.Name] != 16<<20 {
				t.Errorf("progress in the third part: %+v", p)
			}
			return true
		default:
			return false
		}
	})
	proxy.Harm(nil)
	proxy.Parts()
	s.objects = open()
	s.restart()
	s.keep(s.idle)
	if n := proxy.Parts(); n != 2 {
		t.Errorf("%d parts were sent after the restart, want 2", n)
	}
	objecttest.Expect(t, s.objects, recorder.Key(id, f.Name), body)
	s.gone(id)
	s.exported(id)
}

// exported insists that manifest and consents stand beside the files.
func (s *shelf) exported(id string) {
	s.Helper()
	for _, name := range []string{"manifest.json", call.ConsentsName} {
		r, err := s.objects.Open(s.Context(), recorder.Key(id, name))
		if err != nil {
			s.Fatal(err)
		}
		var got struct {
			Files    []recorder.File
			Consents []call.Consent
			People   []call.EvidencePerson `json:"participants"`
		}
		if err := errors.Join(json.NewDecoder(r).Decode(&got), r.Close()); err != nil {
			s.Fatal(err)
		}
		if len(got.Consents) != 1 || got.Consents[0].Text != "May we?" || got.Consents[0].Address != "127.0.0.1" || got.Consents[0].Version == "" || got.Consents[0].At.IsZero() {
			s.Errorf("%s: consents %+v", name, got.Consents)
		}
		if name == "manifest.json" && (len(got.Files) != 1 || got.Files[0].Width != 640) {
			s.Errorf("manifest: %+v", got.Files)
		}
		if name == call.ConsentsName && !slices.Contains(got.People, call.EvidencePerson{ID: "buyer", Role: call.RoleBuyer, Name: "Bruno"}) {
			s.Errorf("evidence: %+v", got.People)
		}
	}
}

// TestKeepLost: a file that is neither in the spool nor in the store is said to be lost, once; one that is damaged stays where it is.
func TestKeepLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, diskStore(t))
		lost, f := s.call(1, []byte("lost"))
		damaged, _ := s.call(2, []byte("damaged"))
		path := filepath.Join(s.dir, "spool", damaged, f.Name)
		if err := errors.Join(os.Remove(filepath.Join(s.dir, "spool", lost, f.Name)), os.WriteFile(path, []byte("DAMAGED"), 0o600)); err != nil {
			t.Fatal(err)
		}
		s.keep(s.idle)
		for _, id := range []string{lost, damaged} {
			if c := s.state(id); c.Files[0].State != call.FileFailed || c.Files[0].Reason == "" {
				t.Errorf("%s: %+v", id, c.Files[0])
			}
		}
		if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, []byte("DAMAGED")) {
			t.Errorf("the damaged file: %q, %v", b, err)
		}
	})
}
