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

// ErrPass says that a token is not one of ours: malformed, forged, or made for something else.
var ErrPass = errors.New("the access link is not valid")
