package object_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"showroom/store/object"
	"showroom/store/object/objecttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newDisk(t *testing.T, dir string) *object.Disk {
	t.Helper()
	d, err := object.NewDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func newS3(t *testing.T, c object.S3Config) *object.S3 {
	t.Helper()
	s, err := object.NewS3(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestDisk(t *testing.T) {
	objecttest.Run(t, func(t *testing.T) object.Store { return newDisk(t, t.TempDir()) })
	t.Run("Conflict", func(t *testing.T) { objecttest.RunConflict(t, newDisk(t, t.TempDir())) })
}

func TestS3(t *testing.T) {
	server := objecttest.StartS3(t)
	var n atomic.Int32
	objecttest.Run(t, func(t *testing.T) object.Store {
		c := server.Config(fmt.Sprintf("bucket-%d", n.Add(1)))
		if n.Load()%2 == 0 {
			c.Prefix = "showroom/demo"
		}
		return newS3(t, c)
	})
}
