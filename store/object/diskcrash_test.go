package object_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"showroom/store/object"
	"showroom/store/object/objecttest"
)

// crashDir names the store in the environment of a process that is to replace
// an object in it until it is killed.
const crashDir = "SHOWROOM_OBJECTTEST_DIR"

// version returns the i-th content of the object; neighbours are of one size.
func version(i int) []byte { return objecttest.Bytes(uint64(i), 50_000+i/4*100) }

// A process killed at any moment of a Put leaves one of the two objects, whole
// and described as what it is, and never an older one.
func TestDiskKilled(t *testing.T) {
	if dir := os.Getenv(crashDir); dir != "" {
		replaceForEver(t, dir)
	}
	dir := t.TempDir()
	for range 8 {
		acked := killReplacing(t, dir, 1+rand.IntN(40))
		d, err := object.NewDisk(dir)
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.Open(t.Context(), "a/b.webm")
		if err != nil {
			t.Fatalf("after version %d: %v", acked, err)
		}
		got, err := io.ReadAll(r)
		if err != nil || objecttest.Sum(got) != r.Info().SHA256 {
			t.Errorf("after version %d: %d bytes, described as others: %v", acked, len(got), err)
		}
		if !bytes.Equal(got, version(acked)) && !bytes.Equal(got, version(acked+1)) {
			t.Errorf("after version %d: neither it nor the next is stored", acked)
		}
		r.Close()
		d.Close()
	}
}

func replaceForEver(t *testing.T, dir string) {
	d, err := object.NewDisk(dir)
	for i := 0; err == nil; i++ {
		b := version(i)
		_, err = d.Put(context.Background(), "a/b.webm", bytes.NewReader(b), int64(len(b)), fmt.Sprint(i), objecttest.Sum(b))
		if err == nil {
			_, err = fmt.Println(i)
		}
	}
	t.Fatal(err)
}

// killReplacing runs replaceForEver in a process, kills it after some
// versions, and returns the last it said was stored.
func killReplacing(t *testing.T, dir string, after int) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestDiskKilled$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := -1
	for lines := bufio.NewScanner(out); lines.Scan(); {
		i, err := strconv.Atoi(lines.Text())
		if err != nil {
			continue // cut off by the kill, or the test framework's own
		}
		if last = i; i == after {
			cmd.Process.Kill() // how it ended is seen below
		}
	}
	cmd.Wait()
	if last < after {
		t.Fatalf("the process ended by itself after version %d", last)
	}
	return last
}
