package rest

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// signer makes and checks watch tokens and the URLs of files. Each purpose has a key of its own, so that a signature for one is
// worth nothing for the other.
type signer struct{ watch, file []byte }

func newSigner(key []byte) (signer, error) {
	watch, err := hkdf.Key(sha256.New, key, nil, "showroom watch token 1", sha256.Size)
	if err != nil {
		return signer{}, fmt.Errorf("derive signing key: %w", err)
	}
	file, err := hkdf.Key(sha256.New, key, nil, "showroom file url 1", sha256.Size)
	if err != nil {
		return signer{}, fmt.Errorf("derive signing key: %w", err)
	}
	return signer{watch: watch, file: file}, nil
}

// watchToken opens the recording of a conference: conf_….EXPIRES.SIGNATURE.
func (s signer) watchToken(conference string, expires time.Time) string {
	exp := strconv.FormatInt(expires.Unix(), 10)
	return conference + "." + exp + "." + sign(s.watch, conference, exp)
}

// checkWatch returns the conference that a watch token opens.
func (s signer) checkWatch(token string, now time.Time) (string, error) {
	conference, rest, _ := strings.Cut(token, ".")
	exp, sig, _ := strings.Cut(rest, ".")
	if !isID("conf_", conference) || !validSignature(s.watch, sig, conference, exp) {
		return "", fail(codeTokenInvalid, "this watch link is not valid")
	}
	if expired(exp, now) {
		return "", fail(codeTokenExpired, "this watch link has expired; ask who sent it for a new one")
	}
	return conference, nil
}

// fileQuery is the query that makes the path of a file good until then.
func (s signer) fileQuery(conference, file string, expires time.Time) string {
	exp := strconv.FormatInt(expires.Unix(), 10)
	return "?exp=" + exp + "&sig=" + sign(s.file, conference, file, exp)
}

// checkFile says whether the query of a file's URL is good.
func (s signer) checkFile(conference, file string, q url.Values, now time.Time) error {
	exp := q.Get("exp")
	if !isID("conf_", conference) || !isFileName(file) || !validSignature(s.file, q.Get("sig"), conference, file, exp) {
		return fail(codeTokenInvalid, "this address was not issued by this server or was changed")
	}
	if expired(exp, now) {
		return fail(codeURLExpired, "this address has expired; ask the recording for new ones")
	}
	return nil
}

// sign is HMAC-SHA256 over the parts, none of which may contain a line feed.
func sign(key []byte, parts ...string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join(parts, "\n")))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func validSignature(key []byte, sig string, parts ...string) bool {
	return hmac.Equal([]byte(sig), []byte(sign(key, parts...)))
}

// expired takes what was signed, so it is a number of ours.
func expired(exp string, now time.Time) bool {
	seconds, err := strconv.ParseInt(exp, 10, 64)
	return err != nil || now.Unix() >= seconds
}
