package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

const (
	deliveryTimeout   = 15 * time.Second // from the dial to the end of the answer
	maxResponseHeader = 16 << 10         // bytes
	maxResponse       = 4 << 10          // bytes that are read of an answer
)

// Guard decides which addresses may be called: public ones, and those of the networks that the operator allows. It is asked with the address
// that is dialed, so a name that changes its mind between a check and the call gains nothing.
type Guard struct{ networks []netip.Prefix }

// NewGuard takes the networks (CIDR) that may be called besides public addresses.
func NewGuard(networks []string) (Guard, error) {
	var g Guard
	for _, text := range networks {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return g, fmt.Errorf("%q is not a network such as 10.1.0.0/16", text)
		}
		g.networks = append(g.networks, prefix.Masked())
	}
	return g, nil
}

// control is a [net.Dialer.Control] that lets public addresses and the operator's networks pass.
func (g Guard) control() func(network, address string, c syscall.RawConn) error {
	var v4, v6 []netip.Prefix
	for _, p := range g.networks {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	return ssrf.New(ssrf.WithAnyPort(), ssrf.WithNetworks("tcp4", "tcp6"), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...)).Safe
}

// onlyNetworks is a [net.Dialer.Control] that lets only the operator's networks pass.
func (g Guard) onlyNetworks(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	for _, p := range g.networks {
		if p.Contains(to.Addr().Unmap()) {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", to.Addr(), errPlain)
}

var errPlain = errors.New("http is for networks of --webhook-networks; use https")

// schemes calls https and http by transports of their own: what may be dialed differs.
type schemes struct{ secure, plain *http.Transport }

func (s schemes) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" {
		return s.secure.RoundTrip(r)
	}
	return s.plain.RoundTrip(r)
}

func (s schemes) CloseIdleConnections() {
	s.secure.CloseIdleConnections()
	s.plain.CloseIdleConnections()
}

// Client is an HTTP client for addresses that others choose: guarded, without proxy, redirects, or large headers.
func (g Guard) Client() *http.Client {
	transport := func(control func(string, string, syscall.RawConn) error) *http.Transport {
		dialer := &net.Dialer{Timeout: deliveryTimeout, Control: control}
		return &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, address)
			},
			ForceAttemptHTTP2: true, MaxIdleConnsPerHost: deliveriesAtOnce, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: deliveryTimeout,
			MaxResponseHeaderBytes: maxResponseHeader, DisableCompression: true,
		}
	}
	return &http.Client{
		Transport: schemes{transport(g.control()), transport(g.onlyNetworks)}, Timeout: deliveryTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
