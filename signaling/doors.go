package signaling

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
)

// doors counts the sockets of each address that have not authenticated. Its map holds no more entries than there are such sockets.
type doors struct {
	limit int

	mu     sync.Mutex
	counts map[string]int
}

func newDoors(limit int) *doors { return &doors{limit: limit, counts: map[string]int{}} }

// enter says whether the address may have one more. leave must follow, and may be called again.
func (d *doors) enter(address string) (leave func(), ok bool) {
	key := network(address)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counts[key] >= d.limit {
		return nil, false
	}
	d.counts[key]++
	return sync.OnceFunc(func() { d.leave(key) }), true
}

func (d *doors) leave(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counts[key]--; d.counts[key] <= 0 {
		delete(d.counts, key)
	}
}

// network is what counts as one client: an IPv4 address, or an IPv6 /64, which one customer has whole.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}

// CheckOrigins says what is wrong with a list of origins.
func CheckOrigins(origins []string) error {
	for _, o := range origins {
		if _, ok := parseOrigin(o); !ok {
			return fmt.Errorf("origin %q: want a scheme and a host and nothing else, such as https://crm.example.com", o)
		}
	}
	return nil
}

type origin struct{ scheme, host string } // host with its port, unless it is the scheme's own

func parseOrigin(s string) (origin, bool) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.ContainsAny(u.Host, "*;,'") ||
		u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" {
		return origin{}, false
	}
	return origin{u.Scheme, hostOf(u.Scheme, u.Host)}, true
}

func hostOf(scheme, host string) string {
	host = strings.ToLower(host)
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// originAllowed lets in pages of this server, pages of the configured origins, and what is no browser.
func originAllowed(r *http.Request, allowed map[origin]bool) bool {
	headers := r.Header["Origin"]
	if len(headers) == 0 {
		return true
	}
	o, ok := parseOrigin(headers[0])
	if !ok || len(headers) > 1 {
		return false
	}
	// A proxy may have taken TLS off, so the scheme of the server's own pages is not ours to know.
	return o.host == hostOf(o.scheme, r.Host) || allowed[o]
}
