package push

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const longestPause = time.Hour // that a service may ask for

// answer is what a service said.
type answer struct {
	status int
	header http.Header
	text   []byte // how the body begins
}

// exchange makes a request and reads the answer.
func exchange(client *http.Client, r *http.Request) (answer, error) {
	response, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode < 300 { // it was taken, whatever is missing of the answer
		err = nil
	}
	return answer{response.StatusCode, response.Header, text}, err
}

// unanswered is the error of a request that got no answer. It does not tell the address, which may hold a device's.
func unanswered(service string, err error) *Error {
	for inner := (*url.Error)(nil); errors.As(err, &inner); {
		err = inner.Err
	}
	reason := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		reason = "no answer in time"
	}
	return &Error{Verdict: Later, Service: service, Reason: reason}
}

// retryAfter is what the header of that name asks for (RFC 9110, section 10.2.3); 0: nothing.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return time.Duration(min(seconds, int(longestPause/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), longestPause)
	}
	return 0
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// orStatus is the service's word, or what the status means where it said none.
func orStatus(word string, status int) string {
	if word == "" {
		return http.StatusText(status)
	}
	return word
}

// temporary says whether a status means that the same request may work later.
func temporary(status int) bool { return status == http.StatusTooManyRequests || status >= 500 }
