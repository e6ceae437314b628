package main

import (
	"showroom/signaling/notify"
)

// openNotify makes what tells the world of the log; nothing is sent before run.
func (a *app) openNotify() error {
	guard, err := notify.NewGuard(a.cfg.WebhookNetworks)
	if err != nil {
		return err
	}
	a.webhooks = &notify.Webhooks{Log: a.store, Hooks: a.store, Client: guard.Client(), Logger: a.log, Now: clock}
	return nil
}

// tell runs what openNotify made until the followers stop.
func (a *app) tell() {
	a.wg.Go(func() { a.webhooks.Run(a.follow) })
}
