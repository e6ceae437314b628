package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"showroom/call"
	"showroom/call/player"
	"showroom/recorder"
	"showroom/sfu"
	"showroom/signaling"
	"showroom/signaling/notify"
	"showroom/signaling/rest"
	"showroom/store"
	"showroom/store/kv"
	"showroom/store/object"
)

// app is the wired server. Parts are opened in the order of the fields and closed in the opposite one.
type app struct {
	cfg Config
	log *slog.Logger
	url string // how people reach it

	db       kv.DB
	store    *store.Store
	objects  objects
	recorder *recorder.Recorder
	keeper   *keeper
	misses   *misses
	composer *composer // nil: recordings are not composed
	eraser   *eraser
	media    *sfu.Server
	player   *player.Native
	tokens   *signaling.Tokens
	hub      *signaling.Hub
	webhooks *notify.Webhooks
	writer   *notify.Writer
	outbox   *notify.Outbox

	platforms  []call.Platform // that messages can be pushed to
	webPushKey string
	listener   net.Listener
	http       *http.Server
	debug      *http.Server // nil: none

	ahead   atomic.Int64 // how far the sandbox's clock is, ns; else 0
	sandbox *sandbox     // nil: none

	closing      chan struct{}  // closed when the HTTP server stops
	live         sync.WaitGroup // sockets of live events
	closeObjects func() error
	head         uint64          // of the log, when this process began
	follow       context.Context // of followers and tails
	stopFollow   context.CancelFunc
	wg           sync.WaitGroup
}

func databaseFile(data string) string { return filepath.Join(data, "showroom.db") }

// open makes all parts; nothing is served before run.
func open(cfg Config, log *slog.Logger) (*app, error) {
	a := &app{cfg: cfg, log: log, closing: make(chan struct{})}
	a.follow, a.stopFollow = context.WithCancel(context.Background())
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"database", a.openStore},
		{"object store", a.openObjects},
		{"recorder", a.openRecorder},
		{"composer", a.openComposer},
		{"eraser", a.openEraser},
		{"media", a.openMedia},
		{"notifications", a.openNotify},
		{"http", a.openHTTP},
		{"debug", a.openDebug},
	} {
		if err := step.do(); err != nil {
			return nil, errors.Join(fmt.Errorf("open %s: %w", step.what, err), a.close())
		}
	}
	return a, nil
}

func (a *app) openStore() error {
	if err := os.MkdirAll(a.cfg.Data, 0o700); err != nil {
		return err
	}
	db, err := kv.OpenBolt(databaseFile(a.cfg.Data))
	if err != nil {
		return err
	}
	a.db = db
	if a.store, err = store.New(db, a.clock); err != nil {
		return err
	}
	if err := a.enterMode(context.Background()); err != nil {
		return err
	}
	if a.cfg.Sandbox {
		a.sandbox = &sandbox{app: a, captured: captures{now: a.clock}}
		a.log.Warn("this is a sandbox: its clock can be set forward, and nothing is sent to people", "now", a.clock().UTC().Format(time.RFC3339))
	}
	a.misses = newMisses(a.store, a.cfg.NoShowAfter, a.log, a.clock)
	return nil
}

func (a *app) openObjects() error {
	c := a.cfg.S3
	if c.Endpoint == "" {
		disk, err := object.NewDisk(filepath.Join(a.cfg.Data, "objects"))
		if err != nil {
			return err
		}
		a.objects, a.closeObjects = disk, disk.Close
		return nil
	}
	s3, err := object.NewS3(object.S3Config{Endpoint: c.Endpoint, Region: c.Region, Bucket: c.Bucket, Prefix: c.Prefix,
		AccessKey: c.AccessKey, SecretKey: c.SecretKey, TLS: !c.Plain, PathStyle: true})
	if err != nil {
		return err
	}
	a.objects, a.closeObjects = s3, s3.Close
	return nil
}

func (a *app) openRecorder() (err error) {
	a.recorder, err = recorder.New(recorder.Config{Dir: filepath.Join(a.cfg.Data, "spool"), Log: a.log, Now: a.clock})
	a.keeper = newKeeper(a.store, a.recorder, a.objects, a.log, a.clock)
	return err
}

func (a *app) openMedia() (err error) {
	a.media, err = sfu.New(sfu.Config{UDP: a.cfg.MediaUDP, Engines: a.cfg.engines(), TCP: a.cfg.MediaTCP, Addresses: a.cfg.MediaAddresses, PeersPerRoom: a.cfg.Participants, Log: a.log})
	if err != nil {
		return err
	}
	a.player = player.NewNative(a.media, a.recorder, a.store, a.log)
	return nil
}

// openHTTP listens, and wires signaling, API and pages.
func (a *app) openHTTP() error {
	listener, err := net.Listen("tcp", a.cfg.Listen)
	if err != nil {
		return err
	}
	a.listener = listener
	a.url = a.cfg.publicURL(listener.Addr())
	ctx := context.Background()
	join, err := a.store.Secret(ctx, "join_tokens", 32)
	if err != nil {
		return err
	}
	files, err := a.store.Secret(ctx, "file_links", 32)
	if err != nil {
		return err
	}
	if err := a.openHub(join); err != nil {
		return err
	}
	if err := a.openOutbox(); err != nil {
		return err
	}
	config := rest.Config{Store: a.store, Tokens: a.tokens, Objects: a.objects, Local: a.recorder.Local, Live: a.liveFiles, OpenLive: a.recorder.OpenLive,
		Keeper: a.keeper, ErasureTrouble: a.eraser.Trouble, Words: wording{a}, SigningKey: files,
		PublicURL: a.url, Origins: a.cfg.Origins, Address: a.clientAddress, Closing: a.closing, Sockets: &a.live, Log: a.log, Now: a.clock, Manifest: a.manifestText,
		Platforms: a.platforms, WebPushKey: a.webPushKey, PlainWebhooks: len(a.cfg.WebhookNetworks) > 0, TestWebhook: a.webhooks.Test}
	if a.composer != nil {
		config.Composing = a.composer.Progress
	}
	if a.sandbox != nil {
		config.Sandbox = a.sandbox
	}
	api, err := rest.New(config)
	if err != nil {
		return err
	}
	a.http = a.server(api)
	return nil
}

// run serves until soon ends, drains, and closes. It returns when everything is closed.
func (a *app) run(soon, now context.Context) error {
	if err := a.recover(now); err != nil {
		return errors.Join(err, a.close())
	}
	a.wg.Go(a.tail)
	a.wg.Go(func() { a.keeper.run(a.follow) })
	a.wg.Go(func() { a.eraser.run(a.follow) })
	a.wg.Go(func() { a.misses.run(a.follow) })
	if a.composer != nil {
		a.wg.Go(func() { a.composer.run(a.follow) })
	}
	a.tell()
	served := make(chan error, 1)
	go func() { served <- a.serve() }()
	a.log.Info("serving", "url", a.url, "http", a.listener.Addr(), "udp", a.media.UDPAddr(), "tcp", a.media.TCPAddr())
	select {
	case err := <-served:
		return errors.Join(err, a.close())
	case <-soon.Done():
	}
	a.drain(now)
	return a.close()
}

// drain takes no new calls and waits for those that run, until now ends or the time is up.
func (a *app) drain(now context.Context) {
	a.hub.Drain()
	a.log.Info("draining", "calls", a.hub.Stats().Conferences, "at_most", a.cfg.DrainTimeout)
	ctx, cancel := context.WithTimeout(now, a.cfg.DrainTimeout)
	defer cancel()
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	for a.hub.Stats().Conferences > 0 {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

const closeTimeout = 20 * time.Second // for recordings, sockets and requests under way

// close closes what is open, the edge first. What cannot be finished in time is taken up at the next start.
func (a *app) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var errs []error
	if a.sandbox != nil {
		a.sandbox.closeVisitors()
	}
	if a.hub != nil {
		errs = append(errs, a.hub.Close(ctx))
	}
	close(a.closing)
	if a.http != nil {
		errs = append(errs, a.http.Shutdown(ctx))
		a.live.Wait()
	} else if a.listener != nil {
		errs = append(errs, a.listener.Close())
	}
	if a.debug != nil {
		errs = append(errs, a.debug.Close())
	}
	if a.media != nil {
		errs = append(errs, a.media.Close())
	}
	if a.recorder != nil {
		errs = append(errs, a.recorder.Close(ctx))
	}
	if a.player != nil {
		errs = append(errs, a.player.Close(ctx))
	}
	a.stopFollow()
	a.wg.Wait()
	if a.closeObjects != nil {
		errs = append(errs, a.closeObjects())
	}
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	return errors.Join(errs...)
}

// recover says of calls that the last process left behind what became of them.
func (a *app) recover(ctx context.Context) error {
	head, err := a.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	a.head = head
	ids, err := a.store.Unfinished(ctx)
	if err != nil {
		return fmt.Errorf("look for unfinished calls: %w", err)
	}
	for _, id := range ids {
		if _, _, err := a.store.Apply(ctx, id, call.Recover); err != nil {
			return fmt.Errorf("recover call %s: %w", id, err)
		}
		a.log.Info("call was interrupted", "call", id)
		a.hub.Watch(id)
	}
	if err := a.salvage(ctx); err != nil { // what could not be told stays in the spool for the next start
		a.log.Error("recordings of the last process", "err", err)
	}
	return nil
}
