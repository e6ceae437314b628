package sfu

import (
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v4/packetio"
	"github.com/pion/webrtc/v4"
)

// newConnection makes a PeerConnection for SDP, ICE and DTLS. RTP and RTCP are ours: it has
// no interceptors, its SRTP sessions get nothing and must send nothing. The settings are the
// peer's own, since they carry its keys.
func (s *Server) newConnection(p *Peer) (*webrtc.PeerConnection, error) {
	media, err := newMediaEngine()
	if err != nil {
		return nil, err
	}
	k := &keys{}
	settings, err := s.settings(p, k)
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(
		webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(&interceptor.Registry{}), webrtc.WithSettingEngine(settings))
	pc, err := api.NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{s.certificate},
		BundlePolicy: webrtc.BundlePolicyMaxBundle,
	})
	if err != nil {
		return nil, err
	}
	dtls := pc.SCTP().Transport()
	dtls.ICETransport().OnSelectedCandidatePairChange(p.selected)
	dtls.OnStateChange(func(state webrtc.DTLSTransportState) { // with Pion's lock held
		if state != webrtc.DTLSTransportStateConnected {
			return
		}
		if err := p.secure(k); err != nil {
			p.log.Error("peer has no keys for its media", "err", err)
			p.violated("internal")
		}
	})
	return pc, nil
}

func (p *Peer) ice() *webrtc.ICETransport { return p.pc.SCTP().Transport().ICETransport() }

// selected sends to where ICE says, and takes media from there.
func (p *Peer) selected(pair *webrtc.ICECandidatePair) {
	ip, err := netip.ParseAddr(pair.Remote.Address)
	if err != nil {
		return
	}
	to := netip.AddrPortFrom(ip.Unmap(), pair.Remote.Port)
	if pair.Local.Protocol != webrtc.ICEProtocolTCP {
		p.engine.addresses.add(to, p)
		p.link.point(to, nil)
		return
	}
	if c := p.server.tcpConns.at(to); c != nil {
		c.peer.Store(p)
		p.link.point(netip.AddrPort{}, c)
	}
}

// vouched takes media from where a STUN request came that knows the password: before the
// client selects a pair it may send already.
func (p *Peer) vouched(_ *stun.Message, _, remote ice.Candidate, _ *ice.CandidatePair) bool {
	ip, err := netip.ParseAddr(remote.Address())
	if err != nil {
		return false
	}
	from := netip.AddrPortFrom(ip.Unmap(), uint16(remote.Port()))
	if !remote.NetworkType().IsTCP() {
		p.engine.addresses.add(from, p)
	} else if c := p.server.tcpConns.at(from); c != nil {
		c.peer.Store(p)
	}
	return false // Pion selects the pair
}

// unread is the buffer of a stream Pion would read: it is at its end from the start.
type unread struct{}

func (unread) Read([]byte) (int, error)    { return 0, io.EOF }
func (unread) Write(b []byte) (int, error) { return len(b), nil }
func (unread) Close() error                { return nil }

func (s *Server) settings(p *Peer, k *keys) (webrtc.SettingEngine, error) {
	e := webrtc.SettingEngine{
		LoggerFactory: s.logs,
		BufferFactory: func(packetio.BufferPacketType, uint32) io.ReadWriteCloser { return unread{} },
	}
	interfaces, err := s.machine.interfaces(time.Now())
	if err != nil {
		return e, err
	}
	e.SetNet(interfaces)
	e.SetDTLSKeyLogWriter(k)
	e.SetDTLSServerHelloMessageHook(k.hello)
	e.SetICEBindingRequestHandler(p.vouched)
	e.SetICEUDPMux(p.engine.mux)
	networks := []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6}
	if s.tcpMux != nil {
		e.SetICETCPMux(s.tcpMux)
		networks = append(networks, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6)
	}
	e.SetNetworkTypes(networks)
	e.DisableActiveTCP(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetIncludeLoopbackCandidate(true) // pages and tests on the same machine; nobody else tries it long
	e.SetICETimeouts(s.config.Disconnected, s.config.Failed, s.config.KeepAlive)
	// As the server of the handshake we choose: GCM costs a sixth of AES-CM with SHA-1.
	e.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	if err := e.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return e, fmt.Errorf("set DTLS role: %w", err)
	}
	if len(s.config.Addresses) > 0 {
		err := e.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
			External: s.config.Addresses, AsCandidateType: webrtc.ICECandidateTypeHost, Mode: webrtc.ICEAddressRewriteAppend,
		})
		if err != nil {
			return e, fmt.Errorf("announce %v: %w", s.config.Addresses, err)
		}
	}
	return e, nil
}
