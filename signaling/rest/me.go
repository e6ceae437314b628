package rest

// me tells the holder of an API key whose it is.
func (a *api) me(r *request) (reply, error) {
	return ok(struct {
		Name  string `json:"name"`
		Scope string `json:"scope"`
	}{r.subject.key.Name, r.subject.key.Scope})
}
