package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"showroom/call"
	"showroom/signaling/notify"
	"showroom/signaling/rest"
	"showroom/store"
)

// openNotify makes what tells the CRM of the log; nothing is sent before run.
func (a *app) openNotify() error {
	guard, err := notify.NewGuard(a.cfg.WebhookNetworks)
	if err != nil {
		return err
	}
	a.webhooks = &notify.Webhooks{Log: a.store, Hooks: a.store, Client: guard.Client(), Logger: a.log, Now: a.clock, Message: a.messageOf}
	return nil
}

// openOutbox makes what tells people. It needs the address of the pages and the tokens of links.
func (a *app) openOutbox() error {
	var channels []notify.Channel
	from := ""
	switch {
	case a.sandbox != nil:
		channels = append(channels, capturedMail{&a.sandbox.captured})
	case a.cfg.SMTP.Host != "":
		email, err := notify.NewEmail(a.cfg.SMTP.email())
		if err != nil {
			return fmt.Errorf("mail: %w", err)
		}
		channels, from = append(channels, email), email.Address()
	}
	pushed, err := a.openPush()
	if err != nil {
		return err
	}
	channels = append(channels, pushed)
	a.writer = notify.NewWriter(a.url, from, a.tokens.Issue)
	policy := call.Policy{Reminders: slices.DeleteFunc(slices.Clone(a.cfg.Reminders), func(d time.Duration) bool { return d == 0 }), Again: a.cfg.WaitingAgain, Colleague: a.cfg.WaitingColleague}
	a.outbox = notify.NewOutbox(a.store, channels, policy, a.writer, func() string { return store.NewID("link_") }, a.log, a.clock)
	return nil
}

// tell runs what tells the CRM and people until the followers stop.
func (a *app) tell() {
	a.wg.Go(func() { a.webhooks.Run(a.follow) })
	a.wg.Go(func() { a.outbox.Run(a.follow) })
}

// messageOf is a message as webhooks are sent it.
func (a *app) messageOf(ctx context.Context, conference, id string) (any, error) {
	c, err := a.store.Case(ctx, conference)
	if err != nil {
		return nil, err
	}
	m, known := c.Conference.Messages[id]
	if !known {
		return nil, call.ErrNotFound
	}
	return rest.ShowMessage(call.Placed{Case: c, Message: m}, wording{a})
}

// wording gives the API the words of messages and how they fare.
type wording struct{ *app }

func (w wording) Word(c call.Case, m call.Message) (rest.Worded, error) {
	out, err := w.writer.Write(c, m)
	return rest.Worded{Subject: out.Subject, Text: out.Text, URL: out.URL, Calendar: string(out.Calendar)}, err
}

func (w wording) Tries(conference, message string) (all []rest.Try) {
	for _, t := range w.outbox.Tries(conference, message) {
		all = append(all, rest.Try{Channel: t.Channel, Failures: t.Failures, Error: t.Err.Error(), Next: t.Next})
	}
	return all
}

func (w wording) Channels() []string { return w.outbox.Channels() }

const longestReminder = 7 * 24 * time.Hour

// checkMessages checks what says when and how people are told.
func (c *Config) checkMessages() error {
	for _, d := range c.Reminders {
		if d < 0 || d > longestReminder || d%time.Minute != 0 {
			return fmt.Errorf("--reminders: %s is not a number of whole minutes up to 7 days", d)
		}
	}
	if c.WaitingAgain < 0 || c.WaitingColleague < 0 {
		return errors.New("--waiting-again and --waiting-colleague cannot be negative")
	}
	if c.SMTP.Host == "" {
		if c.SMTP.From != "" || c.SMTP.User != "" {
			return errors.New("--smtp-from and --smtp-user need --smtp-host")
		}
		return nil
	}
	if c.SMTP.From == "" {
		return errors.New("--smtp-host needs --smtp-from, the address that mail comes from")
	}
	if c.SMTP.User != "" && c.SMTP.Security == "none" {
		return errors.New("--smtp-security none would send the password of --smtp-user in clear")
	}
	if _, err := notify.NewEmail(c.SMTP.email()); err != nil {
		return fmt.Errorf("--smtp-from: %w", err)
	}
	return nil
}

func (s SMTP) email() notify.EmailConfig {
	return notify.EmailConfig{Host: s.Host, Port: s.Port, Security: s.Security, User: s.User, Password: s.Password, From: s.From}
}
