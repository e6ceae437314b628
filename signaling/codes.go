package signaling

import (
	"errors"

	"github.com/gorilla/websocket"

	"showroom/call"
	"showroom/sfu"
)

// Code is a stable word of an `error` message.
type Code string

// The codes, docs/protocol.md.
const (
	codeBadMessage    Code = "bad_message"
	codeUnknownType   Code = "unknown_type"
	codeTooLarge      Code = "too_large"
	codeTooMany       Code = "too_many"
	codeJoinFirst     Code = "join_first"
	codeJoinedHere    Code = "already_joined_here"
	codeTokenInvalid  Code = "token_invalid"
	codeTokenExpired  Code = "token_expired"
	codeTokenRevoked  Code = "token_revoked"
	codeAlreadyJoined Code = "already_joined"
	codeNotAdmitted   Code = "not_admitted"
	codeForbidden     Code = "forbidden"
	codeBadSDP        Code = "bad_sdp"
	codeBadCandidate  Code = "bad_candidate"
	codeTooManyOffers Code = "too_many_offers"
	codeRoomFull      Code = "room_full"
	codeNoMinutes     Code = "no_minutes"
	codeTimeLimit     Code = "time_limit"
	codeSellerUnavail Code = "seller_unavailable"
	codeOver          Code = "conference_over"
	codeCancelled     Code = "conference_cancelled"
	codeTooEarly      Code = "too_early"
	codeNoConsent     Code = "consent_required"
	codeNobody        Code = "no_such_participant"
	codeBadText       Code = "bad_text"
	codeUnavailable   Code = "unavailable"
	codeInternal      Code = "internal"
)

// problem is what a client is told of an error; it is an error itself.
type problem struct {
	code    Code
	message string
}

func (p *problem) Error() string { return string(p.code) + ": " + p.message }

func refuse(code Code, message string) error { return &problem{code, message} }

// explain is the one place where errors become codes. What it does not know is internal or passing, and the words stay in the log.
func explain(err error, role call.Role) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	var invalid *call.InvalidError
	if errors.As(err, &invalid) {
		return &problem{codeBadText, invalid.Error()}
	}
	if errors.Is(err, call.ErrNoMinutes) && role != call.RoleSeller {
		return &problem{codeSellerUnavail, "The seller cannot take this call now."}
	}
	for _, known := range explanations {
		if errors.Is(err, known.err) {
			return &known.problem
		}
	}
	return &problem{codeUnavailable, "The server could not save this. Please try again."}
}

// closeCode is how the socket closes after an error that ends it.
func closeCode(p *problem) int {
	if p.code == codeUnavailable {
		return websocket.CloseTryAgainLater
	}
	return websocket.ClosePolicyViolation
}

var restarting = &problem{codeUnavailable, "The server is restarting. Please try again in a moment."}

var explanations = []struct {
	err error
	problem
}{
	{errUnknownType, problem{codeUnknownType, "This server does not know messages of this type."}},
	{errBadMessage, problem{codeBadMessage, "The message is not what the protocol says: one JSON object with a type and that type's fields."}},
	{call.ErrPass, problem{codeTokenInvalid, "The access link is not valid."}},
	{call.ErrNotFound, problem{codeTokenInvalid, "The access link is not valid."}},
	{call.ErrExpired, problem{codeTokenExpired, "The access link has expired. Ask for a new one."}},
	{call.ErrRevoked, problem{codeTokenRevoked, "The access link was withdrawn. Ask for a new one."}},
	{call.ErrOver, problem{codeOver, "The conference is over."}},
	{call.ErrCancelled, problem{codeCancelled, "The conference was cancelled."}},
	{call.ErrEarly, problem{codeTooEarly, "It is not time yet. Come back at the time of the conference."}},
	{call.ErrNoMinutes, problem{codeNoMinutes, "There are no minutes left this month."}},
	{call.ErrTimeUp, problem{codeTimeLimit, "This conference has taken as long as it may."}},
	{call.ErrNoConsent, problem{codeNoConsent, "This call takes place only with everybody's consent to be recorded."}},
	{call.ErrNotKnocking, problem{codeNobody, "This participant is not at the door."}},
	{call.ErrNotPresent, problem{codeNobody, "This participant is not in the room."}},
	{call.ErrNotRunning, problem{codeForbidden, "Nobody is in the conference."}},
	{sfu.ErrTooManyOffer, problem{codeTooManyOffers, "Too many offers. Wait a second before the next."}},
	{sfu.ErrBadSDP, problem{codeBadSDP, "The offer cannot be understood or breaks a limit."}},
	{sfu.ErrNoOffer, problem{codeBadCandidate, "Send an offer before candidates."}},
	{sfu.ErrBadCandidate, problem{codeBadCandidate, "The candidate cannot be understood or is one too many."}},
	{sfu.ErrRoomFull, problem{codeRoomFull, "The room is full."}},
	{sfu.ErrOverloaded, problem{codeUnavailable, "The server has more calls than it can carry. Try again in a moment."}},
}

// Reasons of `bye` and `left`. call has those that the log writes by itself: ended, left, minutes_exhausted, time_limit.
const (
	reasonLeft       = call.ReasonLeft
	reasonEnded      = call.ReasonEnded
	reasonMinutes    = call.ReasonMinutes
	reasonLimit      = call.ReasonLimit
	reasonDenied     = "denied"
	reasonRemoved    = "removed"
	reasonReplaced   = "replaced"
	reasonLost       = "lost"
	reasonRevoked    = "revoked"
	reasonExpired    = "expired"
	reasonCancelled  = "cancelled"
	reasonViolation  = "violation"
	reasonServerStop = "server_closing"
	reasonNoConsent  = call.ReasonNoConsent
)

// farewells are the words of `bye` for people.
var farewells = map[string]string{
	reasonLeft:       "You have left the call.",
	reasonEnded:      "The call was ended.",
	reasonMinutes:    "The minutes for this month are used up.",
	reasonLimit:      "The time for this call is used up.",
	reasonDenied:     "You were not let in.",
	reasonRemoved:    "You were taken out of the call.",
	reasonReplaced:   "The call goes on in another window or on another device.",
	reasonLost:       "The connection was lost.",
	reasonRevoked:    "The access link was withdrawn.",
	reasonExpired:    "The access link has expired.",
	reasonCancelled:  "The conference was cancelled.",
	reasonViolation:  "This app broke a limit of the server.",
	reasonServerStop: "The server is restarting.",
	reasonNoConsent:  "This call takes place only with everybody's consent to be recorded.",
}

// overReason is the word for how the conference ended.
func overReason(c call.Conference) string {
	switch {
	case c.State == call.StateCancelled:
		return reasonCancelled
	case c.FinishReason == reasonMinutes, c.FinishReason == reasonLimit, c.FinishReason == reasonLeft:
		return c.FinishReason
	}
	return reasonEnded
}
