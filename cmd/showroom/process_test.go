package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// asProgram in the environment makes the tests' binary the program itself, so that real processes can be signalled and killed.
const asProgram = "SHOWROOM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// launched is the program as a process of its own.
type launched struct {
	*program
	process *os.Process
}

// launch starts a process on a data folder and waits until it serves. It listens on free loopback ports unless args say where.
func launch(t *testing.T, data string, args ...string) *launched {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--compose-") }) {
		args = append(args, "--compose-layout", "off")
	}
	p := &program{t: t, out: newLines(), log: &testLog{t: t, lines: newLines()}, done: make(chan int, 1)}
	cmd := exec.Command(self, append(args, "--data", data, "--media-udp", "127.0.0.1:0", "--media-tcp", "127.0.0.1:0")...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout, cmd.Stderr = p.out, p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l := &launched{p, cmd.Process}
	p.drain, p.stop = l.terminate, l.terminate
	go func() { // ends with the process, which close awaits
		_ = cmd.Wait() // the exit code says it
		p.done <- cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(p.close)
	if args[0] == "demo" {
		p.seller = p.out.find(t, `Seller +(\S+)`)
		p.buyer = p.out.find(t, `Buyer +(\S+)`)
		p.key = p.out.find(t, `API key +(\S+)`)
	}
	p.url = p.log.find(t, `msg=serving url=(\S+)`)
	return l
}

// terminate is one SIGTERM, to a process that may have ended.
func (l *launched) terminate() { _ = l.process.Signal(syscall.SIGTERM) }

// kill ends the process as a crash does and waits for its end.
func (l *launched) kill() {
	l.t.Helper()
	if err := l.process.Kill(); err != nil {
		l.t.Fatal(err)
	}
	<-l.done
	close(l.done)
}

// address is where the process listens, for the next one to listen there.
func (l *launched) address() string {
	l.t.Helper()
	return l.log.find(l.t, `http=(\S+)`)
}
