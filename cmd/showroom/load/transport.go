package load

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"
	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/srtp/v3"
)

const connectTimeout = 30 * time.Second // ICE and DTLS

// identity is what all peers of a run show the server: they need no secrets from each other.
type identity struct {
	certificate tls.Certificate
	fingerprint string // SHA-256
}

func newIdentity() (identity, error) {
	c, err := selfsign.GenerateSelfSigned()
	if err != nil {
		return identity{}, fmt.Errorf("make a certificate: %w", err)
	}
	print, err := fingerprintOf(c.Certificate[0])
	return identity{c, print}, err
}

func fingerprintOf(der []byte) (string, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return "", fmt.Errorf("certificate: %w", err)
	}
	print, err := fingerprint.Fingerprint(c, crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("certificate: %w", err)
	}
	return strings.ToUpper(print), nil
}

// quiet keeps Pion's loggers silent: what PIONS_LOG_… says is about the server.
var quiet = func() *logging.DefaultLoggerFactory {
	f := logging.NewDefaultLoggerFactory()
	f.DefaultLogLevel, f.ScopeLevels, f.Writer = logging.LogLevelDisabled, nil, io.Discard
	return f
}()

// offer sends the first offer with all candidates in it: there is one, so nothing is won by trickling.
func (p *peer) offer() error {
	agent, err := ice.NewAgentWithOptions(
		ice.WithUDPMux(p.port), ice.WithIncludeLoopback(), ice.WithLoggerFactory(quiet), ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}), ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}),
	)
	if err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	p.agent = agent // closed by close, which awaits this goroutine
	d := description{fingerprint: p.identity.fingerprint}
	if d.ufrag, d.pwd, err = agent.GetLocalUserCredentials(); err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	found := make(chan ice.Candidate, 2)
	if err := errors.Join(agent.OnCandidate(func(c ice.Candidate) { found <- c }), agent.OnConnectionStateChange(p.watchICE), agent.GatherCandidates()); err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	select {
	case c := <-found:
		if c == nil {
			return errors.New("offer: no address to be reached at")
		}
		d.candidate = c.Marshal()
	case <-p.ended:
		return errors.New("offer: closed")
	}
	tracks := map[string]string{}
	if p.publishes {
		d.mic, d.camera, d.rtx = p.mic.ssrc, p.camera.ssrc, p.camera.rtx
		tracks["0"], tracks["1"] = p.mic.source, p.camera.source
	}
	return p.send(message{"type": "offer", "id": 1, "sdp": d.text(), "tracks": tracks})
}

func (p *peer) watchICE(state ice.ConnectionState) {
	if state == ice.ConnectionStateFailed {
		p.fail(errors.New("media: no connection, or it was lost: is the server's UDP port reachable from here?"))
	}
}

// answered starts to connect. The streams are known before the first packet can come.
func (p *peer) answered(sdp string) error {
	a, err := parseAnswer(sdp)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if p.agent == nil || p.pairs.Swap(&a.pairs) != nil {
		return errors.New("answer: to no offer")
	}
	for _, text := range a.candidates {
		c, err := ice.UnmarshalCandidate(text)
		if err != nil {
			return fmt.Errorf("answer: candidate %q: %w", text, err)
		}
		if c.NetworkType().IsUDP() && c.TCPType() == ice.TCPTypeUnspecified {
			if err := p.agent.AddRemoteCandidate(c); err != nil {
				return fmt.Errorf("answer: candidate %q: %w", text, err)
			}
		}
	}
	p.wg.Go(func() {
		if err := p.connect(a); err != nil {
			p.fail(fmt.Errorf("media: %w", err))
			return
		}
		close(p.connected)
	})
	return nil
}

// connect runs ICE and DTLS and makes the keys of both directions.
func (p *peer) connect(a answer) error {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	p.wg.Go(func() {
		select {
		case <-p.ended:
			cancel()
		case <-stop:
		}
	})
	conn, err := p.agent.Dial(ctx, a.ufrag, a.pwd)
	if err != nil {
		return fmt.Errorf("ICE: %w", err)
	}
	verify := func(raw [][]byte, _ [][]*x509.Certificate) error {
		if len(raw) == 0 {
			return errors.New("the server shows no certificate")
		}
		got, err := fingerprintOf(raw[0])
		if err == nil && got != a.fingerprint {
			err = errors.New("the server's certificate is not that of its answer")
		}
		return err
	}
	session, err := dtls.ClientWithOptions(dtlsnet.PacketConnFromConn(conn), conn.RemoteAddr(),
		dtls.WithCertificates(p.identity.certificate), dtls.WithInsecureSkipVerify(true), dtls.WithVerifyPeerCertificate(verify), // the fingerprint is what counts
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM), // what a server should choose, and all figures are of it
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret), dtls.WithLoggerFactory(quiet),
	)
	if err != nil {
		return fmt.Errorf("DTLS: %w", err)
	}
	p.mu.Lock()
	p.session = session
	p.mu.Unlock()
	if err := session.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("DTLS: %w", err)
	}
	return p.install(session, conn.RemoteAddr(), a)
}

// install makes both directions' keys.
func (p *peer) install(session *dtls.Conn, remote net.Addr, a answer) error {
	state, ok := session.ConnectionState()
	if !ok {
		return errors.New("DTLS: no state after the handshake")
	}
	udp, ok := remote.(*net.UDPAddr)
	if !ok {
		return fmt.Errorf("ICE: no UDP address but %v", remote)
	}
	config := srtp.Config{Profile: srtp.ProtectionProfileAeadAes128Gcm}
	if err := config.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	in, err := srtp.CreateContext(config.Keys.RemoteMasterKey, config.Keys.RemoteMasterSalt, config.Profile)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	out, err := srtp.CreateContext(config.Keys.LocalMasterKey, config.Keys.LocalMasterSalt, config.Profile)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	s := &sealer{port: p.port, to: udp.AddrPort(), context: out}
	if p.publishes {
		p.mic.bind(s, a)
		p.camera.bind(s, a)
	}
	p.opener.Store(&opener{context: in})
	p.sealer.Store(s)
	return nil
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
