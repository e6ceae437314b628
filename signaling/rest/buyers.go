package rest

import (
	"strings"
	"time"

	"showroom/call"
)

// buyer is a buyer as the API shows it.
type buyer struct {
	ID string `json:"id"`
	call.Contact
	CreatedAt time.Time `json:"created_at"`
}

func showBuyer(b call.Buyer) buyer {
	return buyer{ID: b.ID, Contact: b.Contact, CreatedAt: b.CreatedAt}
}

func (a *api) createBuyer(r *request) (reply, error) {
	var in call.Contact
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	in.Name, in.Email, in.Phone = strings.TrimSpace(in.Name), strings.TrimSpace(in.Email), strings.TrimSpace(in.Phone)
	b, err := a.Store.RegisterBuyer(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return created(showBuyer(b))
}

func (a *api) listBuyers(r *request) (reply, error) {
	after, limit, err := paging(r.URL.Query())
	if err != nil {
		return reply{}, err
	}
	buyers, next, err := a.Store.Buyers(r.Context(), after, limit)
	if err != nil {
		return reply{}, err
	}
	return ok(page(buyers, next, showBuyer))
}

func (a *api) readBuyer(r *request) (reply, error) {
	id, err := r.pathID("id", "buy_")
	if err != nil {
		return reply{}, err
	}
	b, err := a.Store.Buyer(r.Context(), id)
	if err != nil {
		return reply{}, err
	}
	return ok(showBuyer(b))
}
