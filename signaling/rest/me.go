package rest

import "slices"

// aboutMe is who asks, and what they may ask for.
type aboutMe struct {
	ID      string   `json:"id"` // of the key, or of the user who is signed in
	Name    string   `json:"name"`
	Scope   string   `json:"scope"` // or role
	Seller  string   `json:"seller,omitempty"`
	Email   string   `json:"email,omitempty"`   // of a user
	Session string   `json:"session,omitempty"` // of a user
	May     []string `json:"may"`               // operations, "GET /sellers/{id}"
}

// me tells the holder of an API key or a session whose it is.
func (a *api) me(r *request) (reply, error) { return ok(a.aboutMe(r.subject)) }

func (a *api) aboutMe(s subject) aboutMe {
	me := aboutMe{ID: s.key.ID, Name: s.key.Name, Scope: s.key.Scope, Seller: s.key.Seller, Email: s.user.Email, Session: s.session.ID}
	for _, rt := range a.routes() {
		if rt.access.isKey() && slices.Contains(rt.scopes(), s.key.Scope) || rt.access == bySession && s.session.ID != "" {
			me.May = append(me.May, rt.method+" "+rt.path)
		}
	}
	return me
}
