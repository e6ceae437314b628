package rest

import (
	"net/http"
	"time"
)

// route is one line of the API: who may ask, and what answers.
type route struct {
	method, path string
	access       access
	handle       func(*request) (reply, error)
}

func (rt route) pattern() string { return rt.method + " " + base + rt.path }

// request is a request whose sender was let in.
type request struct {
	*http.Request
	subject subject
	body    []byte // of POST and PATCH
	now     time.Time
}

// reply is a handler's answer. A nil body is no body; stream writes a whole answer by itself.
type reply struct {
	status int
	body   any
	stream func(http.ResponseWriter)
}

func ok(body any) (reply, error)      { return reply{status: http.StatusOK, body: body}, nil }
func created(body any) (reply, error) { return reply{status: http.StatusCreated, body: body}, nil }

func (a *api) routes() []route {
	return []route{
		{"GET", "/me", byKey, a.me},

		{"POST", "/sellers", byKey, a.createSeller},
		{"GET", "/sellers", byKey, a.listSellers},
		{"GET", "/sellers/{id}", byKey, a.readSeller},
		{"PATCH", "/sellers/{id}", byKey, a.changeSeller},
		{"GET", "/sellers/{id}/usage", byKey, a.readUsage},

		{"POST", "/buyers", byKey, a.createBuyer},
		{"GET", "/buyers", byKey, a.listBuyers},
		{"GET", "/buyers/{id}", byKey, a.readBuyer},

		{"POST", "/conferences", byKey, a.createConference},
		{"GET", "/conferences", byKey, a.listConferences},
		{"GET", "/conferences/{conference}", byKey, a.readConference},
		{"GET", "/conferences/{conference}/events", byKey, a.listEvents},
		{"POST", "/conferences/{conference}/cancel", byKey, a.cancelConference},
		{"POST", "/conferences/{conference}/end", byKey, a.endConference},

		{"POST", "/conferences/{conference}/links", byKey, a.createLink},
		{"GET", "/conferences/{conference}/links", byKey, a.listLinks},
		{"DELETE", "/conferences/{conference}/links/{link}", byKey, a.revokeLink},

		{"GET", "/conferences/{conference}/recording", byKey, a.readRecording},
		{"POST", "/conferences/{conference}/recording/links", byKey, a.createWatchLink},

		{"GET", "/invitation", byPass, a.readInvitation},
		{"POST", "/invitation/accept", byPass, a.acceptInvitation},
		{"GET", "/watch", byWatchToken, a.readWatch},
		{"GET", "/recordings/{conference}/{file}", bySignature, a.readFile},
	}
}
