package sfu

import (
	"log/slog"
	"testing"
)

// TestDroppedTrackIsForgotten: a peer that cannot decode a track must not keep it, with its packets, for the whole call.
func TestDroppedTrackIsForgotten(t *testing.T) {
	p := &Peer{id: "p"}
	track := &Track{id: "t", peer: &Peer{id: "q"}, in: &incoming{}}
	p.told.undecodable = map[*Track]bool{track: true}
	r := &Room{log: slog.New(slog.DiscardHandler), peers: []*Peer{p}, tracks: []*Track{track}}
	r.drop(track)
	if len(p.told.undecodable) != 0 {
		t.Error("the peer keeps the track")
	}
}
