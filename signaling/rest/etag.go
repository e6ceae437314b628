package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

// etag is the entity tag of what is shown: it changes when that does (RFC 9110, section 8.8.3).
func etag(shown any) (string, error) {
	text, err := encode(shown)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:12]) + `"`, nil
}

// tagged is an answer with its entity tag, for [request.ifMatch].
func tagged(body any) (reply, error) {
	tag, err := etag(body)
	return reply{status: http.StatusOK, body: body, etag: tag}, err
}

// ifMatch holds what would be changed against the request's If-Match: who read something else gets a 412 and overwrites nothing.
// Ask it inside of the change, where nobody can come between.
func (r *request) ifMatch(now any) error {
	wanted := strings.Join(r.Header.Values("If-Match"), ",")
	if wanted == "" || strings.TrimSpace(wanted) == "*" {
		return nil
	}
	tag, err := etag(now)
	if err != nil {
		return err
	}
	if !hasTag(wanted, tag) {
		return fail(codeChanged, fmt.Sprintf("it has changed meanwhile (ETag %s); read it again", tag))
	}
	return nil
}

// hasTag says whether a list of entity tags has this strong one.
func hasTag(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(one) == tag {
			return true
		}
	}
	return false
}

// unchanged says whether the sender of a GET has the answer already.
func (r *request) unchanged(answer reply) bool {
	return answer.etag != "" && r.Method == http.MethodGet && hasTag(strings.Join(r.Header.Values("If-None-Match"), ","), answer.etag)
}
