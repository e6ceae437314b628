package call

import (
	"crypto/ecdh"
	"encoding/base64"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Platform is a push service as a device knows it.
type Platform string

// The platforms. An iPhone's app has two tokens, one for alerts and one for calls (PushKit), which are two devices here.
const (
	PlatformFCM      Platform = "fcm"
	PlatformAPNs     Platform = "apns"
	PlatformAPNsVoIP Platform = "apns_voip"
	PlatformWebPush  Platform = "webpush"
)

// Platforms are all of them.
var Platforms = []Platform{PlatformFCM, PlatformAPNs, PlatformAPNsVoIP, PlatformWebPush}

// Device is an app or a browser of a seller or a buyer that messages can be pushed to. It is no event and stands beside the log, as its address is a
// secret: who has it may send to the device.
type Device struct {
	ID       string   `json:"id"`
	Owner    string   `json:"owner"` // a seller's or a buyer's id
	Platform Platform `json:"platform"`
	Address
	Language string    `json:"language,omitempty"`
	App      string    `json:"app,omitempty"` // and its version, or the browser
	At       time.Time `json:"created_at"`
	SeenAt   time.Time `json:"seen_at"` // when it was last registered
}

// Address is how a push service knows a device.
type Address struct {
	Token   string `json:"token"`             // the service's token, or the URL of a web push subscription
	FID     bool   `json:"fid,omitempty"`     // the token is a Firebase installation id
	Sandbox bool   `json:"sandbox,omitempty"` // an app of Apple's development environment
	P256dh  []byte `json:"p256dh,omitempty"`  // web push: the browser's public key, 65 bytes (RFC 8291, section 3.1)
	Auth    []byte `json:"auth,omitempty"`    // web push: its secret, 16 bytes (section 3.2)
}

// LogValue keeps the address out of logs.
func (d Device) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", d.ID), slog.String("platform", string(d.Platform)))
}

// String keeps the address out of errors.
func (a Address) String() string { return "(an address that is not told)" }

// Limits of devices.
const (
	MaxDevices   = 20   // of one seller or buyer; the one that was not seen longest gives way to a new one
	maxPushToken = 4096 // bytes
	authSize     = 16   // bytes
)

// Check says what is wrong with a device as it was told; plain allows web push subscriptions at http addresses.
func (d Device) Check(plain bool) error {
	if !slices.Contains(Platforms, d.Platform) {
		return Invalid("platform", fmt.Sprintf("%.20q is not one of fcm, apns, apns_voip, webpush", string(d.Platform)))
	}
	if d.Language != "" {
		if err := checkLanguage(d.Language); err != nil {
			return err
		}
	}
	if err := checkShort("app", d.App); err != nil {
		return err
	}
	return d.checkAddress(plain)
}

var (
	fcmToken  = regexp.MustCompile(`^[0-9A-Za-z_:.-]{10,}$`)
	apnsToken = regexp.MustCompile(`^[0-9a-f]{64,200}$`) // hex of 32 bytes; Apple says not to count on that
)

func (d Device) checkAddress(plain bool) error {
	a := d.Address
	if d.Platform != PlatformWebPush && (len(a.P256dh) > 0 || len(a.Auth) > 0) {
		return Invalid("subscription", "only a device of the platform webpush has one")
	}
	if a.FID && d.Platform != PlatformFCM {
		return Invalid("fid", "only a device of the platform fcm has one")
	}
	if a.Sandbox && d.Platform != PlatformAPNs && d.Platform != PlatformAPNsVoIP {
		return Invalid("sandbox", "only apns and apns_voip have one")
	}
	switch d.Platform {
	case PlatformFCM:
		if !fcmToken.MatchString(a.Token) || len(a.Token) > maxPushToken {
			return Invalid("token", "not a token of Firebase Cloud Messaging")
		}
	case PlatformAPNs, PlatformAPNsVoIP:
		if len(a.Token)%2 != 0 || !apnsToken.MatchString(a.Token) {
			return Invalid("token", "not a device token of Apple's, which is written in hex digits")
		}
	default:
		return a.checkSubscription(plain)
	}
	return nil
}

func (a Address) checkSubscription(plain bool) error {
	if err := checkURL(a.Token, plain); err != nil {
		return Invalid("subscription", "its endpoint is not the https address of a push service")
	}
	if _, err := ecdh.P256().NewPublicKey(a.P256dh); err != nil {
		return Invalid("subscription", "keys.p256dh is not an uncompressed point of P-256 in base64url")
	}
	if len(a.Auth) != authSize {
		return Invalid("subscription", "keys.auth is not 16 bytes in base64url")
	}
	return nil
}

// SubscriptionKey reads a key of a web push subscription: base64 of either alphabet, padded or not; nil if it is none.
func SubscriptionKey(text string) []byte {
	text = strings.NewReplacer("+", "-", "/", "_", "=", "", "\r", "*", "\n", "*").Replace(text) // base64 skips line ends
	key, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil
	}
	return key
}

// Why a device is removed.
const (
	RemovedByRequest = "requested"
	RemovedAsDead    = "gone"     // its push service says so
	RemovedAsMoved   = "moved"    // somebody else uses it now
	RemovedAsOldest  = "too_many" // of its owner's devices
)

// DeviceRegistered says that messages can be pushed to a device from now on, or that its language or app are others now.
type DeviceRegistered struct {
	Device   string   `json:"device"`
	Platform Platform `json:"platform"`
	Language string   `json:"language,omitempty"`
	App      string   `json:"app,omitempty"`
}

// DeviceRemoved says that nothing is pushed to a device any more.
type DeviceRemoved struct {
	Device   string   `json:"device"`
	Platform Platform `json:"platform"`
	Reason   string   `json:"reason"`
}

// Type is the word the log has for it.
func (DeviceRegistered) Type() string { return "device.registered" }

// Type is the word the log has for it.
func (DeviceRemoved) Type() string { return "device.removed" }

func (b DeviceRegistered) anonymous() Body {
	return DeviceRegistered{Device: b.Device, Platform: b.Platform}
}

func init() {
	register[DeviceRegistered]()
	register[DeviceRemoved]()
}

// Register is a device as it is after a registration, and what the log says of it: nothing when only the time is new. old is the device of that
// address that the owner has already, or none.
func (d Device) Register(old Device, actor string, now time.Time) (Device, []Event) {
	d.At, d.SeenAt = now, now
	if old.ID != "" {
		d.ID, d.At = old.ID, old.At
		if d.Language == old.Language && d.App == old.App && d.Platform == old.Platform {
			return d, nil
		}
	}
	return d, []Event{{Stream: d.Owner, At: now, Actor: actor, Body: DeviceRegistered{Device: d.ID, Platform: d.Platform, Language: d.Language, App: d.App}}}
}

// Removed is what the log says when the device is removed.
func (d Device) Removed(actor, reason string, now time.Time) Event {
	return Event{Stream: d.Owner, At: now, Actor: actor, Body: DeviceRemoved{Device: d.ID, Platform: d.Platform, Reason: reason}}
}
