package rest

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"showroom/call"
)

// device is a device as the API shows it: without its address, which is a secret of whoever has the device.
type device struct {
	ID        string        `json:"id"`
	Platform  call.Platform `json:"platform"`
	Sandbox   bool          `json:"sandbox,omitempty"`
	Language  string        `json:"language,omitempty"`
	App       string        `json:"app,omitempty"`
	CreatedAt time.Time     `json:"created_at"`
	SeenAt    time.Time     `json:"seen_at"`
}

func showDevice(d call.Device) device {
	return device{ID: d.ID, Platform: d.Platform, Sandbox: d.Sandbox, Language: d.Language, App: d.App, CreatedAt: d.At, SeenAt: d.SeenAt}
}

// subscription is one of Web Push as browsers write it (Push API, PushSubscriptionJSON).
type subscription struct {
	Endpoint       string   `json:"endpoint"`
	ExpirationTime *float64 `json:"expirationTime"` // ms; of no use to us: the push service says when it is over
	Keys           struct {
		P256dh string `json:"p256dh"`
		Auth   string `json:"auth"`
	} `json:"keys"`
}

type deviceInput struct {
	Platform     call.Platform `json:"platform"`
	Token        string        `json:"token"`
	FID          string        `json:"fid"`
	Subscription *subscription `json:"subscription"`
	Sandbox      bool          `json:"sandbox"`
	Language     string        `json:"language"`
	App          string        `json:"app"`
}

// device is what the input says, of nobody yet.
func (in deviceInput) device() (call.Device, error) {
	d := call.Device{Platform: in.Platform, Language: in.Language, App: strings.TrimSpace(in.App)}
	d.Token, d.Sandbox = in.Token, in.Sandbox
	switch {
	case in.Platform == call.PlatformWebPush && in.Subscription == nil:
		return d, call.Invalid("subscription", "a browser's subscription is needed: what PushSubscription.toJSON() gives")
	case in.Subscription != nil && (in.Token != "" || in.FID != ""):
		return d, call.Invalid("subscription", "give this, or token, or fid")
	case in.Token != "" && in.FID != "":
		return d, call.Invalid("fid", "give token or fid, not both")
	case in.FID != "":
		d.Token, d.FID = in.FID, true
	case in.Subscription != nil:
		d.Token = in.Subscription.Endpoint
		d.P256dh, d.Auth = call.SubscriptionKey(in.Subscription.Keys.P256dh), call.SubscriptionKey(in.Subscription.Keys.Auth)
	case in.Platform == call.PlatformAPNs || in.Platform == call.PlatformAPNsVoIP:
		d.Token = strings.ToLower(in.Token)
	}
	return d, nil
}

// keepDevice registers what the body says for an owner.
func (a *api) keepDevice(r *request, owner, actor string) (reply, error) {
	var in deviceInput
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	d, err := in.device()
	if err != nil {
		return reply{}, err
	}
	if err := d.Check(a.PlainWebhooks); err != nil {
		return reply{}, err
	}
	if !slices.Contains(a.Platforms, d.Platform) {
		return reply{}, call.Invalid("platform", string(d.Platform)+" is not set up on this server")
	}
	d.Owner = owner
	kept, made, err := r.store.RegisterDevice(r.Context(), actor, d)
	if err != nil {
		return reply{}, err
	}
	if !made {
		return ok(showDevice(kept))
	}
	return created(showDevice(kept))
}

// registerDevice is for a seller or a buyer, as the prefix of ids says.
func (a *api) registerDevice(prefix string) func(*request) (reply, error) {
	return func(r *request) (reply, error) {
		owner, err := r.pathID("id", prefix)
		if err != nil {
			return reply{}, err
		}
		return a.keepDevice(r, owner, r.subject.actor())
	}
}

func (a *api) listDevices(prefix string) func(*request) (reply, error) {
	return func(r *request) (reply, error) {
		owner, err := r.pathID("id", prefix)
		if err != nil {
			return reply{}, err
		}
		all, err := r.store.Devices(r.Context(), owner)
		if err != nil {
			return reply{}, err
		}
		return ok(page(all, "", showDevice))
	}
}

func (a *api) removeDevice(prefix string) func(*request) (reply, error) {
	return func(r *request) (reply, error) {
		owner, err := r.pathID("id", prefix)
		if err != nil {
			return reply{}, err
		}
		return a.dropDevice(r, owner, r.subject.actor())
	}
}

func (a *api) dropDevice(r *request, owner, actor string) (reply, error) {
	id, err := r.pathID("device", "dev_")
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, r.store.RemoveDevice(r.Context(), owner, id, actor)
}

// invitedBuyer is the buyer whose link the request has, and the participant that the link makes of them.
func (a *api) invitedBuyer(r *request) (buyer, participant string, err error) {
	c, err := a.Store.Case(r.Context(), r.subject.conference)
	if err != nil {
		return "", "", linkProblem(err)
	}
	l, err := c.Conference.CheckLink(r.subject.pass.Link, r.now)
	if err != nil {
		return "", "", linkProblem(err)
	}
	if l.Role != call.RoleBuyer {
		return "", "", fail(codeForbidden, "only the buyer's link can do this")
	}
	return c.Buyer.ID, l.Participant, nil
}

func (a *api) registerOwnDevice(r *request) (reply, error) {
	buyer, participant, err := a.invitedBuyer(r)
	if err != nil {
		return reply{}, err
	}
	return a.keepDevice(r, buyer, participant)
}

func (a *api) listOwnDevices(r *request) (reply, error) {
	buyer, _, err := a.invitedBuyer(r)
	if err != nil {
		return reply{}, err
	}
	all, err := r.store.Devices(r.Context(), buyer)
	if err != nil {
		return reply{}, err
	}
	return ok(page(all, "", showDevice))
}

func (a *api) removeOwnDevice(r *request) (reply, error) {
	buyer, participant, err := a.invitedBuyer(r)
	if err != nil {
		return reply{}, err
	}
	return a.dropDevice(r, buyer, participant)
}

// readPush is what an app or a page needs to know before it registers.
func (a *api) readPush(*request) (reply, error) {
	return ok(struct {
		Platforms  []call.Platform `json:"platforms"`
		WebPushKey string          `json:"webpush_key,omitempty"`
	}{append([]call.Platform{}, a.Platforms...), a.WebPushKey})
}
