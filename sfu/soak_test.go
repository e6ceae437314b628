package sfu_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// soakEnv makes the soak go on for so many joins; it is in docs/performance.md.
const soakEnv = "SFU_SOAK_JOINS"

const (
	soakJoins  = 300
	soakTime   = 15 * time.Second // at most, unless asked for a number
	soakMemory = 6 << 20          // bytes of heap that may come and go
)

// census is what must not grow.
type census struct {
	joins, goroutines, files int
	heap                     uint64
}

func (c census) String() string {
	return fmt.Sprintf("after %d joins: %d goroutines, %d file descriptors, %d KiB of heap", c.joins, c.goroutines, c.files, c.heap>>10)
}

func count(joins int) census {
	runtime.GC()
	runtime.GC() // what finalizers and pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		files = nil
	}
	return census{joins, runtime.NumGoroutine(), len(files), m.HeapAlloc}
}

// TestSoak has participants come, send and go, by UDP and by TCP; half of them vanish, some of
// those in the middle of the handshake. What they cost must be gone with them.
func TestSoak(t *testing.T) {
	joins, asked, atOnce := soakJoins, false, 8
	if v := os.Getenv(soakEnv); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 100 {
			t.Fatalf("%s is %q: want a number of joins from 100", soakEnv, v)
		}
		joins, asked, atOnce = n, true, 16
	}
	h := open(t)
	start := time.Now()
	const rounds = 10
	var first, last census
	var connected, vanished atomic.Int32
	done := 0
	for round := range rounds {
		var wg sync.WaitGroup
		next := make(chan int)
		for range atOnce {
			wg.Go(func() {
				for n := range next {
					if err := soakPair(h.server, n, &connected, &vanished); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for ; done < (round+1)*joins/rounds && (asked || time.Since(start) < soakTime); done += 2 {
			next <- done / 2
		}
		close(next)
		wg.Wait()
		last = settled(done, last)
		t.Log(last)
		if round == 1 { // pools and tables have their size
			first = last
		}
	}
	t.Logf("%d connected, %d of all vanished, in %v", connected.Load(), vanished.Load(), time.Since(start).Round(time.Second))
	if last.goroutines > first.goroutines || last.files > first.files || last.heap > first.heap+soakMemory {
		t.Errorf("%v; %v", first, last)
	}
	if done < 40 || connected.Load() == 0 || vanished.Load() == 0 {
		t.Errorf("%d joins, %d connected, %d vanished", done, connected.Load(), vanished.Load())
	}
}

// settled waits until what closes in the background is closed.
func settled(joins int, before census) census {
	c := count(joins)
	for deadline := time.Now().Add(patience); (c.goroutines > before.goroutines || c.files > before.files) && time.Now().Before(deadline); {
		if before.joins == 0 && time.Until(deadline) < patience-time.Second {
			break
		}
		<-time.After(50 * time.Millisecond)
		c = count(joins)
	}
	return c
}

// soakPair is a call of two in a room of its own. How they leave depends on n.
func soakPair(s *sfu.Server, n int, connected, vanished *atomic.Int32) error {
	room, err := s.Open(fmt.Sprint("soak-", n), sfu.RoomEvents{})
	if err != nil {
		return err
	}
	defer room.Close()
	up := make(chan struct{}, 10)
	enter := func(id string, goOn bool) (*sfutest.Client, *sfu.Peer, error) {
		c, err := sfutest.New(sfutest.Options{TCP: n%2 == 1, NoScreen: true})
		if err != nil {
			return nil, nil, err
		}
		p, err := room.Join(id, sfu.PeerEvents{State: func(s sfu.PeerState) {
			if s == sfu.Connected {
				connected.Add(1)
				up <- struct{}{}
			}
		}})
		if err != nil {
			return c, nil, err
		}
		offer, sources, err := c.Offer(false)
		if err != nil {
			return c, p, err
		}
		answer, err := p.Offer(offer, typed(sources))
		if err != nil || !goOn {
			return c, p, err
		}
		return c, p, c.Answer(answer)
	}
	const polite, vanishes, bothVanish, halfWay, noAnswer = 0, 1, 2, 3, 4
	how := n % 5
	a, pa, err := enter("a", true)
	if a != nil {
		defer func() { _ = a.Close() }()
	}
	if err != nil {
		return err
	}
	b, pb, err := enter("b", how != noAnswer)
	if b != nil {
		defer func() { _ = b.Close() }()
	}
	if err != nil {
		return err
	}
	wait := 2
	if how == halfWay || how == noAnswer {
		wait = 1
		vanished.Add(1)
		if err := b.Close(); err != nil {
			return err
		}
	}
	for range wait {
		select {
		case <-up:
		case <-time.After(3 * patience):
			return fmt.Errorf("pair %d does not connect", n)
		}
	}
	if wait == 2 {
		a.PublishAudio(a.Mic)
		a.PublishVideo(a.Camera)
		select {
		case <-b.Packets:
		case <-time.After(3 * patience):
			return errors.New("no packet came")
		}
	}
	if how == vanishes || how == bothVanish { // without a word, in the midst of its media
		vanished.Add(1)
		_ = a.Close()
	}
	if how == bothVanish {
		vanished.Add(1)
		_ = b.Close()
	}
	pb.Close("leaves")
	pa.Close("leaves")
	return nil
}
