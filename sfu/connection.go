package sfu

import (
	"fmt"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/webrtc/v4"
)

// replayWindow in packets. Pion's 64 is less than a keyframe that overtakes.
const replayWindow = windowSize

// newConnection makes a PeerConnection with settings of its own, since the guard is a
// peer's.
func (s *Server) newConnection(g *guard) (*webrtc.PeerConnection, error) {
	media, err := newMediaEngine()
	if err != nil {
		return nil, err
	}
	registry, err := s.interceptors()
	if err != nil {
		return nil, err
	}
	settings, err := s.settings(g)
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(
		webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings))
	return api.NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{s.certificate},
		BundlePolicy: webrtc.BundlePolicyMaxBundle,
	})
}

func (s *Server) settings(g *guard) (webrtc.SettingEngine, error) {
	e := webrtc.SettingEngine{LoggerFactory: s.logs, BufferFactory: g.buffer}
	e.SetICEUDPMux(s.udpMux)
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
	e.SetSRTPReplayProtectionWindow(replayWindow)
	e.SetSRTCPReplayProtectionWindow(replayWindow)
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

// interceptors for what publishers are told: NACK, receiver reports, transport-cc. What
// goes to subscribers is the slots' own work: Pion's sender reports take the time of
// sending for that of capture, and its NACK responder knows no limit.
func (s *Server) interceptors() (*interceptor.Registry, error) {
	nacks, err := nack.NewGeneratorInterceptor(
		nack.GeneratorSize(windowSize), nack.GeneratorMaxNacksPerPacket(3), nack.WithGeneratorLoggerFactory(s.logs))
	if err != nil {
		return nil, fmt.Errorf("NACK generator: %w", err)
	}
	reports, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(s.logs))
	if err != nil {
		return nil, fmt.Errorf("receiver reports: %w", err)
	}
	feedback, err := twcc.NewSenderInterceptor(twcc.WithLoggerFactory(s.logs))
	if err != nil {
		return nil, fmt.Errorf("transport-cc: %w", err)
	}
	r := &interceptor.Registry{}
	r.Add(nacks)
	r.Add(reports)
	r.Add(feedback)
	return r, nil
}
