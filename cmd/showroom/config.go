package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v4"

	"showroom/signaling"
	"showroom/signaling/notify"
)

// Config is everything one can set: by flag, by environment (SHOWROOM_ and the flag's name) or in the file given with --config,
// each by the same word. The flag wins over the environment, the environment over the file.
type Config struct {
	Listen    string `default:":8080" help:"Address of pages, API and signaling."`
	PublicURL string `help:"How people reach it, such as https://calls.example.com. Default: http://localhost and the port of --listen." placeholder:"URL"`
	Data      string `default:"data" help:"Folder for the database, the recordings and the spool." type:"path"`
	TLSCert   string `help:"Certificate file (PEM). Browsers give camera and microphone only to https pages and to localhost." type:"path" placeholder:"FILE"`
	TLSKey    string `help:"Key file (PEM) of --tls-cert." type:"path" placeholder:"FILE"`

	MediaUDP       string   `default:":7788" help:"Address of the UDP port for media. Further engines use the ports above it."`
	MediaEngines   int      `help:"How many UDP ports, each with a core of its own for the media of its calls. Default: one for every two cores." placeholder:"N"`
	MediaTCP       string   `default:":7788" help:"Address of the one TCP port for media where UDP is blocked; 'off' for none."`
	MediaAddresses []string `help:"Public IP addresses to announce besides this machine's own, for a server behind NAT." placeholder:"IP"`
	ICEServers     []string `help:"STUN or TURN addresses that clients are told, such as stun:stun.example.com:3478." placeholder:"URL"`
	Origins        []string `help:"Origins of other sites whose pages may use signaling and API and show calls and recordings in a frame, such as https://crm.example.com." placeholder:"ORIGIN"`

	ClientHeader string `help:"Header in which your reverse proxy says who the client is, such as X-Forwarded-For. Only behind a proxy that sets it." placeholder:"HEADER"`

	Sandbox bool `help:"For trying out: the clock can be set forward by API, a buyer who is no person comes when called, messages are kept instead of sent. The data folder is a sandbox's for ever."`

	WebhookNetworks []string `help:"Networks of your own that webhooks may call, also by http, such as 10.1.0.0/16. Others must be public and https." placeholder:"CIDR"`

	SMTP SMTP `embed:"" prefix:"smtp-"`

	Push Push `embed:""`

	Reminders        []time.Duration `default:"1h,10m" help:"How long before the start buyer and seller are reminded, unless the seller has other times; 0 for not at all."`
	WaitingAgain     time.Duration   `default:"2m" help:"When the buyer waits and the seller was told: after how long to tell the seller again; 0 for not at all."`
	WaitingColleague time.Duration   `default:"5m" help:"How long a buyer waits before the seller's colleague is told; 0 for not at all."`

	S3 S3 `embed:"" prefix:"s3-"`

	Compose Compose `embed:"" prefix:"compose-"`

	Participants int           `default:"64" help:"How many may be in one conference, those at the door included."`
	ResumeWindow time.Duration `default:"30s" help:"How long a participant with a broken socket keeps their place."`
	EmptyTimeout time.Duration `default:"30s" help:"How long after everybody left a call is finished."`
	NoShowAfter  time.Duration `default:"15m" help:"How long after its planned end a conference that did not take place is closed as a no-show."`
	DrainTimeout time.Duration `default:"1h" help:"How long calls may go on after the first SIGTERM; a second ends them at once."`

	DebugListen string `help:"Address at which /metrics and profiles (/debug/pprof/) are open to whoever reaches it, such as 127.0.0.1:6060. Default: none; /metrics is also at --listen, with an API key." placeholder:"ADDRESS"`

	LogLevel  string `default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error."`
	LogFormat string `default:"text" enum:"text,json" help:"text or json."`
}

// S3 says where recordings are kept, if not in the data folder.
type S3 struct {
	Endpoint      string `help:"Host and port of an S3 service for recordings. Default: the folder of --data." placeholder:"HOST"`
	Bucket        string `default:"showroom" help:"Bucket; it is made if it is not there."`
	Region        string `default:"us-east-1" help:"Region of the bucket."`
	Prefix        string `help:"What object names begin with." placeholder:"PREFIX"`
	AccessKey     string `help:"Access key." placeholder:"KEY"`
	SecretKey     string `help:"Secret key. Better: --s3-secret-key-file." placeholder:"SECRET"`
	SecretKeyFile string `help:"File with the secret key." type:"path" placeholder:"FILE"`
	Plain         bool   `help:"Speak http to the S3 service, not https."`
}

// SMTP says which mail server takes messages to people, if any.
type SMTP struct {
	Host         string `help:"Mail server that takes messages to buyers and sellers. Default: none; messages are in the console's outbox." placeholder:"HOST"`
	Port         int    `default:"587" help:"Its port."`
	Security     string `default:"starttls" enum:"starttls,tls,none" help:"starttls (port 587), tls (port 465), or none."`
	User         string `help:"User name." placeholder:"NAME"`
	Password     string `help:"Password. Better: --smtp-password-file." placeholder:"SECRET"`
	PasswordFile string `help:"File with the password." type:"path" placeholder:"FILE"`
	From         string `help:"Whom mail comes from, such as 'Showroom <calls@cars.example>'." placeholder:"ADDRESS"`
}

// Compose says what is made of a recording after the call, where there is ffmpeg.
type Compose struct {
	Layout string `default:"side" enum:"side,pip,off" help:"One file of each recording after the call: everybody side by side, the others small in a corner (pip), or off."`
	MP4    bool   `name:"mp4" help:"An MP4 as well, for Safari and iPhones before iOS 17.4."`
	Jobs   int    `default:"1" help:"How many recordings are composed at once."`
	FFmpeg string `name:"ffmpeg" default:"ffmpeg" help:"The ffmpeg to use." placeholder:"FILE"`
	Font   string `help:"TrueType font for names. Default: one of the usual places." type:"path" placeholder:"FILE"`
}

const maxComposeJobs = 64

// AfterApply checks what kong cannot, and fills in what follows from the rest.
func (c *Config) AfterApply() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	if c.S3.SecretKeyFile != "" {
		secret, err := os.ReadFile(c.S3.SecretKeyFile)
		if err != nil {
			return fmt.Errorf("--s3-secret-key-file: %w", err)
		}
		c.S3.SecretKey = strings.TrimSpace(string(secret))
	}
	if c.S3.Endpoint != "" && (c.S3.AccessKey == "" || c.S3.SecretKey == "") {
		return errors.New("--s3-endpoint needs --s3-access-key and --s3-secret-key-file")
	}
	if c.SMTP.PasswordFile != "" {
		secret, err := os.ReadFile(c.SMTP.PasswordFile)
		if err != nil {
			return fmt.Errorf("--smtp-password-file: %w", err)
		}
		c.SMTP.Password = strings.TrimSpace(string(secret))
	}
	if err := c.checkMessages(); err != nil {
		return err
	}
	if err := c.Push.check(); err != nil {
		return err
	}
	if c.MediaTCP == "off" {
		c.MediaTCP = ""
	}
	for _, a := range []struct{ flag, address string }{{"--listen", c.Listen}, {"--media-udp", c.MediaUDP}, {"--media-tcp", c.MediaTCP}} {
		if _, _, err := net.SplitHostPort(a.address); err != nil && (a.address != "" || a.flag != "--media-tcp") {
			return fmt.Errorf("%s: %q is not an address with a port, such as :8080 or 127.0.0.1:8080", a.flag, a.address)
		}
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("--public-url %q is not like https://calls.example.com", c.PublicURL)
		}
		c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	}
	if c.MediaEngines < 0 || c.MediaEngines > 64 {
		return fmt.Errorf("--media-engines %d: 1 to 64, or 0 for one for every two cores", c.MediaEngines)
	}
	if c.Compose.Jobs < 1 || c.Compose.Jobs > maxComposeJobs {
		return fmt.Errorf("--compose-jobs %d is not between 1 and %d", c.Compose.Jobs, maxComposeJobs)
	}
	if c.NoShowAfter < 0 {
		return fmt.Errorf("--no-show-after %s is before the planned end", c.NoShowAfter)
	}
	if c.Participants < 2 {
		return fmt.Errorf("--participants %d: a call needs two", c.Participants)
	}
	if err := signaling.CheckOrigins(c.Origins); err != nil {
		return fmt.Errorf("--origins: %w", err)
	}
	if _, err := notify.NewGuard(c.WebhookNetworks); err != nil {
		return fmt.Errorf("--webhook-networks: %w", err)
	}
	for _, address := range c.MediaAddresses {
		if net.ParseIP(address) == nil {
			return fmt.Errorf("--media-addresses: %q is not an IP address", address)
		}
	}
	return nil
}

// engines is how many media sockets there are.
func (c *Config) engines() int {
	if c.MediaEngines > 0 {
		return c.MediaEngines
	}
	return max(1, runtime.GOMAXPROCS(0)/2)
}

// publicURL is how people reach the server that listens on addr.
func (c *Config) publicURL(addr net.Addr) string {
	if c.PublicURL != "" {
		return c.PublicURL
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	_, port, _ := net.SplitHostPort(addr.String())
	return scheme + "://" + net.JoinHostPort("localhost", port)
}

// readFile is a kong loader: a YAML file whose keys are the long flags' names.
func readFile(r io.Reader) (kong.Resolver, error) {
	name := "configuration file"
	if f, ok := r.(interface{ Name() string }); ok { // kong opens it
		name = f.Name()
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	if err := yaml.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("%s is not YAML of names and values: %w", name, err)
	}
	return &file{name, values}, nil
}

// file gives kong the values of a configuration file.
type file struct {
	name   string
	values map[string]any
}

// Validate refuses words that are no flag: a typo must not pass as a default.
func (f *file) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, command := range app.Leaves(false) {
		for _, flag := range command.Flags {
			known[flag.Name] = true
		}
	}
	for _, word := range slices.Sorted(maps.Keys(f.values)) {
		if !known[word] {
			return fmt.Errorf("%s: %q is no setting; `showroom serve -help` lists them", f.name, word)
		}
	}
	return nil
}

// Resolve answers kong's question for one flag.
func (f *file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := f.values[flag.Name]
	if !ok {
		return nil, nil
	}
	if list, ok := value.([]any); ok {
		words := make([]string, len(list))
		for i, item := range list {
			words[i] = fmt.Sprint(item)
		}
		return strings.Join(words, ","), nil
	}
	return fmt.Sprint(value), nil
}
