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
type signer struct{ watch, file, export []byte }

func newSigner(key []byte) (signer, error) {
	watch, err := hkdf.Key(sha256.New, key, nil, "showroom watch token 1", sha256.Size)
	if err != nil {
		return signer{}, fmt.Errorf("derive signing key: %w", err)
	}
	file, err := hkdf.Key(sha256.New, key, nil, "showroom file url 1", sha256.Size)
	if err != nil {
		return signer{}, fmt.Errorf("derive signing key: %w", err)
	}
	export, err := hkdf.Key(sha256.New, key, nil, "showroom export url 1", sha256.Size)
	if err != nil {
		return signer{}, fmt.Errorf("derive signing key: %w", err)
	}
	return signer{watch: watch, file: file, export: export}, nil
}

// shareToken is what a link to a recording carries: conf_….share_….SIGNATURE. The log says how long it holds.
func (s signer) shareToken(conference, share string) string {
	return conference + "." + share + "." + sign(s.watch, conference, share)
}

// watchTicket is what the holder of a key gets: conf_….EXPIRES.BY.SIGNATURE.
func (s signer) watchTicket(conference, by string, expires time.Time) string {
	exp := strconv.FormatInt(expires.Unix(), 10)
	return conference + "." + exp + "." + by + "." + sign(s.watch, conference, exp, by)
}

// checkWatch returns the conference whose recording a watch token opens, and who has it: a share or the holder of a key.
func (s signer) checkWatch(token string, now time.Time) (conference, by string, err error) {
	words := strings.Split(token, ".")
	last := len(words) - 1
	if last < 2 || last > 3 || !isID("conf_", words[0]) || !validSignature(s.watch, words[last], words[:last]...) {
		return "", "", fail(codeTokenInvalid, "this watch link is not valid")
	}
	if last == 3 && expired(words[1], now) {
		return "", "", fail(codeTokenExpired, "this watch link has expired; ask who sent it for a new one")
	}
	return words[0], words[last-1], nil
}

// fileQuery is the query that makes the path of a file good until then, for somebody.
func (s signer) fileQuery(conference, file, by string, expires time.Time) string {
	return signedQuery(s.file, conference, file, by, expires)
}

// exportQuery is the same for the export of a buyer's data.
func (s signer) exportQuery(buyer, file, by string, expires time.Time) string {
	return signedQuery(s.export, buyer, file, by, expires)
}

func signedQuery(key []byte, id, file, by string, expires time.Time) string {
	exp := strconv.FormatInt(expires.Unix(), 10)
	return "?exp=" + exp + "&by=" + url.QueryEscape(by) + "&sig=" + sign(key, id, file, exp, by)
}

// checkFile says whether the query of a file's URL is good, and for whom.
func (s signer) checkFile(conference, file string, q url.Values, now time.Time) (by string, err error) {
	return checkSigned(s.file, "conf_", conference, file, q, now)
}

// checkExport says the same of an export's URL.
func (s signer) checkExport(buyer, file string, q url.Values, now time.Time) (by string, err error) {
	return checkSigned(s.export, "buy_", buyer, file, q, now)
}

func checkSigned(key []byte, prefix, id, file string, q url.Values, now time.Time) (by string, err error) {
	exp, by := q.Get("exp"), q.Get("by")
	if !isID(prefix, id) || !isFileName(file) || !validSignature(key, q.Get("sig"), id, file, exp, by) {
		return "", fail(codeTokenInvalid, "this address was not issued by this server or was changed")
	}
	if expired(exp, now) {
		return "", fail(codeURLExpired, "this address has expired; ask the recording for new ones")
	}
	return by, nil
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
