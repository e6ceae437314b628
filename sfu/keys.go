package sfu

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"sync"

	"github.com/pion/dtls/v3/pkg/crypto/prf"
	dtlsext "github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
	"github.com/pion/srtp/v3"
)

// keys collects what the exporter of a DTLS handshake needs (RFC 5705): Pion makes SRTP keys
// for sessions of its own only. The server hello names the server's random, the cipher suite
// and the SRTP profile; the key log the client's random and the master secret.
//
// The handshake is not verified when they are known: use them once DTLS is connected.
type keys struct {
	mu                                 sync.Mutex
	master, clientRandom, serverRandom []byte
	suite                              uint16
	profile                            dtlsext.SRTPProtectionProfile
}

var errNoKeys = errors.New("the handshake gave no keys")

// Write takes a line of the key log, "CLIENT_RANDOM random secret" in hexadecimal: TLS 1.2's.
// Any other label is of keys we cannot use.
func (k *keys) Write(line []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.clear()
	fields := bytes.Fields(line)
	if len(fields) != 3 || string(fields[0]) != "CLIENT_RANDOM" || len(fields[1]) != 64 || len(fields[2]) != 96 {
		return 0, errNoKeys
	}
	random, master := make([]byte, 32), make([]byte, 48)
	if _, err := hex.Decode(random, fields[1]); err != nil {
		return 0, fmt.Errorf("key log: %w", err)
	}
	if _, err := hex.Decode(master, fields[2]); err != nil {
		return 0, fmt.Errorf("key log: %w", err)
	}
	k.clientRandom, k.master = random, master
	return len(line), nil
}

// hello sees our server hello before it is sent, and changes nothing.
func (k *keys) hello(m handshake.MessageServerHello) handshake.Message {
	k.mu.Lock()
	defer k.mu.Unlock()
	random := m.Random.MarshalFixed()
	k.serverRandom = random[:]
	k.suite, k.profile = 0, 0
	if m.CipherSuiteID != nil {
		k.suite = *m.CipherSuiteID
	}
	for _, e := range m.Extensions {
		if u, ok := e.(*dtlsext.UseSRTP); ok && len(u.ProtectionProfiles) == 1 && len(u.MasterKeyIdentifier) == 0 {
			k.profile = u.ProtectionProfiles[0]
		}
	}
	return &m
}

// ExportKeyingMaterial is RFC 5705's exporter without a context. The caller holds the lock.
func (k *keys) ExportKeyingMaterial(label string, _ []byte, length int) ([]byte, error) {
	var sum func() hash.Hash
	switch k.suite {
	case 0xc02c, 0xc030: // with AES_256_GCM_SHA384
		sum = sha512.New384
	case 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc00a, 0xc014: // TLS 1.2's PRF is SHA-256 for the older ones
		sum = sha256.New
	default:
		return nil, fmt.Errorf("%w: cipher suite %#04x", errNoKeys, k.suite)
	}
	seed := append([]byte(label), k.clientRandom...)
	seed = append(seed, k.serverRandom...)
	return prf.PHash(k.master, seed, length, sum)
}

// contexts makes the two directions' SRTP contexts and forgets the secrets. out's key is
// given for tests, which look for nonces used twice.
func (k *keys) contexts() (in, out *srtp.Context, key []byte, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer k.clear()
	if k.master == nil || k.serverRandom == nil {
		return nil, nil, nil, errNoKeys
	}
	c := srtp.Config{}
	switch k.profile {
	case dtlsext.SRTP_AEAD_AES_128_GCM:
		c.Profile = srtp.ProtectionProfileAeadAes128Gcm
	case dtlsext.SRTP_AEAD_AES_256_GCM:
		c.Profile = srtp.ProtectionProfileAeadAes256Gcm
	case dtlsext.SRTP_AES128_CM_HMAC_SHA1_80:
		c.Profile = srtp.ProtectionProfileAes128CmHmacSha1_80
	default:
		return nil, nil, nil, fmt.Errorf("%w: SRTP profile %#04x", errNoKeys, uint16(k.profile))
	}
	if err := c.ExtractSessionKeysFromDTLS(k, false); err != nil {
		return nil, nil, nil, fmt.Errorf("export keys: %w", err)
	}
	in, err = srtp.CreateContext(c.Keys.RemoteMasterKey, c.Keys.RemoteMasterSalt, c.Profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return nil, nil, nil, fmt.Errorf("SRTP context: %w", err)
	}
	out, err = srtp.CreateContext(c.Keys.LocalMasterKey, c.Keys.LocalMasterSalt, c.Profile)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("SRTP context: %w", err)
	}
	sum := sha256.Sum256(c.Keys.LocalMasterKey)
	for _, secret := range [][]byte{c.Keys.LocalMasterKey, c.Keys.LocalMasterSalt, c.Keys.RemoteMasterKey, c.Keys.RemoteMasterSalt} {
		clear(secret)
	}
	return in, out, sum[:], nil
}

// clear forgets the secrets. The server's random stays: it comes before the key log.
func (k *keys) clear() {
	clear(k.master)
	clear(k.clientRandom)
	k.master, k.clientRandom = nil, nil
}
