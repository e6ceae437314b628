package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// frozen is a file system on which every write stands still while it is frozen.
type frozen struct {
	t   *testing.T
	dir string
}

func newFrozen(t *testing.T, dir string) *frozen {
	t.Helper()
	image := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 200<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	output(t, "mkfs.ext4", "-q", image)
	output(t, "mount", "-o", "loop", image, dir) // needs root
	f := &frozen{t, dir}
	t.Cleanup(func() {
		_ = exec.Command("fsfreeze", "-u", dir).Run() // of a test that failed in between
		output(t, "umount", dir)
	})
	return f
}

func (f *frozen) freeze() { f.t.Helper(); output(f.t, "fsfreeze", "-f", f.dir) }
func (f *frozen) thaw()   { f.t.Helper(); output(f.t, "fsfreeze", "-u", f.dir) }

// TestDiskStandsStill freezes the disk of the recordings while five seconds of media are forwarded: nobody in the call waits for it, and the
// recording has all of them.
func TestDiskStandsStill(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	spool := newFrozen(t, filepath.Join(data, "spool"))
	p := startIn(t, data, "demo")
	c := scheduled{p.newest().ID, p.seller, p.buyer}
	seller, buyer := p.call(c)
	recorded(seller, buyer)
	seller.gets(3 * time.Second)
	spool.freeze()
	for _, n := range []*native{seller, buyer} {
		n.gets(5 * time.Second) // would never come if forwarding waited for the disk
	}
	spool.thaw()
	seller.gets(time.Second)
	end(seller, buyer)
	files := p.recording(c.ID)
	checkFiles(t, files, 2)
	for _, f := range files {
		if len(f.Gaps) > 0 || f.DurationMS < 9000 {
			t.Errorf("%s lasts %d ms, gaps %+v", f.Name, f.DurationMS, f.Gaps)
		}
	}
}
