package recorder

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a disk of a size.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("mounting a tmpfs needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFullDisk fills a small tmpfs while two people are recorded.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, "300k")
	var r *rig
	bubble(t, func(t *testing.T, _ string) {
		r = newRig(t, Config{Dir: dir, MinFree: -1})
		r.open("c_1")
		m := newSim(t)
		r.talk(m, "anna", 0, 20*time.Second, "video/VP8")
		m.play()
		r.close()
		if len(r.manifest.Files) != 1 {
			t.Errorf("manifest %v", r.manifest)
		}
	})
	if len(r.failed) != 1 || !errors.Is(r.failed[0], syscall.ENOSPC) {
		t.Fatalf("failed with %v", r.failed)
	}
	kept := r.kept
	if len(kept) != 1 || kept[0].Size == 0 || kept[0].Duration < 1000 || kept[0].Failure == "" {
		t.Fatalf("kept %+v", kept)
	}
	p := judge(t, r.path(kept[0]))
	t.Logf("kept %d bytes, %.1f s, failure %q, %d cues", kept[0].Size, p.Format.Duration, kept[0].Failure, len(cueTimes(t, r.path(kept[0]))))
}

// TestSpace ends a recording while its disk still has a quarter of what a new file wants.
func TestSpace(t *testing.T) {
	dir := smallDisk(t, "1200k")
	var r *rig
	bubble(t, func(t *testing.T, _ string) {
		r = newRig(t, Config{Dir: dir, MinFree: 800 << 10})
		r.open("c_1")
		m := newSim(t)
		r.talk(m, "anna", 0, 40*time.Second, "video/VP8")
		m.play()
		r.close()
	})
	if len(r.failed) != 1 || !errors.Is(r.failed[0], ErrNoSpace) {
		t.Fatalf("failed with %v", r.failed)
	}
	if len(r.kept) != 1 || len(r.manifest.Files) != 1 || r.manifest.Files[0].SHA256 != r.kept[0].SHA256 {
		t.Fatalf("kept %+v, manifest %+v", r.kept, r.manifest)
	}
	judge(t, r.path(r.kept[0]))
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	if free := int64(disk.Bavail) * disk.Bsize; free < 80<<10 {
		t.Errorf("%d KiB are left free, want about 200", free>>10)
	} else {
		t.Logf("kept %d KiB, left %d KiB free", r.kept[0].Size>>10, free>>10)
	}
}

func TestNoRoom(t *testing.T) {
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir, MinFree: 1 << 60})
		r.open("c_1")
		m := newSim(t)
		r.talk(m, "anna", 0, 4*time.Second, "video/VP8")
		m.play()
		r.close()
	})
	if len(r.failed) != 1 || !errors.Is(r.failed[0], ErrNoSpace) {
		t.Fatalf("failed with %v", r.failed)
	}
	if f := r.kept[0]; f.Name != "anna-1.webm" || f.Participant != "anna" || f.Source != "camera+mic" || f.Size != 0 {
		t.Errorf("of what could not be begun is told %+v; want a name, whose and what it would have been", f)
	}
}

// TestSpaceComesBack: the disk is full for ten seconds in the middle of a call. Recording stops with a reason, goes on as a new file
// within seconds of there being space, and both files are whole.
func TestSpaceComesBack(t *testing.T) {
	dir := smallDisk(t, "8m")
	var r *rig
	fill := func(n int) {
		if err := os.WriteFile(dir+"/filler", make([]byte, n), 0o600); err != nil {
			t.Error(err)
		}
	}
	bubble(t, func(t *testing.T, _ string) {
		r = newRig(t, Config{Dir: dir, MinFree: 6 << 20})
		r.open("c_1")
		m := newSim(t)
		r.talk(m, "anna", 0, 30*time.Second, "video/VP8")
		m.at(8*time.Second, func(time.Time) { fill(7 << 20) })
		m.at(18*time.Second, func(time.Time) { fill(0) })
		m.play()
		r.close()
	})
	if len(r.failed) != 1 || !errors.Is(r.failed[0], ErrNoSpace) || len(r.started) != 2 || len(r.finished) != 1 {
		t.Fatalf("failed %v, started %v, finished %v", r.failed, r.started, r.finished)
	}
	first, second := r.kept[0], r.finished[0]
	if first.Failure == "" || near(first.Duration, 8500, 1000) {
		t.Errorf("up to the full disk: %+v", first)
	}
	if second.Name != "anna-2.webm" || second.Offset < 18000 || second.Offset > 23000 || near(second.Offset+second.Duration, 30020, 100) || second.Dropped == 0 {
		t.Errorf("when there is space again: %+v", second)
	}
	for _, f := range r.manifest.Files {
		if p := judge(t, r.path(f)); len(p.Streams) != 2 {
			t.Errorf("%s: %d streams", f.Name, len(p.Streams))
		}
	}
}
