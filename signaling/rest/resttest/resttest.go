// Package resttest holds requests and answers of the HTTP API against its OpenAPI file. Only tests use it.
package resttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// Contract is the OpenAPI file, read as strictly as a test wants it. Safe for concurrent use.
type Contract struct {
	Doc    *openapi3.T
	router routers.Router
}

// Load reads the file. Objects whose properties are named are closed: an answer with a field that is not described is a fault
// of the handler, though clients must take it.
func Load(document []byte) (*Contract, error) {
	var whole map[string]any
	if err := json.Unmarshal(document, &whole); err != nil {
		return nil, err
	}
	closeObjects(whole)
	strict, err := json.Marshal(whole)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(strict)
	if err != nil {
		return nil, fmt.Errorf("read the OpenAPI file: %w", err)
	}
	router, err := legacy.NewRouter(doc) // validates the document, too
	if err != nil {
		return nil, fmt.Errorf("the OpenAPI file is not valid: %w", err)
	}
	return &Contract{doc, router}, nil
}

func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, named := v["properties"].(map[string]any); named && v["additionalProperties"] == nil && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range v {
			closeObjects(inner)
		}
	}
}

// Exchange is one request and its answer.
type Exchange struct {
	Method, Target string // the target is path and query
	Header         http.Header
	Body           []byte
	Status         int
	AnswerHeader   http.Header
	Answer         []byte
}

// Check says what of an exchange is not as described. A request that was refused need not be; what the file does not allow must be refused.
func (c *Contract) Check(x Exchange) error {
	target, err := url.Parse(x.Target)
	if err != nil {
		return err
	}
	method := x.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	r := &http.Request{Method: method, URL: target, Header: x.Header.Clone(), Body: io.NopCloser(bytes.NewReader(x.Body)), ContentLength: int64(len(x.Body))}
	if len(x.Body) > 0 && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		if x.Status == http.StatusNotFound || x.Status == http.StatusMethodNotAllowed || x.Status == http.StatusUnauthorized || method == http.MethodOptions {
			return nil
		}
		return fmt.Errorf("%s %s is not described and was answered with %d", x.Method, target.Path, x.Status)
	}
	request := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true, RejectWhenRequestBodyNotSpecified: len(bytes.TrimSpace(x.Body)) > 0}}
	var errs []error
	if x.Status < 400 {
		errs = append(errs, undescribed(route, target.Query()))
		if err := openapi3filter.ValidateRequest(context.Background(), request); err != nil {
			errs = append(errs, fmt.Errorf("request: %w", err))
		}
	}
	if x.Method != http.MethodHead {
		errs = append(errs, c.checkAnswer(request, x))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s %s, %d: %w", x.Method, target.Path, x.Status, err)
	}
	return nil
}

func undescribed(route *routers.Route, q url.Values) error {
	for name := range q {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil && route.PathItem.Parameters.GetByInAndName("query", name) == nil {
			return fmt.Errorf("the query has %s, which is not described", name)
		}
	}
	return nil
}

func (c *Contract) checkAnswer(request *openapi3filter.RequestValidationInput, x Exchange) error {
	kind, _, _ := strings.Cut(x.AnswerHeader.Get("Content-Type"), ";")
	bare := !strings.HasSuffix(kind, "json") // bytes of files, or nothing at all
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{RequestValidationInput: request, Status: x.Status,
		Header: x.AnswerHeader, Body: io.NopCloser(bytes.NewReader(x.Answer)), Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: bare}})
	if err != nil {
		return fmt.Errorf("answer: %w\n%s", err, x.Answer)
	}
	if !bare || x.Status == http.StatusNotModified {
		return nil
	}
	described := request.Route.Operation.Responses.Status(x.Status)
	switch {
	case described == nil:
		return errors.New("an answer without JSON is described by its status only")
	case kind == "" && len(described.Value.Content) == 0 && len(x.Answer) == 0:
		return nil
	case described.Value.Content.Get(kind) == nil:
		return fmt.Errorf("an answer of type %q is not described", kind)
	}
	return nil
}

// Operations are all "METHOD /path" of the file, sorted, each with who may ask: the name of the security scheme, and of API keys the scopes.
func (c *Contract) Operations() map[string][]string {
	all := map[string][]string{}
	for path, item := range c.Doc.Paths.Map() {
		for method, op := range item.Operations() {
			var who []string
			if op.Security != nil {
				for _, requirement := range *op.Security {
					for scheme, scopes := range requirement {
						who = append(append(who, scheme), scopes...)
					}
				}
			}
			slices.Sort(who)
			all[method+" "+path] = who
		}
	}
	return all
}
