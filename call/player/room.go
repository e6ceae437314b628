package player

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"showroom/call"
	"showroom/recorder"
	"showroom/sfu"
)

// Room is one conference's media, and its recording.
type Room struct {
	native     *Native
	id         string
	log        *slog.Logger
	room       *sfu.Room
	recording  *recorder.Conference // nil: not recorded
	unrecorded error                // why a call that should be recorded is not

	mu       sync.Mutex
	allowed  map[string]bool // participants who may be recorded
	roles    map[string]call.Role
	tracks   map[*sfu.Track]func() // what is published; the func stops its recording, nil when it is not recorded
	sessions map[sessionKey]*session
}

// sessionKey names what goes into one file: a participant's microphone and camera, or their screen.
type sessionKey struct {
	participant string
	screen      bool
}

// session is a recorder session with how many tracks write to it.
type session struct {
	*recorder.Session
	tracks int
}

// Join brings a participant's client in. One participant has one peer at a time.
func (r *Room) Join(participant string, role call.Role, ev sfu.PeerEvents) (*sfu.Peer, error) {
	r.mu.Lock()
	r.roles[participant] = role
	r.mu.Unlock()
	return r.room.Join(participant, ev)
}

// ForwardUntil stops all forwarding at t; the zero time is no limit.
func (r *Room) ForwardUntil(t time.Time) { r.room.ForwardUntil(t) }

// Record starts or stops recording what a participant publishes.
func (r *Room) Record(participant string, on bool) error {
	if r.recording == nil {
		if on && r.unrecorded != nil {
			r.notBegun(participant)
			return fmt.Errorf("open recording: %w", r.unrecorded)
		}
		return nil
	}
	r.mu.Lock()
	r.allowed[participant] = on
	var first error
	var stops []func()
	for track, stop := range r.tracks {
		if track.Peer() != participant || (stop != nil) == on {
			continue
		}
		if !on {
			r.tracks[track] = nil
			stops = append(stops, stop)
			continue
		}
		if err := r.record(track); err != nil && first == nil {
			first = err
		}
	}
	r.mu.Unlock()
	for _, stop := range stops { // takes the lock
		stop()
	}
	return first
}

// Close ends the room and waits until its files are finished.
func (r *Room) Close() {
	r.room.Close()
	r.closeRecording()
}

// closeTimeout bounds the waiting for a disk; the files are repaired at the next start then.
const closeTimeout = 30 * time.Second

func (r *Room) closeRecording() {
	if r.recording == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if _, err := r.recording.Close(ctx); err != nil {
		r.log.Error("recording did not close", "err", err)
	}
}

func (r *Room) published(track *sfu.Track) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tracks[track] = nil
	if !r.allowed[track.Peer()] {
		return
	}
	if err := r.record(track); err != nil {
		r.log.Error("recording", "peer", track.Peer(), "track", track.ID(), "err", err)
	}
}

func (r *Room) unpublished(track *sfu.Track) {
	r.mu.Lock()
	stop := r.tracks[track]
	delete(r.tracks, track)
	r.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// record attaches a published track to its participant's session, opening one if need be. The caller holds mu.
func (r *Room) record(track *sfu.Track) error {
	if r.recording == nil {
		return nil
	}
	key := sessionKey{track.Peer(), track.Source() == sfu.Screen || track.Source() == sfu.ScreenAudio}
	s := r.sessions[key]
	if s == nil {
		opened, err := r.recording.Session(recorder.Participant{ID: key.participant, Role: string(r.roles[key.participant])})
		if err != nil {
			return fmt.Errorf("%w: %w", errNotRecorded, err)
		}
		s = &session{Session: opened}
		r.sessions[key] = s
	}
	sink, err := s.Track(recorder.TrackInfo{
		Source: string(track.Source()), MimeType: track.MimeType(), ClockRate: track.ClockRate(), Channels: uint16(track.Channels()),
		Fmtp: track.Fmtp(), Keyframe: track.RequestKeyframe,
	})
	if err != nil {
		if s.tracks == 0 {
			delete(r.sessions, key)
			s.Close()
		}
		return fmt.Errorf("%w: %w", errNotRecorded, err)
	}
	s.tracks++
	detach := track.Attach(sink)
	r.tracks[track] = func() {
		detach()
		sink.Close()
		r.release(key, s)
	}
	return nil
}

// release closes a session with its last track: what comes later is a file of its own.
func (r *Room) release(key sessionKey, s *session) {
	r.mu.Lock()
	s.tracks--
	last := s.tracks == 0
	if last && r.sessions[key] == s {
		delete(r.sessions, key)
	}
	r.mu.Unlock()
	if last {
		s.Close()
	}
}
