package rest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"showroom/call"
)

const (
	defaultOverlap = 24 * 3600     // seconds that the old secret still opens after a rotation
	maxOverlap     = 7 * 24 * 3600 // seconds
)

// newKey is the one answer that has the secret.
type newKey struct {
	call.Key
	Secret string `json:"secret"`
}

func (a *api) createKey(r *request) (reply, error) {
	var in struct {
		Name      string  `json:"name"`
		Scope     string  `json:"scope"`
		Seller    string  `json:"seller"`
		ExpiresAt *string `json:"expires_at"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	expires, err := parseTime("expires_at", in.ExpiresAt)
	if err != nil {
		return reply{}, err
	}
	if err := CheckScope(in.Scope, in.Seller); err != nil {
		return reply{}, err
	}
	secret, k, err := a.Store.CreateKey(r.Context(), call.Key{Name: strings.TrimSpace(in.Name), Scope: in.Scope, Seller: in.Seller, ExpiresAt: expires, CreatedBy: r.subject.actor()})
	if err != nil {
		return reply{}, err
	}
	a.Log.Info("API key made", "key", k.ID, "scope", k.Scope, "by", r.subject.actor())
	return created(newKey{k, secret})
}

// CheckScope says whether a key may have the scope, and whether it names a seller exactly when it must.
func CheckScope(scope, seller string) error {
	switch {
	case !slices.Contains(scopes, scope):
		return call.Invalid("scope", fmt.Sprintf("%q is not one of %s", scope, strings.Join(scopes, ", ")))
	case scope == ScopeSeller && !isID("sell_", seller):
		return call.Invalid("seller", "a key of the scope seller needs the id of the seller, sell_…")
	case scope != ScopeSeller && seller != "":
		return call.Invalid("seller", "only a key of the scope seller is for one seller")
	}
	return nil
}

func (a *api) listKeys(r *request) (reply, error) {
	keys, err := a.Store.Keys(r.Context())
	if err != nil {
		return reply{}, err
	}
	return ok(page(keys, "", func(k call.Key) call.Key { return k }))
}

func (a *api) readKey(r *request) (reply, error) {
	k, err := a.keyOf(r)
	if err != nil {
		return reply{}, err
	}
	return tagged(k)
}

func (a *api) keyOf(r *request) (call.Key, error) {
	id, err := r.pathID("key", "key_")
	if err != nil {
		return call.Key{}, err
	}
	keys, err := a.Store.Keys(r.Context())
	if err != nil {
		return call.Key{}, err
	}
	i := slices.IndexFunc(keys, func(k call.Key) bool { return k.ID == id })
	if i < 0 {
		return call.Key{}, call.ErrNotFound
	}
	return keys[i], nil
}

func (a *api) changeKey(r *request) (reply, error) {
	id, err := r.pathID("key", "key_")
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Name *string `json:"name"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	k, err := a.Store.ChangeKey(r.Context(), id, func(k call.Key) (call.Key, error) {
		err := r.ifMatch(k)
		k.Name = strings.TrimSpace(or(in.Name, k.Name))
		return k, err
	})
	if err != nil {
		return reply{}, err
	}
	return tagged(k)
}

func (a *api) rotateKey(r *request) (reply, error) {
	id, err := r.pathID("key", "key_")
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Overlap *int `json:"overlap_seconds"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	overlap := or(in.Overlap, defaultOverlap)
	if overlap < 0 || overlap > maxOverlap {
		return reply{}, call.Invalid("overlap_seconds", fmt.Sprintf("%d is not between 0 and %d", overlap, maxOverlap))
	}
	secret, k, err := a.Store.RotateKey(r.Context(), id, time.Duration(overlap)*time.Second)
	if err != nil {
		return reply{}, err
	}
	a.Log.Info("API key has a new secret", "key", k.ID, "by", r.subject.actor())
	return created(newKey{k, secret})
}

func (a *api) revokeKey(r *request) (reply, error) {
	id, err := r.pathID("key", "key_")
	if err != nil {
		return reply{}, err
	}
	if _, err := a.Store.RevokeKey(r.Context(), id, ScopeOperator); err != nil {
		return reply{}, err
	}
	a.Log.Info("API key revoked", "key", id, "by", r.subject.actor())
	return reply{status: http.StatusNoContent}, nil
}
