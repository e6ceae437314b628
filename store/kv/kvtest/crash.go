package kvtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"showroom/store/kv"
)

// childDir names the store in the environment of a process that is to write
// into it until it is killed.
const childDir = "SHOWROOM_KVTEST_DIR"

const kills = 8

func testReopen(t *testing.T, open Open) {
	dir := t.TempDir()
	for i := range 3 {
		db, err := open(dir)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, db, strings.TrimSuffix("a=1 b=2 c=3 "[:i*4], " "))
		put(t, db, string(rune('a'+i)), fmt.Sprint(i+1))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		fn := func(kv.Tx) error { t.Error("ran in a closed store"); return nil }
		for _, err := range []error{db.View(t.Context(), fn), db.Update(t.Context(), fn)} {
			if !errors.Is(err, kv.ErrClosed) {
				t.Errorf("use of a closed store: %v", err)
			}
		}
	}
}

// testCrash kills a writing process again and again. What it was told to be
// stored must be there, each commit whole, and the store must open.
func testCrash(t *testing.T, open Open) {
	dir := t.TempDir()
	acked := -1
	for range kills {
		acked = max(acked, killWriter(t, dir, 1+rand.IntN(60)))
		db, err := open(dir)
		if err != nil {
			t.Fatalf("open after a kill: %v", err)
		}
		last, err := check(db)
		if err = errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		if last < acked {
			t.Fatalf("commit %d was acknowledged, the last in the store is %d", acked, last)
		}
	}
	t.Logf("%d kills, %d commits acknowledged, none lost", kills, acked+1)
}

// killWriter runs a writer, kills it after some acknowledgements, and returns
// the last one it gave.
func killWriter(t *testing.T, dir string, after int) int {
	t.Helper()
	root, _, _ := strings.Cut(t.Name(), "/")
	cmd := exec.Command(os.Args[0], "-test.run=^"+root+"$")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last, n := -1, 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		i, err := strconv.Atoi(lines.Text())
		if err != nil {
			continue // cut off by the kill, or the test framework's own
		}
		last = i
		if n++; n == after {
			cmd.Process.Kill() //nolint:errcheck // seen below
		}
	}
	cmd.Wait() //nolint:errcheck // killed
	if n < after {
		t.Fatalf("the writer ended by itself after %d commits: %s", n, problems.String())
	}
	return last
}

// inChild writes numbered commits for ever, and says the number of each that
// returned, if this process was started to.
func inChild(t *testing.T, open Open) bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	db, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	last, err := check(db)
	for i := last + 1; err == nil; i++ {
		err = db.Update(context.Background(), func(tx kv.Tx) error { return commit(tx, i) })
		if err == nil {
			_, err = fmt.Println(i)
		}
	}
	t.Fatal(err)
	return true
}

// commit writes a key for the number, one that changes, and the number of
// keys, with values that spread over pages.
func commit(tx kv.Tx, i int) error {
	value := bytes.Repeat(number(i), 1+i%200)
	return errors.Join(
		tx.Put(append([]byte("each/"), number(i)...), value),
		tx.Put([]byte("last"), number(i)),
		tx.Delete(append([]byte("old/"), number(i-1)...)),
		tx.Put(append([]byte("old/"), number(i)...), value),
	)
}

// check returns the number of the last commit in the store, -1 for none,
// unless one of them is there in part.
func check(db kv.DB) (int, error) {
	last := -1
	err := db.View(context.Background(), func(tx kv.Tx) error {
		n := 0
		for item, err := range tx.Scan(kv.Prefix([]byte("each/"))) {
			if err != nil {
				return err
			}
			if !bytes.Equal(item.Value, bytes.Repeat(number(n), 1+n%200)) {
				return fmt.Errorf("commit %d has another's value", n)
			}
			n++
		}
		v, err := tx.Get([]byte("last"))
		if n == 0 && errors.Is(err, kv.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		last = int(binary.BigEndian.Uint64(v))
		old, err := keys(tx, kv.Prefix([]byte("old/")))
		if err == nil && (last != n-1 || len(old) != 1) {
			err = fmt.Errorf("%d commits, the last is %d, %d old keys", n, last, len(old))
		}
		return err
	})
	return last, err
}
