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

// request is a request whose sender was let in. What a seller's key may ask must go through its store.
type request struct {
	*http.Request
	subject subject
	body    []byte // of POST and PATCH
	now     time.Time
	store   Store // all of it, or what the key of a seller may see
}

// reply is a handler's answer. A nil body is no body; stream writes a whole answer by itself.
type reply struct {
	status int
	body   any
	etag   string
	cookie *http.Cookie
	stream func(http.ResponseWriter)
}

func ok(body any) (reply, error)      { return reply{status: http.StatusOK, body: body}, nil }
func created(body any) (reply, error) { return reply{status: http.StatusCreated, body: body}, nil }

func (a *api) routes() []route {
	return []route{
		{"GET", "/me", byAnyKey, a.me},
		{"GET", "/storage", byKey, a.readStorage},

		{"POST", "/keys", byOperatorKey, a.createKey},
		{"GET", "/keys", byOperatorKey, a.listKeys},
		{"GET", "/keys/{key}", byOperatorKey, a.readKey},
		{"PATCH", "/keys/{key}", byOperatorKey, a.changeKey},
		{"POST", "/keys/{key}/rotate", byOperatorKey, a.rotateKey},
		{"DELETE", "/keys/{key}", byOperatorKey, a.revokeKey},

		{"POST", "/session", byAnyone, a.signIn},
		{"DELETE", "/session", bySession, a.signOut},
		{"POST", "/me/password", bySession, a.changePassword},
		{"GET", "/me/sessions", bySession, a.listSessions},
		{"DELETE", "/me/sessions/{session}", bySession, a.endSession},
		{"GET", "/password-link", byPasswordLink, a.readPasswordLink},
		{"POST", "/password-link", byPasswordLink, a.usePasswordLink},

		{"POST", "/users", byOperatorKey, a.createUser},
		{"GET", "/users", byOperatorKey, a.listUsers},
		{"GET", "/users/{user}", byOperatorKey, a.readUser},
		{"PATCH", "/users/{user}", byOperatorKey, a.changeUser},
		{"POST", "/users/{user}/password-link", byOperatorKey, a.inviteUser},
		{"GET", "/users/{user}/sessions", byOperatorKey, a.listSessions},
		{"DELETE", "/users/{user}/sessions", byOperatorKey, a.endAllSessions},
		{"DELETE", "/users/{user}/sessions/{session}", byOperatorKey, a.endSession},

		{"POST", "/sellers", byKey, a.createSeller},
		{"GET", "/sellers", byAnyKey, a.listSellers},
		{"GET", "/sellers/{id}", byAnyKey, a.readSeller},
		{"PATCH", "/sellers/{id}", byKey, a.changeSeller},
		{"GET", "/sellers/{id}/usage", byAnyKey, a.readUsage},
		{"GET", "/sellers/{id}/usage/months", byAnyKey, a.listMonths},
		{"GET", "/sellers/{id}/usage/calls", byAnyKey, a.listUsage},
		{"GET", "/sellers/{id}/usage/settings", byAnyKey, a.listSettings},
		{"GET", "/sellers/{id}/usage.csv", byAnyKey, a.exportUsage},

		{"POST", "/buyers", byAnyKey, a.createBuyer},
		{"GET", "/buyers", byKey, a.listBuyers},
		{"GET", "/buyers/{id}", byAnyKey, a.readBuyer},
		{"PATCH", "/buyers/{id}", byAnyKey, a.changeBuyer},
		{"POST", "/buyers/{id}/export", byKey, a.exportBuyer},
		{"POST", "/buyers/{id}/erase", byKey, a.eraseBuyer},

		{"GET", "/push", byAnyKey, a.readPush},
		{"POST", "/sellers/{id}/devices", byAnyKey, a.registerDevice("sell_")},
		{"GET", "/sellers/{id}/devices", byAnyKey, a.listDevices("sell_")},
		{"DELETE", "/sellers/{id}/devices/{device}", byAnyKey, a.removeDevice("sell_")},
		{"POST", "/buyers/{id}/devices", byAnyKey, a.registerDevice("buy_")},
		{"GET", "/buyers/{id}/devices", byAnyKey, a.listDevices("buy_")},
		{"DELETE", "/buyers/{id}/devices/{device}", byAnyKey, a.removeDevice("buy_")},

		{"GET", "/events", byAnyKey, a.listAllEvents},
		{"GET", "/messages", byAnyKey, a.listMessages},
		{"POST", "/conferences/{conference}/messages/{message}/resend", byAnyKey, a.resendMessage},
		{"POST", "/conferences/{conference}/messages/{message}/report", byAnyKey, a.reportMessage},

		{"POST", "/conferences", byAnyKey, a.createConference},
		{"GET", "/conferences", byAnyKey, a.listConferences},
		{"GET", "/conferences/{conference}", byAnyKey, a.readConference},
		{"GET", "/conferences/{conference}/events", byAnyKey, a.listEvents},
		{"PATCH", "/conferences/{conference}", byAnyKey, a.changeConference},
		{"POST", "/conferences/{conference}/no-show", byAnyKey, a.missConference},
		{"POST", "/conferences/{conference}/cancel", byAnyKey, a.cancelConference},
		{"POST", "/conferences/{conference}/end", byAnyKey, a.endConference},

		{"POST", "/conferences/{conference}/links", byAnyKey, a.createLink},
		{"GET", "/conferences/{conference}/links", byAnyKey, a.listLinks},
		{"DELETE", "/conferences/{conference}/links/{link}", byAnyKey, a.revokeLink},

		{"GET", "/conferences/{conference}/recording", byAnyKey, a.readRecording},
		{"DELETE", "/conferences/{conference}/recording", byKey, a.deleteRecording},
		{"GET", "/conferences/{conference}/recording/watch", byAnyKey, a.openWatch},
		{"POST", "/conferences/{conference}/recording/links", byAnyKey, a.createWatchLink},
		{"GET", "/conferences/{conference}/recording/links", byAnyKey, a.listWatchLinks},
		{"DELETE", "/conferences/{conference}/recording/links/{share}", byAnyKey, a.revokeWatchLink},
		{"GET", "/conferences/{conference}/recording/accesses", byAnyKey, a.listAccesses},
		{"POST", "/conferences/{conference}/recording/compose", byAnyKey, a.composeRecording},

		{"GET", "/recordings", byAnyKey, a.listRecordings},

		{"POST", "/webhooks", byKey, a.createWebhook},
		{"GET", "/webhooks", byKey, a.listWebhooks},
		{"GET", "/webhooks/{webhook}", byKey, a.readWebhook},
		{"PATCH", "/webhooks/{webhook}", byKey, a.changeWebhook},
		{"DELETE", "/webhooks/{webhook}", byKey, a.deleteWebhook},
		{"POST", "/webhooks/{webhook}/rotate", byKey, a.rotateWebhook},
		{"POST", "/webhooks/{webhook}/resume", byKey, a.resumeWebhook},
		{"POST", "/webhooks/{webhook}/redeliver", byKey, a.redeliverWebhook},
		{"POST", "/webhooks/{webhook}/test", byKey, a.testWebhook},
		{"GET", "/webhooks/{webhook}/deliveries", byKey, a.listDeliveries},

		{"GET", "/sandbox", byKey, a.inSandbox(a.readSandbox)},
		{"POST", "/sandbox/clock", byKey, a.inSandbox(a.advance)},
		{"POST", "/sandbox/buyers", byKey, a.inSandbox(a.createVisitor)},
		{"GET", "/sandbox/buyers/{buyer}", byKey, a.inSandbox(a.readVisitor)},
		{"DELETE", "/sandbox/buyers/{buyer}", byKey, a.inSandbox(a.dismissVisitor)},
		{"GET", "/sandbox/messages", byKey, a.inSandbox(a.listCaptured)},

		{"GET", "/invitation", byPass, a.readInvitation},
		{"POST", "/invitation/accept", byPass, a.acceptInvitation},
		{"POST", "/invitation/decline", byPass, a.declineInvitation},
		{"POST", "/invitation/devices", byPass, a.registerOwnDevice},
		{"GET", "/invitation/devices", byPass, a.listOwnDevices},
		{"DELETE", "/invitation/devices/{device}", byPass, a.removeOwnDevice},
		{"GET", "/watch", byWatchToken, a.readWatch},
		{"GET", "/recordings/{conference}/{file}", bySignature, a.readFile},
		{"GET", "/exports/{buyer}/{file}", bySignature, a.readExport},
	}
}
