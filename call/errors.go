package call

import "errors"

// Why a rule refuses.
var (
	ErrOver        = errors.New("the conference is over")
	ErrCancelled   = errors.New("the conference was cancelled")
	ErrRunning     = errors.New("the conference is running")                   // cancel after the start
	ErrNotRunning  = errors.New("nobody is in the conference")                 // end before the start
	ErrNoMinutes   = errors.New("the seller has no minutes left this month")   // nobody can enter
	ErrTimeUp      = errors.New("the conference has taken as long as it may")  // nobody can enter
	ErrRevoked     = errors.New("the access link was revoked or never issued") // unknown links too
	ErrExpired     = errors.New("the access link has expired")
	ErrNotKnocking = errors.New("this participant is not at the door")
	ErrNotPresent  = errors.New("this participant is not in the room")
	ErrNoFile      = errors.New("the conference has no such recording file")
	ErrNotOver     = errors.New("the conference is not over yet")      // compose or delete before the end
	ErrNotWanted   = errors.New("the recording has changed meanwhile") // a file composed of what it was
	ErrTooMany     = errors.New("the conference has no room for more of these")
	ErrNoConsent   = errors.New("this call takes place only with everybody's consent to be recorded")
	ErrBuyersOnly  = errors.New("only the buyer can accept")
)

// InvalidError says which field of an input is wrong and how.
type InvalidError struct{ Field, Detail string }

func (e *InvalidError) Error() string { return e.Field + ": " + e.Detail }

// Invalid is an [InvalidError].
func Invalid(field, detail string) error { return &InvalidError{Field: field, Detail: detail} }
