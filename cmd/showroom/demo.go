package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"showroom/call"
	"showroom/signaling/rest"
	"showroom/store"
)

type demoCommand struct {
	settings `embed:""`
	Minutes  int    `default:"60" help:"Minutes that the demo seller has left this month."`
	Language string `default:"en" enum:"en,pt-BR,es" help:"Language of the demo's pages: en, pt-BR or es."`
}

func (d *demoCommand) Run(p *process) error {
	a, err := open(d.Config, d.logger(p.err))
	if err != nil {
		return err
	}
	links, err := a.demo(p.now, d.Minutes, d.Language)
	if err != nil {
		return errors.Join(fmt.Errorf("make demo: %w", err), a.close())
	}
	fmt.Fprintf(p.out, `
Showroom is running. Open the two links in two tabs, let the buyer in, and hang up:
the recording is on the conference's page in the console.

  Seller   %s
  Buyer    %s
  Console  %s/console#key=%s

API key    %s   (for development; it is in %s)
Ctrl-C stops it.

`, links.seller, links.buyer, a.url, links.key, links.key, demoKeyFile(d.Data))
	return a.run(p.soon, p.now)
}

type demoLinks struct{ conference, seller, buyer, key string }

// demoReference marks the seller and the buyer of demos in the CRM's own field.
const demoReference = "showroom-demo"

// demo makes a conference that begins now, between a seller with so many minutes left and a buyer.
func (a *app) demo(ctx context.Context, minutes int, language string) (links demoLinks, err error) {
	if links.key, err = a.demoKey(ctx); err != nil {
		return links, err
	}
	seller, err := a.demoSeller(ctx, minutes, language)
	if err != nil {
		return links, err
	}
	buyer, err := a.demoBuyer(ctx, language)
	if err != nil {
		return links, err
	}
	subject := map[string]string{"en": "Fiat Pulse 2025, walk-around", "pt-BR": "Fiat Pulse 2025, volta pelo carro", "es": "Fiat Pulse 2025, recorrido"}[language]
	links.conference = store.NewID("conf_")
	_, err = a.store.Schedule(ctx, seller.ID, buyer.ID, call.Schedule(links.conference, call.System, call.Plan{
		Subject: subject, StartsAt: a.clock().Truncate(time.Minute), Length: 30 * time.Minute, Language: language, Recording: call.RecordingOn, AllowOverlap: true}))
	if err != nil {
		return links, err
	}
	if links.seller, err = a.demoLink(ctx, links.conference, call.RoleSeller); err != nil {
		return links, err
	}
	links.buyer, err = a.demoLink(ctx, links.conference, call.RoleBuyer)
	return links, err
}

// demoLink issues an access link.
func (a *app) demoLink(ctx context.Context, conference string, role call.Role) (string, error) {
	id, expires := store.NewID("link_"), a.clock().Add(12*time.Hour)
	c, _, err := a.store.Apply(ctx, conference, call.IssueLink(id, call.System, role, "", expires))
	if err != nil {
		return "", err
	}
	token, err := a.tokens.Issue(call.PassOf(conference, c.Conference.Links[id]))
	if err != nil {
		return "", err
	}
	return a.url + "/join#" + token, nil
}

func demoKeyFile(data string) string { return filepath.Join(data, "demo.key") }

// demoKey is the API key of demos in this data folder, made at the first.
func (a *app) demoKey(ctx context.Context) (string, error) {
	file := demoKeyFile(a.cfg.Data)
	if text, err := os.ReadFile(file); err == nil {
		secret := strings.TrimSpace(string(text))
		if _, err := a.store.Key(ctx, secret); err == nil {
			return secret, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	secret, _, err := a.store.CreateKey(ctx, call.Key{Name: "demo", Scope: rest.ScopeOperator})
	if err != nil {
		return "", err
	}
	return secret, os.WriteFile(file, []byte(secret+"\n"), 0o600)
}

// demoSeller is the demo's seller, with so many minutes left from now on.
func (a *app) demoSeller(ctx context.Context, minutes int, language string) (call.Seller, error) {
	sellers, _, err := a.store.Sellers(ctx, call.PeopleFilter{Text: demoReference}, "", 200)
	if err != nil {
		return call.Seller{}, err
	}
	profile := call.Profile{Name: "Ana Ribeiro", TimeZone: "America/Sao_Paulo", Language: language, MonthlyMinutes: minutes, Reference: demoReference}
	for _, s := range sellers {
		if s.Reference == demoReference {
			used := s.Usage(s.Month(a.clock())).Used
			profile.MonthlyMinutes = minutes + (used+59)/60
			return a.store.ChangeSeller(ctx, s.ID, call.System, func(call.Seller) (call.Profile, error) { return profile, nil })
		}
	}
	return a.store.RegisterSeller(ctx, call.System, profile)
}

func (a *app) demoBuyer(ctx context.Context, language string) (call.Buyer, error) {
	buyers, _, err := a.store.Buyers(ctx, call.PeopleFilter{Text: demoReference}, "", 200)
	if err != nil {
		return call.Buyer{}, err
	}
	for _, b := range buyers {
		if b.Reference == demoReference {
			return b, nil
		}
	}
	return a.store.RegisterBuyer(ctx, call.System, call.Contact{Name: "Bruno Lima", Language: language, Reference: demoReference})
}
