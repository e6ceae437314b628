package object_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"showroom/store/object"
	"showroom/store/object/objecttest"
)

// files returns the paths of all files under dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Objects are plain files under their keys, and nothing else is left.
func TestDiskLayout(t *testing.T) {
	dir := t.TempDir()
	d := newDisk(t, dir)
	b := objecttest.Bytes(1, 100)
	objecttest.Put(t, d, "conf_1/seller.webm", b)
	objecttest.Put(t, d, "conf_1/seller.webm", b)
	if _, err := d.Put(t.Context(), "conf_1/buyer.webm", bytes.NewReader(b), 100, "", objecttest.Sum(nil)); err == nil {
		t.Error("wrong checksum accepted")
	}
	if got := strings.Join(files(t, dir), " "); got != "conf_1/seller.webm conf_1/seller.webm~meta" {
		t.Errorf("files: %s", got)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "conf_1/seller.webm")); err != nil || !bytes.Equal(got, b) {
		t.Errorf("the file holds other bytes: %v", err)
	}
	if err := d.Delete(t.Context(), "conf_1/seller.webm"); err != nil {
		t.Error(err)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("files left: %v", got)
	}
}

func TestDiskReopen(t *testing.T) {
	dir := t.TempDir()
	b := objecttest.Bytes(1, 1000)
	d := newDisk(t, dir)
	objecttest.Put(t, d, "a/b", b)
	left := filepath.Join(dir, "~new", "left-by-a-killed-process")
	if err := os.WriteFile(left, b, 0o600); err != nil {
		t.Fatal(err)
	}
	d = newDisk(t, dir)
	objecttest.Expect(t, d, "a/b", b)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("unfinished file is still there: %v", err)
	}
}

// A crash between the two renames of a Put leaves the new record beside the
// old file; the old object is still whole.
func TestDiskCrashBetweenRenames(t *testing.T) {
	for _, size := range []int{100, 200} { // of the new object; the old has 100
		dir := t.TempDir()
		d := newDisk(t, dir)
		old, newer := objecttest.Bytes(1, 100), objecttest.Bytes(2, size)
		info := objecttest.Put(t, d, "a", old)
		objecttest.Put(t, d, "a", newer)
		name := filepath.Join(dir, "a")
		err := errors.Join(os.WriteFile(name, old, 0o600), os.Chtimes(name, time.Time{}, info.Modified))
		if err != nil {
			t.Fatal(err)
		}
		d = newDisk(t, dir)
		objecttest.Expect(t, d, "a", old)
		objecttest.Put(t, d, "a", newer)
		objecttest.Expect(t, d, "a", newer)
	}
	dir := t.TempDir()
	d := newDisk(t, dir)
	objecttest.Put(t, d, "first", []byte("x"))
	if err := os.Remove(filepath.Join(dir, "first")); err != nil {
		t.Fatal(err)
	}
	objecttest.Expect(t, d, "first", nil)
}

// A backup may restore files without their exact time. A file cut short by
// other hands is reported, not served.
func TestDiskRestoredAndDamaged(t *testing.T) {
	dir := t.TempDir()
	d := newDisk(t, dir)
	b := objecttest.Bytes(1, 100)
	objecttest.Put(t, d, "a", b)
	name := filepath.Join(dir, "a")
	if err := os.Chtimes(name, time.Time{}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	objecttest.Expect(t, d, "a", b)
	if err := os.Truncate(name, 50); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), "a"); !errors.Is(err, object.ErrChecksum) {
		t.Errorf("Open of a truncated file = %v, want ErrChecksum", err)
	}
	if err := os.Remove(name + "~meta"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), "a"); err == nil {
		t.Error("Open of a file without its record succeeded")
	}
	objecttest.Put(t, d, "a", b)
	objecttest.Expect(t, d, "a", b)
}

// A reader goes on with the object it opened.
func TestDiskReplaceUnderReader(t *testing.T) {
	d := newDisk(t, t.TempDir())
	old := objecttest.Bytes(1, 100_000)
	objecttest.Put(t, d, "a", old)
	r, err := d.Open(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	objecttest.Put(t, d, "a", objecttest.Bytes(2, 50))
	if err := d.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, old) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

func TestDiskKeyUnderKey(t *testing.T) {
	d := newDisk(t, t.TempDir())
	objecttest.Put(t, d, "a/b", []byte("x"))
	for _, key := range []string{"a", "a/b/c"} {
		if _, err := d.Put(t.Context(), key, strings.NewReader("x"), 1, "", objecttest.Sum([]byte("x"))); !errors.Is(err, object.ErrKey) {
			t.Errorf("Put(%s) beside a/b = %v, want ErrKey", key, err)
		}
	}
	objecttest.Expect(t, d, "a/b", []byte("x"))
}

// A link that someone made in the directory does not lead out of it.
func TestDiskLinks(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	err := errors.Join(
		os.WriteFile(secret, []byte("x"), 0o600),
		os.Symlink(outside, filepath.Join(dir, "out")),
		os.Symlink(secret, filepath.Join(dir, "secret")),
	)
	if err != nil {
		t.Fatal(err)
	}
	d := newDisk(t, dir)
	for _, key := range []string{"out/secret", "secret"} {
		if r, err := d.Open(t.Context(), key); err == nil {
			r.Close()
			t.Errorf("Open(%s) led outside", key)
		}
	}
	if _, err := d.Put(t.Context(), "out/new", strings.NewReader("x"), 1, "", objecttest.Sum([]byte("x"))); err == nil {
		t.Error("Put led outside")
	}
	if got := strings.Join(files(t, outside), " "); got != "secret" {
		t.Errorf("files outside: %s", got)
	}
}

// A disk without room refuses the object, keeps the old one and leaves nothing
// behind. A limit on the size of files stands for the full disk.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	d := newDisk(t, dir)
	old, b := objecttest.Bytes(1, 100), objecttest.Bytes(2, 1<<20)
	objecttest.Put(t, d, "a", old)
	limitFiles(t, 64<<10, func() {
		_, err := d.Put(t.Context(), "a", bytes.NewReader(b), 1<<20, "", objecttest.Sum(b))
		if !errors.Is(err, object.ErrFull) {
			t.Errorf("Put = %v, want ErrFull", err)
		}
	})
	objecttest.Expect(t, d, "a", old)
	if got := strings.Join(files(t, dir), " "); got != "a a~meta" {
		t.Errorf("files: %s", got)
	}
	objecttest.Put(t, d, "a", b)
	objecttest.Expect(t, d, "a", b)
}

// limitFiles runs f while no file may grow beyond size bytes.
func limitFiles(t *testing.T, size uint64, f func()) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}

// FuzzKey tries whether any name can write outside the store's directory, and
// that every key comes back as it was put.
func FuzzKey(f *testing.F) {
	for _, key := range []string{"a", "a/b.webm", "../a", "a/../../b", "/etc/x", "a//b", "a/", ".", "..", "a\x00b", "~new/x", "a~meta", "rec_1/part-2.webm"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		dir := t.TempDir()
		inside := filepath.Join(dir, "up", "store")
		d, err := object.NewDisk(inside)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		b := []byte(key)
		_, err = d.Put(t.Context(), key, bytes.NewReader(b), int64(len(b)), "", objecttest.Sum(b))
		if errors.Is(err, object.ErrKey) != (object.CheckKey(key) != nil) || err != nil && !errors.Is(err, object.ErrKey) {
			t.Fatalf("Put(%q) = %v, CheckKey = %v", key, err, object.CheckKey(key))
		}
		for _, name := range files(t, dir) {
			if err != nil || !strings.HasPrefix(name, "up/store/"+key) {
				t.Fatalf("key %q wrote %s", key, name)
			}
		}
		if err == nil {
			objecttest.Expect(t, d, key, b)
		}
	})
}
