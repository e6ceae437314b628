package sfu

import (
	"fmt"
	"strings"
	"testing"

	dtlsext "github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
)

const keyLine = "CLIENT_RANDOM " +
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f " +
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f\n"

func testHello(suite uint16, profiles ...dtlsext.SRTPProtectionProfile) handshake.MessageServerHello {
	m := handshake.MessageServerHello{CipherSuiteID: &suite}
	if len(profiles) > 0 {
		m.Extensions = append(m.Extensions, &dtlsext.UseSRTP{ProtectionProfiles: profiles})
	}
	return m
}

// TestKeysFailClosed: whatever is not as expected gives no keys. That the keys are right is
// what every call shows.
func TestKeysFailClosed(t *testing.T) {
	const gcm = dtlsext.SRTP_AEAD_AES_128_GCM
	for name, c := range map[string]struct {
		line  string
		hello handshake.MessageServerHello
		ok    bool
	}{
		"good":             {keyLine, testHello(0xc02b, gcm), true},
		"SHA-384":          {keyLine, testHello(0xc02c, gcm), true},
		"CM":               {keyLine, testHello(0xc02b, dtlsext.SRTP_AES128_CM_HMAC_SHA1_80), true},
		"no encryption":    {keyLine, testHello(0xc02b, dtlsext.SRTP_NULL_HMAC_SHA1_80), false},
		"no SRTP":          {keyLine, testHello(0xc02b), false},
		"two profiles":     {keyLine, testHello(0xc02b, gcm, gcm), false},
		"strange suite":    {keyLine, testHello(0x1301, gcm), false},
		"TLS 1.3":          {strings.Replace(keyLine, "CLIENT_RANDOM", "SERVER_TRAFFIC_SECRET_0", 1), testHello(0xc02b, gcm), false},
		"short secret":     {keyLine[:len(keyLine)-4], testHello(0xc02b, gcm), false},
		"no hexadecimal":   {strings.Replace(keyLine, "0f", "xx", 1), testHello(0xc02b, gcm), false},
		"nothing was said": {"", testHello(0xc02b, gcm), false},
	} {
		var k keys
		if c.line != "" {
			_, _ = fmt.Fprint(&k, c.line)
		}
		k.hello(c.hello)
		secret := k.master
		in, out, _, err := k.contexts()
		if (err == nil) != c.ok || (in != nil) != c.ok || (out != nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		for _, b := range secret {
			if b != 0 {
				t.Errorf("%s: the secret is still there", name)
				break
			}
		}
		if _, _, _, err := k.contexts(); err == nil {
			t.Errorf("%s: keys come twice", name)
		}
	}
}
