package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"showroom/call"
	"showroom/signaling/notify"
	"showroom/signaling/notify/push"
)

// Push says by which services messages are pushed to apps. Browsers need none.
type Push struct {
	Contact string `name:"push-contact" help:"Where the people of browsers' push services reach you: an e-mail address or an https address. Default: --public-url." placeholder:"ADDRESS"`

	FCMCredentials string `name:"fcm-credentials" help:"Key file (JSON) of a service account that may send by Firebase Cloud Messaging." type:"path" placeholder:"FILE"`
	FCMURL         string `name:"fcm-url" default:"https://fcm.googleapis.com" help:"Its address." hidden:""`

	APNsKey        string `name:"apns-key" help:"Key file (.p8) of Apple's push service." type:"path" placeholder:"FILE"`
	APNsKeyID      string `name:"apns-key-id" help:"Its id, ten characters." placeholder:"ID"`
	APNsTeam       string `name:"apns-team" help:"Your team's id at Apple, ten characters." placeholder:"ID"`
	APNsTopic      string `name:"apns-topic" help:"Bundle id of your iPhone app." placeholder:"ID"`
	APNsURL        string `name:"apns-url" default:"https://api.push.apple.com" help:"Its address." hidden:""`
	APNsSandboxURL string `name:"apns-sandbox-url" default:"https://api.sandbox.push.apple.com" help:"Its address for apps in development." hidden:""`
}

func (p *Push) check() error {
	if p.Contact != "" && !strings.HasPrefix(p.Contact, "https://") && !strings.Contains(p.Contact, "@") {
		return fmt.Errorf("--push-contact %q is neither an e-mail address nor an https address", p.Contact)
	}
	if given := p.APNsKeyID != "" || p.APNsTeam != "" || p.APNsTopic != ""; given != (p.APNsKey != "") || given && (p.APNsKeyID == "" || p.APNsTeam == "" || p.APNsTopic == "") {
		return errors.New("--apns-key, --apns-key-id, --apns-team and --apns-topic go together")
	}
	return nil
}

const pushTimeout = 15 * time.Second // of a request to Google

// openPush makes the channel to people's devices, and says which platforms can be reached and what browsers subscribe with.
func (a *app) openPush() (*notify.Push, error) {
	guard, err := notify.NewGuard(a.cfg.WebhookNetworks)
	if err != nil {
		return nil, err
	}
	seed, err := a.store.Secret(context.Background(), "webpush", 32)
	if err != nil {
		return nil, err
	}
	web := push.NewWeb(seed, a.pushContact(), guard.Client(), a.clock)
	a.webPushKey = web.PublicKey()
	services, err := a.pushServices(web)
	if err != nil {
		return nil, err
	}
	sender := push.NewSender(services, a.clock)
	for _, platform := range call.Platforms {
		if sender.Serves(platform) {
			a.platforms = append(a.platforms, platform)
		}
	}
	return notify.NewPush(a.store, sender.Send, a.log, a.clock), nil
}

// pushServices are those of the settings, and the browsers'. In a sandbox nothing is sent.
func (a *app) pushServices(web *push.Web) (map[call.Platform]push.Service, error) {
	services := map[call.Platform]push.Service{call.PlatformWebPush: web}
	if a.sandbox != nil {
		for _, platform := range call.Platforms {
			services[platform] = capturedPush{&a.sandbox.captured}
		}
		return services, nil
	}
	p := a.cfg.Push
	if p.FCMCredentials != "" {
		credentials, err := os.ReadFile(p.FCMCredentials)
		if err != nil {
			return nil, fmt.Errorf("--fcm-credentials: %w", err)
		}
		fcm, err := push.NewFCM(credentials, p.FCMURL, &http.Client{Timeout: pushTimeout}, a.clock)
		if err != nil {
			return nil, fmt.Errorf("--fcm-credentials: %w", err)
		}
		services[call.PlatformFCM] = fcm
	}
	if p.APNsKey != "" {
		key, err := os.ReadFile(p.APNsKey)
		if err != nil {
			return nil, fmt.Errorf("--apns-key: %w", err)
		}
		apns, err := push.NewAPNs(push.APNsConfig{Key: key, KeyID: p.APNsKeyID, Team: p.APNsTeam, Topic: p.APNsTopic, URL: p.APNsURL, SandboxURL: p.APNsSandboxURL}, push.HTTP2Client(nil), a.clock)
		if err != nil {
			return nil, fmt.Errorf("--apns-key: %w", err)
		}
		services[call.PlatformAPNs], services[call.PlatformAPNsVoIP] = apns, apns
	}
	return services, nil
}

// pushContact is how browsers' vendors reach the operator.
func (a *app) pushContact() string {
	switch {
	case a.cfg.Push.Contact != "":
		return a.cfg.Push.Contact
	case strings.HasPrefix(a.url, "https://"):
		return a.url
	}
	return "https://localhost" // a server on somebody's own machine
}
