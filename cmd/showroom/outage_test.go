package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"showroom/recorder"
	"showroom/store/object"
	"showroom/store/object/objecttest"
)

// TestObjectStoreComesLater records a call while nothing listens where the recordings shall go: they are played from this machine's disk, and
// move when the store is there.
func TestObjectStoreComesLater(t *testing.T) {
	t.Parallel()
	s3 := objecttest.StartS3(t)
	s3.Kill() // its port is ours to come back to
	where := s3.Config("showroom")
	data := t.TempDir()
	p := startIn(t, data, "demo", "--s3-endpoint", where.Endpoint, "--s3-plain", "--s3-access-key", where.AccessKey, "--s3-secret-key", where.SecretKey)
	buyer, _ := dial(t, "buyer", p.buyer)
	seller, _ := dial(t, "seller", p.seller)
	met(seller, buyer)
	seller.gets(time.Second)
	seller.send("end", nil)
	for _, n := range []*native{seller, buyer} {
		if bye := n.await("bye"); bye.Reason != "ended" {
			t.Errorf("the %s's call ends with %s, want ended", n.is, bye.raw)
		}
	}

	c := p.newest()
	files := p.recording(c.ID)
	checkFiles(t, files, 2)
	for _, f := range files {
		if _, err := os.Stat(filepath.Join(data, "spool", c.ID, f.Name)); err != nil {
			t.Errorf("before the store is there: %v", err)
		}
		inRange(t, f)
	}

	s3.Restart()
	p.until("all files are stored", func() bool {
		for _, state := range p.fileStates(c.ID) {
			if state != "stored" {
				return false
			}
		}
		return true
	})
	store, err := object.NewS3(where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	for _, f := range files {
		if sum := stored(t, store, recorder.Key(c.ID, f.Name)); sum != f.SHA256 {
			t.Errorf("%s in the store has SHA-256 %s, recorded was %s", f.Name, sum, f.SHA256)
		}
		p.until("the spool is free of "+f.Name, func() bool {
			_, err := os.Stat(filepath.Join(data, "spool", c.ID, f.Name))
			return errors.Is(err, fs.ErrNotExist)
		})
		inRange(t, f)
	}
	checkFiles(t, p.recording(c.ID), 2)
}

// fileStates are the states of a conference's recording files by name.
func (p *program) fileStates(id string) map[string]string {
	p.t.Helper()
	var c struct {
		Files []struct{ Name, State string }
	}
	p.api("GET", "/conferences/"+id, nil, &c)
	states := map[string]string{}
	for _, f := range c.Files {
		states[f.Name] = f.State
	}
	return states
}

// inRange asks for the second hundred bytes of a file.
func inRange(t *testing.T, f recordingFile) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, f.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Range", "bytes=100-199")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	part, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusPartialContent || len(part) != 100 {
		t.Errorf("a range of %s: %s, %d bytes; want 206 and 100", f.Name, resp.Status, len(part))
	}
}

// stored is the checksum of what the store has under a key.
func stored(t *testing.T, store object.Store, key string) string {
	t.Helper()
	r, err := store.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
