package signaling

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"showroom/call"
)

// Version range of the protocol that this server speaks.
const (
	minProtocol = 1
	maxProtocol = 1
)

// header opens every message of the server.
type header struct {
	Type string    `json:"type"`
	ID   requestID `json:"id,omitempty"`
}

func reply(kind string, id requestID) header { return header{Type: kind, ID: id} }
func event(kind string) header               { return header{Type: kind} }

// What participants' states are called.
const (
	stateKnocking     = "knocking"
	statePresent      = "present"
	stateReconnecting = "reconnecting"
)

type participantView struct {
	ID     string    `json:"id"`
	Role   call.Role `json:"role"`
	Name   string    `json:"name"`
	State  string    `json:"state"`
	Audio  bool      `json:"audio"`
	Video  bool      `json:"video"`
	Screen bool      `json:"screen"`
}

type nameView struct {
	Name string `json:"name"`
}

type conferenceView struct {
	ID             string              `json:"id"`
	Subject        string              `json:"subject"`
	StartsAt       time.Time           `json:"starts_at"`
	Minutes        int                 `json:"duration_minutes"`
	Language       string              `json:"language"`
	State          call.State          `json:"state"`
	Seller         nameView            `json:"seller"`
	Buyer          nameView            `json:"buyer"`
	Recording      call.Recording      `json:"recording"`
	WithoutConsent call.WithoutConsent `json:"without_consent"`
	OngoingSince   time.Time           `json:"ongoing_since,omitzero"`
	Now            time.Time           `json:"now"` // of this server, when it was said: a client's own clock may be wrong
}

func viewConference(c call.Case, now time.Time) conferenceView {
	return conferenceView{
		ID: c.Conference.ID, Subject: c.Conference.Subject, StartsAt: c.Conference.StartsAt.UTC(), Minutes: c.Conference.Seconds / 60,
		Language: c.Conference.Language, State: c.Conference.State, Seller: nameView{c.Seller.Name}, Buyer: nameView{c.Buyer.Name},
		Recording: c.Conference.Recording, WithoutConsent: c.Seller.WithoutConsent, OngoingSince: c.Conference.OngoingSince.UTC(), Now: now.UTC(),
	}
}

type minutesView struct {
	Remaining int        `json:"remaining_seconds"`
	Level     call.Level `json:"level"`
	Limit     call.Limit `json:"limit"` // whose level it is
}

// Recording states.
const (
	recordingOff    = "off"
	recordingOn     = "on"
	recordingFailed = "failed"
)

type recordingView struct {
	State        string   `json:"state"`
	Participants []string `json:"participants"`
	Message      string   `json:"message,omitempty"`
}

type slotView struct {
	MID         string `json:"mid"`
	Participant string `json:"participant"`
	Source      string `json:"source"`
	Kind        string `json:"kind"`
}

type protocolView struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// Messages of the server.
type (
	welcomeMessage struct {
		header
		You           participantView   `json:"you"`
		Participants  []participantView `json:"participants"`
		Conference    conferenceView    `json:"conference"`
		ICEServers    []ICEServer       `json:"ice_servers"`
		Minutes       *minutesView      `json:"minutes,omitempty"`
		Recording     recordingView     `json:"recording"`
		Chat          []json.RawMessage `json:"chat"`
		Resume        string            `json:"resume"`
		ResumeSeconds int               `json:"resume_seconds"`
		Resumed       bool              `json:"resumed"`
		Protocol      protocolView      `json:"protocol"`
	}
	// admittedMessage and joined carry the conference, too: its ongoing_since may have begun.
	admittedMessage struct {
		header
		Participants []participantView `json:"participants"`
		Conference   conferenceView    `json:"conference"`
		Recording    recordingView     `json:"recording"`
		Chat         []json.RawMessage `json:"chat"`
	}
	participantMessage struct {
		header
		Participant participantView `json:"participant"`
		Conference  *conferenceView `json:"conference,omitempty"`
	}
	goneMessage struct { // left, knock_gone
		header
		Participant string `json:"participant"`
		Reason      string `json:"reason,omitempty"`
	}
	answerMessage struct {
		header
		SDP string `json:"sdp"`
	}
	slotsMessage struct {
		header
		Slots []slotView `json:"slots"`
	}
	needSlotsMessage struct {
		header
		Audio int `json:"audio"`
		Video int `json:"video"`
	}
	minutesMessage struct {
		header
		minutesView
	}
	recordingMessage struct {
		header
		recordingView
	}
	qualityMessage struct {
		header
		Levels map[string]string `json:"levels"`
	}
	chatMessage struct {
		header
		N           int       `json:"n"`
		Participant string    `json:"participant"`
		Name        string    `json:"name"`
		Text        string    `json:"text"`
		At          time.Time `json:"at"`
	}
	byeMessage struct {
		header
		Reason  string `json:"reason"`
		Message string `json:"message"`
	}
	errorMessage struct {
		header
		Code    string `json:"code"`
		Message string `json:"message"`
	}
)

// encode writes a message of ours. Text stays as it is: pages show it as text, and six bytes for a < would spend the socket's queue.
func encode(message any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(message); err != nil {
		panic(fmt.Sprintf("encode %T: %v", message, err)) // only a bug: our messages hold nothing that cannot be encoded
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
