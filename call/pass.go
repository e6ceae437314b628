package call

import (
	"errors"
	"time"
)

// Pass is what an access link's token says: who may come into which conference as what. Whether its link still holds is asked of
// [Conference.CheckLink].
type Pass struct {
	Conference  string
	Link        string
	Participant string
	Role        Role
	Expires     time.Time
}

// PassOf is the pass of an access link. It outlives the link: when the conference is put off, so is the link's end, and the address
// that was sent goes on working. Whether the link holds is asked of the log each time.
func PassOf(conference string, l Link) Pass {
	return Pass{Conference: conference, Link: l.ID, Participant: l.Participant, Role: l.Role, Expires: l.last()}
}

// passLife is how long after it was issued a link can be put off.
const passLife = 2 * 366 * 24 * time.Hour

// last is how far the link can be put off: its pass holds no longer.
func (l Link) last() time.Time {
	if last := l.CreatedAt.Add(passLife); last.After(l.ExpiresAt) {
		return last
	}
	return l.ExpiresAt
}

// later is when the link ends after it was put off.
func (l Link) later(by time.Duration) time.Time {
	if end := l.ExpiresAt.Add(by); end.Before(l.last()) {
		return end
	}
	return l.last()
}

// ErrPass says that a token is not one of ours: malformed, forged, or made for something else.
var ErrPass = errors.New("the access link is not valid")
