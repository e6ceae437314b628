package rest

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"

	"showroom/call"
)

// openapi describes the API in one file a resource, so that whoever adds a resource adds a file.
//
//go:embed openapi/*.yaml
var openapi embed.FS

// Document is the OpenAPI 3.1 description of the API: all files of the folder openapi in one, as JSON. Do not change it.
var Document = sync.OnceValues(document)

func document() ([]byte, error) {
	files, err := openapi.ReadDir("openapi")
	if err != nil {
		return nil, err
	}
	whole := map[string]any{}
	for _, f := range files {
		text, err := openapi.ReadFile("openapi/" + f.Name())
		if err != nil {
			return nil, err
		}
		var part map[string]any
		if err := yaml.Unmarshal(text, &part); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		if err := merge(whole, part, f.Name()); err != nil {
			return nil, err
		}
	}
	allowSessions(whole)
	return json.Marshal(whole)
}

// allowSessions adds to every operation for API keys that a session will do, as [api.authenticate] has it: so no file has to repeat it.
func allowSessions(whole map[string]any) {
	paths, _ := whole["paths"].(map[string]any)
	for _, item := range paths {
		operations, _ := item.(map[string]any)
		for _, op := range operations {
			described, _ := op.(map[string]any)
			security, _ := described["security"].([]any)
			for _, requirement := range security {
				scopes, ok := requirement.(map[string]any)["apiKey"].([]any)
				if !ok {
					continue
				}
				roles := slices.DeleteFunc(slices.Clone(scopes), func(s any) bool { return s != call.OperatorsRole && s != call.SellersRole })
				described["security"] = append(security, map[string]any{"session": roles})
			}
		}
	}
}

// merge adds what from has: mappings key by key, lists at the end. The same thing twice is an error.
func merge(into, from map[string]any, at string) error {
	for key, value := range from {
		place := at + ": " + key
		old, there := into[key]
		switch v := value.(type) {
		case map[string]any:
			if !there {
				old = map[string]any{}
				into[key] = old
			}
			both, ok := old.(map[string]any)
			if !ok {
				return fmt.Errorf("%s: is a mapping here and something else elsewhere", place)
			}
			if err := merge(both, v, place); err != nil {
				return err
			}
		case []any:
			if list, ok := old.([]any); ok || !there {
				into[key] = append(list, v...)
				continue
			}
			return fmt.Errorf("%s: is a list here and something else elsewhere", place)
		default:
			if there {
				return fmt.Errorf("%s: is said twice", place)
			}
			into[key] = v
		}
	}
	return nil
}

// documentPath is where the description is served.
const documentPath = "/api/openapi.json"

// describe serves the description. It is everybody's to read, other sites' tools included.
func describe() (http.Handler, error) {
	text, err := Document()
	if err != nil {
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	sum := sha256.Sum256(text)
	etag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", etag)
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(text)))
	}), nil
}
