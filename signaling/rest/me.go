package rest

// me tells the holder of an API key whose it is.
func (a *api) me(r *request) (reply, error) {
	return ok(struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Scope  string `json:"scope"`
		Seller string `json:"seller,omitempty"`
	}{r.subject.key.ID, r.subject.key.Name, r.subject.key.Scope, r.subject.key.Seller})
}
