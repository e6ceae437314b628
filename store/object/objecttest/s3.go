package objecttest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"showroom/store/object"
)

const (
	accessKey = "showroom"
	secretKey = "showroom-secret"

	startTimeout = 15 * time.Second
)

// S3Server is a versitygw process that keeps its buckets in a directory.
type S3Server struct {
	Endpoint string // host:port, plain HTTP
	Dir      string

	t    testing.TB
	path string // of the program
	cmd  *exec.Cmd
}

// StartS3 starts an S3 server on a free port of 127.0.0.1 and stops it when
// the test ends.
func StartS3(t testing.TB) *S3Server {
	t.Helper()
	s := &S3Server{t: t, path: versitygw(t), Dir: t.TempDir()}
	t.Cleanup(s.Kill)
	for range 5 { // another process may take the port before the server does
		s.Endpoint = freeAddress(t)
		if err := s.start(); err == nil {
			return s
		} else {
			t.Logf("versitygw on %s: %v", s.Endpoint, err)
		}
	}
	t.Fatal("versitygw did not start; its words are above")
	return nil
}

// Config returns how to use a bucket of the server.
func (s *S3Server) Config(bucket string) object.S3Config {
	return object.S3Config{
		Endpoint:  s.Endpoint,
		Bucket:    bucket,
		AccessKey: accessKey,
		SecretKey: secretKey,
		PathStyle: true,
		Timeout:   10 * time.Second,
	}
}

// Kill ends the server at once. What it stored stays.
func (s *S3Server) Kill() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
	s.cmd.Wait()         //nolint:errcheck // killed
	s.cmd = nil
}

// Restart starts the server again after Kill, on the same address and directory.
func (s *S3Server) Restart() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatalf("versitygw on %s: %v", s.Endpoint, err)
	}
}

// start runs the server and waits until it answers.
func (s *S3Server) start() error {
	s.cmd = exec.Command(s.path, "--quiet", "--port", s.Endpoint, "--health", "/healthz", "posix", s.Dir)
	s.cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+accessKey, "ROOT_SECRET_KEY="+secretKey)
	s.cmd.Stdout, s.cmd.Stderr = s.t.Output(), s.t.Output()
	s.cmd.WaitDelay = time.Second
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	err := healthy("http://" + s.Endpoint + "/healthz")
	if err != nil {
		s.Kill()
	}
	return err
}

// healthy asks until the answer is 200.
func healthy(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := transport.RoundTrip(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("no answer at %s within %v", url, startTimeout)
		}
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// versitygw finds the program in .tools/bin of the module, or on the PATH.
func versitygw(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
			continue
		}
		path := filepath.Join(dir, ".tools", "bin", "versitygw")
		if _, err := os.Stat(path); err == nil {
			return path
		}
		break
	}
	path, err := exec.LookPath("versitygw")
	if err != nil {
		t.Fatal("the S3 server versitygw is neither in .tools/bin nor on the PATH: run `make tools`")
	}
	return path
}
