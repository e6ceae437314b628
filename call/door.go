package call

import (
	"errors"
	"time"
)

// doorAhead is how long before the planned start one may knock.
const doorAhead = 15 * time.Minute

// ErrEarly says that it is not yet time to knock.
var ErrEarly = errors.New("it is too early to come in")

// OpensAt is from when on one may knock, also if the seller is not there.
func (c Conference) OpensAt() time.Time { return c.StartsAt.Add(-doorAhead) }

// OpenTo says whether somebody of the role may come now. The seller may at any time, and opens the door to the others by being there.
func (c Conference) OpenTo(role Role, now time.Time) bool {
	return role == RoleSeller || c.Present(RoleSeller) || !now.Before(c.OpensAt())
}
