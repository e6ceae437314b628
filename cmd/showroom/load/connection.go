package load

import (
	"fmt"
	"net"
	"net/url"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
)

// newConnection makes a PeerConnection that negotiates as a browser does: Opus, VP8 with RTX, NACK, PLI, transport-cc and
// REMB. It has none of Pion's interceptors: this package sends the reports and takes them, for less.
func (p *peer) newConnection(local net.IP) (*webrtc.PeerConnection, error) {
	media, err := mediaEngine()
	if err != nil {
		return nil, err
	}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	quiet.ScopeLevels = nil // what PIONS_LOG_… says is about the server
	e := webrtc.SettingEngine{LoggerFactory: quiet, BufferFactory: p.tap}
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetIncludeLoopbackCandidate(true)
	e.SetIPFilter(local.Equal) // one candidate, the one that gets there
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	e.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM) // what a server should choose, and all figures are of it
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(&interceptor.Registry{}), webrtc.WithSettingEngine(e))
	pc, err := api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	if err != nil {
		return nil, fmt.Errorf("new connection: %w", err)
	}
	return pc, nil
}

func mediaEngine() (*webrtc.MediaEngine, error) {
	opus := webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: "transport-cc"}},
	}
	vp8 := webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: []webrtc.RTCPFeedback{
			{Type: "goog-remb"}, {Type: "transport-cc"}, {Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"},
		},
	}
	rtx := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96"}
	m := &webrtc.MediaEngine{}
	for _, c := range []struct {
		webrtc.RTPCodecCapability
		number webrtc.PayloadType
		kind   webrtc.RTPCodecType
	}{{opus, 111, webrtc.RTPCodecTypeAudio}, {vp8, 96, webrtc.RTPCodecTypeVideo}, {rtx, payloadRTX, webrtc.RTPCodecTypeVideo}} {
		if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: c.RTPCodecCapability, PayloadType: c.number}, c.kind); err != nil {
			return nil, fmt.Errorf("register %s: %w", c.MimeType, err)
		}
	}
	for _, uri := range []string{uriMID, uriSendTime, uriTransportCC} {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind); err != nil {
				return nil, fmt.Errorf("register %s: %w", uri, err)
			}
		}
	}
	return m, nil
}

// localAddress is this machine's address on the way to the server. Nothing is sent to find out.
func localAddress(address string) (net.IP, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("URL %q: %w", address, err)
	}
	host := net.JoinHostPort(u.Hostname(), "9")
	conn, err := net.Dial("udp4", host) // a name may have addresses of both kinds, and localhost does
	if err != nil {
		conn, err = net.Dial("udp", host)
	}
	if err != nil {
		return nil, fmt.Errorf("find the way to %s: %w", u.Hostname(), err)
	}
	defer conn.Close()
	udp, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil, fmt.Errorf("find the way to %s: no UDP address but %v", u.Hostname(), conn.LocalAddr())
	}
	if udp.IP.Equal(net.IPv6loopback) { // Pion makes no candidate of ::1, at neither end
		return net.IPv4(127, 0, 0, 1), nil
	}
	return udp.IP, nil
}

// addSections adds what the peer offers: a publisher what it may send, in the protocol's order, each also a slot; a viewer
// two sections to receive on.
func (p *peer) addSections() error {
	if !p.publishes {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			init := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
			if _, err := p.pc.AddTransceiverFromKind(kind, init); err != nil {
				return fmt.Errorf("add section: %w", err)
			}
		}
		return nil
	}
	p.mic = newOutbound("mic", webrtc.RTPCodecTypeAudio, 48000, &p.transport)
	p.camera = newOutbound("camera", webrtc.RTPCodecTypeVideo, 90000, &p.transport)
	for _, o := range []*outbound{p.mic, p.camera} {
		init := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv}
		if _, err := p.pc.AddTransceiverFromTrack(o, init); err != nil {
			return fmt.Errorf("add section: %w", err)
		}
	}
	return nil
}
