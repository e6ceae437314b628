// Package sfutest is a client of the sfu for tests and tools: a Pion peer that offers the
// sections of the protocol, publishes synthetic media and hands out what it receives.
//
// A Client owns its readers and publishers; Close stops and awaits them.
package sfutest

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// Options of a client. The zero value sends and receives Opus and VP8 by UDP.
type Options struct {
	VideoCodec   string // MIME type of what the camera and the screen send; VP8 if empty
	Fmtp         string // its parameters
	Only         bool   // offer no other video codec
	NoScreen     bool   // offer no sections for a screen share
	Extra        int    // further recvonly pairs of audio and video
	TCP          bool   // connect by ICE-TCP only
	Interceptors *interceptor.Registry
	Settings     func(*webrtc.SettingEngine)

	Configuration webrtc.Configuration // ICE servers and what else a connection has
}

// Packet is one the client received.
type Packet struct {
	*rtp.Packet
	MID     string
	Arrived time.Time
}

// Client is a participant.
type Client struct {
	PC *webrtc.PeerConnection

	// What the client can send. They fill in SSRC and payload type.
	Mic, Camera, Screen, ScreenAudio *webrtc.TrackLocalStaticRTP

	Packets  chan Packet      // received media; when full the newest is dropped
	Reports  chan Report      // received sender reports, likewise
	Feedback chan rtcp.Packet // what the server says of our media, likewise

	options Options
	senders map[*webrtc.RTPTransceiver]string
	wg      sync.WaitGroup
	stop    chan struct{}
	once    sync.Once

	mu      sync.Mutex
	closing bool
}

// Report is a sender report and the section it belongs to.
type Report struct {
	*rtcp.SenderReport
	MID string
}

// New makes a client that has not connected yet.
func New(o Options) (*Client, error) {
	c := &Client{
		options: o, senders: map[*webrtc.RTPTransceiver]string{}, stop: make(chan struct{}),
		Packets: make(chan Packet, 1<<14), Reports: make(chan Report, 256), Feedback: make(chan rtcp.Packet, 1<<12),
	}
	api, err := o.api()
	if err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	if c.PC, err = api.NewPeerConnection(o.Configuration); err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	c.PC.OnTrack(c.receive)
	if err := c.addSections(); err != nil {
		_ = c.PC.Close()
		return nil, fmt.Errorf("new client: %w", err)
	}
	return c, nil
}

func (o Options) api() (*webrtc.API, error) {
	media := &webrtc.MediaEngine{}
	if err := o.register(media); err != nil {
		return nil, err
	}
	for _, uri := range []string{
		sdp.SDESMidURI, sdp.ABSSendTimeURI, sdp.TransportCCURI, sdp.AudioLevelURI,
		"http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
	} {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if err := media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind); err != nil {
				return nil, err
			}
		}
	}
	// Without a registry Pion installs interceptors whose sender reports are not of our clock.
	registry := o.Interceptors
	if registry == nil {
		registry = &interceptor.Registry{}
	}
	var settings webrtc.SettingEngine
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() && ip.To4() != nil })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	if o.TCP {
		settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	}
	if o.Settings != nil {
		o.Settings(&settings)
	}
	return webrtc.NewAPI(
		webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings)), nil
}

func (o Options) register(media *webrtc.MediaEngine) error {
	if !o.Only {
		return media.RegisterDefaultCodecs()
	}
	feedback := []webrtc.RTCPFeedback{{Type: "goog-remb"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}}
	for _, c := range []struct {
		kind webrtc.RTPCodecType
		pt   webrtc.PayloadType
		cap  webrtc.RTPCodecCapability
	}{
		{webrtc.RTPCodecTypeAudio, 111, opus},
		{webrtc.RTPCodecTypeVideo, 96, webrtc.RTPCodecCapability{MimeType: o.mime(), ClockRate: 90000, SDPFmtpLine: o.Fmtp, RTCPFeedback: feedback}},
		{webrtc.RTPCodecTypeVideo, 97, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96"}},
	} {
		if err := media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: c.cap, PayloadType: c.pt}, c.kind); err != nil {
			return err
		}
	}
	return nil
}

var opus = webrtc.RTPCodecCapability{
	MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
}

func (o Options) mime() string {
	if o.VideoCodec == "" {
		return webrtc.MimeTypeVP8
	}
	return o.VideoCodec
}

// addSections in the order the protocol asks for: microphone, camera, screen, screen audio.
func (c *Client) addSections() error {
	video := webrtc.RTPCodecCapability{MimeType: c.options.mime(), ClockRate: 90000, SDPFmtpLine: c.options.Fmtp}
	add := func(source string, codec webrtc.RTPCodecCapability) (*webrtc.TrackLocalStaticRTP, error) {
		track, err := webrtc.NewTrackLocalStaticRTP(codec, source, "client")
		if err != nil {
			return nil, err
		}
		t, err := c.PC.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv})
		if err != nil {
			return nil, err
		}
		c.senders[t] = source
		c.wg.Go(func() { c.readFeedback(t.Sender()) })
		return track, nil
	}
	var err error
	if c.Mic, err = add("mic", opus); err != nil {
		return err
	}
	if c.Camera, err = add("camera", video); err != nil {
		return err
	}
	if !c.options.NoScreen {
		if c.Screen, err = add("screen", video); err != nil {
			return err
		}
		if c.ScreenAudio, err = add("screen_audio", opus); err != nil {
			return err
		}
	}
	return c.AddSlots(c.options.Extra, c.options.Extra)
}

// AddSlots adds recvonly sections to the next offer.
func (c *Client) AddSlots(audio, video int) error {
	for i := range audio + video {
		kind := webrtc.RTPCodecTypeAudio
		if i >= audio {
			kind = webrtc.RTPCodecTypeVideo
		}
		init := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
		if _, err := c.PC.AddTransceiverFromKind(kind, init); err != nil {
			return fmt.Errorf("add slot: %w", err)
		}
	}
	return nil
}

// Offer makes the next offer, with all candidates, and says which section is which source.
func (c *Client) Offer(restart bool) (offer string, sources map[string]string, err error) {
	desc, err := c.PC.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	if err != nil {
		return "", nil, fmt.Errorf("create offer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(c.PC)
	if err := c.PC.SetLocalDescription(desc); err != nil {
		return "", nil, fmt.Errorf("set local description: %w", err)
	}
	<-gathered
	sources = map[string]string{}
	for t, source := range c.senders {
		sources[t.Mid()] = source
	}
	return c.PC.LocalDescription().SDP, sources, nil
}

// Answer takes the server's answer.
func (c *Client) Answer(answer string) error {
	if c.options.TCP { // the server's UDP candidates would win
		var kept []string
		for line := range strings.Lines(answer) {
			if !strings.HasPrefix(line, "a=candidate:") || strings.Contains(strings.ToLower(line), " tcp ") {
				kept = append(kept, line)
			}
		}
		answer = strings.Join(kept, "")
	}
	if err := c.PC.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("set remote description: %w", err)
	}
	return nil
}

func (c *Client) receive(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return
	}
	c.wg.Add(2)
	c.mu.Unlock()
	mid := receiver.RTPTransceiver().Mid()
	go func() {
		defer c.wg.Done()
		c.readReports(receiver, mid)
	}()
	defer c.wg.Done()
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		select {
		case c.Packets <- Packet{Packet: p, MID: mid, Arrived: time.Now()}:
		default:
		}
	}
}

func (c *Client) readReports(receiver *webrtc.RTPReceiver, mid string) {
	for {
		packets, _, err := receiver.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok {
				select {
				case c.Reports <- Report{sr, mid}:
				default:
				}
			}
		}
	}
}

func (c *Client) readFeedback(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			select {
			case c.Feedback <- p:
			default:
			}
		}
	}
}

// Close ends the connection and waits for the client's goroutines.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.once.Do(func() { close(c.stop) })
	err := c.PC.GracefulClose()
	c.wg.Wait()
	if err != nil {
		return fmt.Errorf("close client: %w", err)
	}
	return nil
}
