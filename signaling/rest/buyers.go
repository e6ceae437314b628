package rest

import (
	"net/http"
	"strings"
	"time"

	"showroom/call"
)

// buyer is a buyer as the API shows it.
type buyer struct {
	ID string `json:"id"`
	call.Contact
	CreatedAt time.Time `json:"created_at"`
	Erasure   *erasure  `json:"erasure,omitempty"`
}

// erasure is where the erasure of a buyer's data stands.
type erasure struct {
	State     string       `json:"state"` // erasing or erased
	By        string       `json:"by"`
	OrderedAt time.Time    `json:"ordered_at"`
	DoneAt    time.Time    `json:"done_at,omitzero"`
	Proof     *call.Erased `json:"proof,omitempty"`
	Error     string       `json:"error,omitempty"` // see troubleOf
}

func showBuyer(b call.Buyer) buyer {
	out := buyer{ID: b.ID, Contact: b.Contact, CreatedAt: b.CreatedAt}
	if e := b.Erasure; e.Ordered() {
		out.Erasure = &erasure{State: "erasing", By: e.By, OrderedAt: e.OrderedAt, DoneAt: e.DoneAt}
		if !e.DoneAt.IsZero() {
			out.Erasure.State, out.Erasure.Proof = "erased", &e.Proof
		}
	}
	return out
}

// eraseBuyer orders the erasure and does not wait for it.
func (a *api) eraseBuyer(r *request) (reply, error) {
	id, err := r.pathID("id", "buy_")
	if err != nil {
		return reply{}, err
	}
	if err := decode(r.body, &struct{}{}); err != nil {
		return reply{}, err
	}
	b, err := r.store.OrderErasure(r.Context(), id, r.subject.actor(), a.Address(r.Request))
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusAccepted, body: showBuyer(b)}, nil
}

// withTrouble adds why the erasure does not get on.
func (a *api) withTrouble(b buyer) buyer {
	if a.ErasureTrouble != nil && b.Erasure != nil && b.Erasure.State == "erasing" {
		b.Erasure.Error = troubleOf(a.ErasureTrouble(b.ID))
	}
	return b
}

func (a *api) createBuyer(r *request) (reply, error) {
	var in call.Contact
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	in.Name, in.Email, in.Phone = strings.TrimSpace(in.Name), strings.TrimSpace(in.Email), strings.TrimSpace(in.Phone)
	if in.Seller != "" && !isID("sell_", in.Seller) {
		return reply{}, call.Invalid("seller", "not the id of a seller")
	}
	b, err := r.store.RegisterBuyer(r.Context(), r.subject.actor(), in)
	if err != nil {
		return reply{}, err
	}
	return created(showBuyer(b))
}

func (a *api) listBuyers(r *request) (reply, error) {
	q := r.URL.Query()
	after, limit, err := paging(q)
	if err != nil {
		return reply{}, err
	}
	f, err := peopleFilter(q)
	if err != nil {
		return reply{}, err
	}
	if f.Seller, err = idOf(q, "seller", "sell_"); err != nil {
		return reply{}, err
	}
	buyers, next, err := r.store.Buyers(r.Context(), f, after, limit)
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
	b, err := r.store.Buyer(r.Context(), id)
	if err != nil {
		return reply{}, err
	}
	return tagged(a.withTrouble(showBuyer(b)))
}

// contactInput is what may be said of a buyer later; nil is not said.
type contactInput struct {
	Name      *string `json:"name"`
	Email     *string `json:"email"`
	Phone     *string `json:"phone"`
	Language  *string `json:"language"`
	Reference *string `json:"reference"`
	TimeZone  *string `json:"time_zone"`
}

func (in contactInput) over(c call.Contact) call.Contact {
	return call.Contact{
		Name:      strings.TrimSpace(or(in.Name, c.Name)),
		Email:     strings.TrimSpace(or(in.Email, c.Email)),
		Phone:     strings.TrimSpace(or(in.Phone, c.Phone)),
		Language:  or(in.Language, c.Language),
		Reference: or(in.Reference, c.Reference),
		TimeZone:  or(in.TimeZone, c.TimeZone),
		Seller:    c.Seller,
	}
}

func (a *api) changeBuyer(r *request) (reply, error) {
	id, err := r.pathID("id", "buy_")
	if err != nil {
		return reply{}, err
	}
	var in contactInput
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	b, err := r.store.ChangeBuyer(r.Context(), id, r.subject.actor(), func(b call.Buyer) (call.Contact, error) {
		return in.over(b.Contact), r.ifMatch(showBuyer(b))
	})
	if err != nil {
		return reply{}, err
	}
	return tagged(showBuyer(b))
}
