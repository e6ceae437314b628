package signaling

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

const (
	closingTime  = time.Second // for the client's half of the closing handshake
	closingBytes = 1 << 20     // read and thrown away meanwhile, so that the reset of unread bytes does not overtake our last words
)

var (
	errTooLarge = errors.New("message too large")
	errTooMany  = errors.New("too many messages")
)

// socket is one WebSocket with its bounded queue. Anybody may send; only the reader reads.
type socket struct {
	ws      *websocket.Conn
	config  *Config
	log     *slog.Logger
	address string
	limiter *rate.Limiter

	joined  atomic.Bool // was welcomed once: the time to authenticate is over
	session *session    // the conference's goroutine alone uses it; nil before welcome and after the session has done with this socket

	mu      sync.Mutex
	queue   [][]byte
	bytes   int
	closing bool // nothing more is queued; what is queued is still written
	broken  bool // not even that
	code    int  // of the close frame
	wake    chan struct{}
	done    chan struct{} // closed when the writer has ended
}

func newSocket(ws *websocket.Conn, c *Config, address string) *socket {
	return &socket{
		ws: ws, config: c, log: c.Log, address: address, limiter: rate.NewLimiter(rate.Limit(c.MessageRate), c.MessageBurst),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// pinged answers a client's ping. Control frames count as messages: each costs as much.
func (s *socket) pinged(data string) error {
	if !s.limiter.Allow() {
		return errTooMany
	}
	_ = s.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(closingTime)) // the writer sees what is broken
	return nil
}

func (s *socket) ponged(string) error {
	if !s.limiter.Allow() {
		return errTooMany
	}
	s.patience(s.config.SilenceTimeout)
	return nil
}

// send queues a message. It never waits: a client that does not read is closed.
func (s *socket) send(message []byte) {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return
	}
	full := len(s.queue) >= s.config.QueueMessages || s.bytes+len(message) > s.config.QueueBytes
	if full {
		s.closing, s.broken, s.queue = true, true, nil
	} else {
		s.queue = append(s.queue, message)
		s.bytes += len(message)
	}
	s.mu.Unlock()
	if full {
		s.log.Warn("socket does not read and is closed", "address", s.address)
		_ = s.ws.NetConn().SetDeadline(time.Unix(1, 0)) // wakes a writer that hangs and the reader; Close could wait for TLS
	}
	s.rouse()
}

// finish writes what is queued and then closes with the code.
func (s *socket) finish(code int) {
	s.mu.Lock()
	if !s.closing {
		s.closing, s.code = true, code
	}
	s.mu.Unlock()
	s.rouse()
}

// fail tells the client why and closes.
func (s *socket) fail(id requestID, p *problem, code int) {
	s.send(encode(errorMessage{reply("error", id), string(p.code), p.message}))
	s.finish(code)
}

func (s *socket) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write is the writer goroutine. When it ends, the reader fails within closingTime.
func (s *socket) write() {
	defer close(s.done)
	ping := time.NewTicker(s.config.PingInterval)
	defer ping.Stop()
	for {
		batch, closing, broken, code := s.take()
		for _, message := range batch {
			_ = s.ws.SetWriteDeadline(time.Now().Add(s.config.WriteTimeout))
			if err := s.ws.WriteMessage(websocket.TextMessage, message); err != nil {
				_ = s.ws.NetConn().SetDeadline(time.Unix(1, 0))
				return
			}
		}
		switch {
		case broken:
			return
		case closing:
			deadline := time.Now().Add(closingTime)
			_ = s.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), deadline)
			_ = s.ws.NetConn().SetReadDeadline(deadline)
			return
		}
		select {
		case <-s.wake:
		case <-ping.C:
			if err := s.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.config.WriteTimeout)); err != nil {
				_ = s.ws.NetConn().SetDeadline(time.Unix(1, 0))
				return
			}
		}
	}
}

func (s *socket) take() (batch [][]byte, closing, broken bool, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch, s.queue, s.bytes = s.queue, nil, 0
	return batch, s.closing, s.broken, s.code
}

func (s *socket) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// patience lets the client be silent for so long. It does nothing once the socket closes, which has its own deadline.
func (s *socket) patience(d time.Duration) {
	if s.isClosing() {
		return
	}
	_ = s.ws.SetReadDeadline(time.Now().Add(d))
	if s.isClosing() { // began between the two lines
		_ = s.ws.SetReadDeadline(time.Now().Add(closingTime))
	}
}

// read waits for the next message of at most limit bytes. With errTooLarge the rest of the message is unread.
func (s *socket) read(limit int) (kind int, data []byte, err error) {
	kind, r, err := s.ws.NextReader()
	if err != nil {
		return 0, nil, fmt.Errorf("read socket: %w", err)
	}
	data, err = io.ReadAll(io.LimitReader(r, int64(limit)+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("read socket: %w", err)
	case len(data) > limit:
		return 0, nil, errTooLarge
	case !s.limiter.Allow():
		return 0, nil, errTooMany
	}
	return kind, data, nil
}

// linger awaits the client's half of the closing handshake, then closes the connection and awaits the writer.
func (s *socket) linger() {
	s.finish(websocket.CloseNormalClosure) // if nobody has yet
	<-s.done
	for left := closingBytes; left > 0; {
		_, r, err := s.ws.NextReader()
		if err != nil {
			break
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, int64(left)))
		if left -= int(n) + 1; err != nil {
			break
		}
	}
	_ = s.ws.Close()
}
