package main

import (
	"context"
	"fmt"

	"github.com/alecthomas/kong"

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
	fmt.Fprintln(p.out, "Showroom at", a.url)
	return a.run(p.soon, p.now)
}

type keyCommand struct {
	Name  string `arg:"" help:"What the key is for, such as crm."`
	Scope string `default:"crm" enum:"crm,read" help:"crm for everything, or read for a key that changes nothing."`
	Data  string `default:"data" help:"Folder of the server's --data." type:"path"`
}

func (k *keyCommand) Run(p *process) error {
	db, err := kv.OpenBolt(databaseFile(k.Data))
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := store.New(db, clock)
	if err != nil {
		return err
	}
	secret, _, err := s.CreateKey(context.Background(), k.Name, k.Scope)
	if err != nil {
		return fmt.Errorf("make API key: %w", err)
	}
	fmt.Fprintln(p.out, secret)
	return nil
}
