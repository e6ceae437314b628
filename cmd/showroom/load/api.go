package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// api is a client of docs/http-api.md.
type api struct {
	base, key string
	http      *http.Client
}

func newAPI(address, key string) *api {
	return &api{base: address + "/api/v1", key: key, http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
}

func (a *api) close() { a.http.CloseIdleConnections() }

// problem is the server's refusal (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	Status int    `json:"status"`
}

func (p *problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	return fmt.Sprintf("the server answered %d %s: %s", p.Status, p.Code, text)
}

// call sends in as JSON, if it is not nil, and reads the answer into out.
func (a *api) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.base+path, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	request.Header.Set("Authorization", "Bearer "+a.key)
	request.Header.Set("Content-Type", "application/json")
	response, err := a.http.Do(request)
	if err != nil {
		return unreachable(a.base, err)
	}
	defer response.Body.Close()
	const most = 1 << 20 // bytes of an answer
	text, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %w", method, path, refusal(response.StatusCode, text))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s: the answer is no JSON of this API; is --url a Showroom server? %w", method, path, err)
	}
	return nil
}

// unreachable says that no server answered; the reason without the request, which is in it.
func unreachable(base string, err error) error {
	if inner := new(url.Error); errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Errorf("cannot reach a server at %s: %w; is it running, and is --url right?", base, err)
}

var errKey = errors.New("the server refused the API key; --key must be one of this very server")

func refusal(status int, text []byte) error {
	if status == http.StatusUnauthorized {
		return errKey
	}
	p := &problem{}
	if err := json.Unmarshal(text, p); err != nil || p.Code == "" {
		return fmt.Errorf("the answer was %d %s, not of this API; is --url a Showroom server?", status, http.StatusText(status))
	}
	p.Status = status
	return p
}
