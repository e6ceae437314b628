package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"showroom/call"
	"showroom/signaling/rest"
	"showroom/store"
	"showroom/store/kv"
)

type settings struct {
	File   kong.ConfigFlag `name:"config" help:"YAML file with these settings, by the flags' names." placeholder:"FILE"`
	Config `embed:""`
}

type serveCommand struct {
	settings `embed:""`
}

func (s *serveCommand) Run(p *process) error {
	a, err := open(s.Config, s.logger(p.err))
	if err != nil {
		return err
	}
	file, err := a.bootstrap(p.now)
	if err != nil {
		return errors.Join(fmt.Errorf("make the first API key: %w", err), a.close())
	}
	if file != "" {
		fmt.Fprintf(p.out, "The first API key, an operator's, is in %s: sign in with it at %s/console, and keep it safe.\n", file, a.url)
	}
	fmt.Fprintln(p.out, "Showroom at", a.url)
	return a.run(p.soon, p.now)
}

type keyCommand struct {
	Name   string `arg:"" help:"What the key is for, such as crm."`
	Scope  string `default:"crm" enum:"operator,crm,seller,read" help:"operator for everything; crm for all but the API keys; seller for what belongs to one seller; read for a key that changes nothing."`
	Seller string `help:"Id of the seller whom a key of the scope seller is for." placeholder:"sell_…"`
	Data   string `default:"data" help:"Folder of the server's --data." type:"path"`
}

func (k *keyCommand) Run(p *process) error {
	if err := rest.CheckScope(k.Scope, k.Seller); err != nil {
		return err
	}
	db, err := kv.OpenBolt(databaseFile(k.Data))
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := store.New(db, time.Now)
	if err != nil {
		return err
	}
	secret, _, err := s.CreateKey(context.Background(), call.Key{Name: k.Name, Scope: k.Scope, Seller: k.Seller})
	if err != nil {
		return fmt.Errorf("make API key: %w", err)
	}
	fmt.Fprintln(p.out, secret)
	return nil
}
