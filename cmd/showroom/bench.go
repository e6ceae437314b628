package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"showroom/call"
	"showroom/signaling"
	"showroom/signaling/rest"
	"showroom/store"
	"showroom/store/kv"
	"showroom/store/object"
)

// benchCommand fills a store of its own and measures the API on it, to see how what it takes grows.
type benchCommand struct {
	Conferences []int  `default:"10000,1000000" help:"How many conferences there are when it is measured, ascending."`
	Requests    int    `default:"1000" help:"How many requests of each kind are measured."`
	Data        string `help:"Empty folder for the store, which stays. Default: a temporary one, which goes." type:"path" placeholder:"DIR"`
}

const (
	benchBatch   = 5000                     // conferences in one transaction
	benchSellers = 1000                     // each conference's is one of them
	perBuyer     = 5                        // conferences
	benchSpan    = 2 * 365 * 24 * time.Hour // over which they are planned
	benchSample  = 10_000                   // ids that are remembered for reading
)

// bench is a filled store and its API on a loopback port.
type bench struct {
	store  *store.Store
	url    string
	secret string
	client http.Client
	rnd    *rand.Rand
	begin  time.Time

	sellers, buyers, sample []string
	made                    int // conferences
}

func (c *benchCommand) Run(p *process) (err error) {
	if !slices.IsSorted(c.Conferences) || len(c.Conferences) == 0 || c.Conferences[0] < 1 || c.Requests < 1 {
		return errors.New("--conferences wants ascending numbers from 1 on, and --requests at least 1")
	}
	dir := c.Data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "showroom-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		return errors.Join(err, fmt.Errorf("--data %s: an empty folder is needed", dir))
	}
	db, err := kv.OpenBolt(databaseFile(dir))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := store.New(db, time.Now)
	if err != nil {
		return err
	}
	b := &bench{store: s, rnd: rand.New(rand.NewPCG(1, 2)), begin: time.Now().Add(24 * time.Hour)}
	stop, err := b.serve(dir)
	if err != nil {
		return err
	}
	defer stop()
	var before []figure
	for _, n := range c.Conferences {
		began := time.Now()
		if err := b.fill(p.soon, n, p.err); err != nil {
			return err
		}
		took := time.Since(began)
		info, err := os.Stat(databaseFile(dir))
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "\n%d conferences (%d sellers, %d buyers), %.1f GiB, filled in %s\n", b.made, len(b.sellers), len(b.buyers), float64(info.Size())/(1<<30), took.Round(time.Second))
		now, err := b.measure(p.soon, c.Requests)
		if err != nil {
			return err
		}
		printFigures(p.out, now, before)
		before = now
	}
	return nil
}

// serve puts the API of the real server on a loopback port.
func (b *bench) serve(dir string) (stop func(), err error) {
	disk, err := object.NewDisk(filepath.Join(dir, "objects"))
	if err != nil {
		return nil, err
	}
	tokens, err := signaling.NewTokens([]signaling.Key{{ID: "1", Secret: make([]byte, 32)}})
	if err != nil {
		return nil, err
	}
	if b.secret, _, err = b.store.CreateKey(context.Background(), call.Key{Name: "bench", Scope: rest.ScopeOperator}); err != nil {
		return nil, err
	}
	none := func(string, string) (io.ReadSeekCloser, error) { return nil, os.ErrNotExist }
	api, err := rest.New(rest.Config{Store: b.store, Tokens: tokens, Objects: disk, Local: none, SigningKey: make([]byte, 32), PublicURL: "http://localhost", Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Manifest: func(context.Context, string) ([]byte, error) { return nil, os.ErrNotExist }, Words: wording{&app{}}}) // nobody asks it
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.url = "http://" + listener.Addr().String() + "/api/v1"
	server := &http.Server{Handler: api, ReadHeaderTimeout: readHeaderTimeout}
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = server.Serve(listener) // until it is closed
	}()
	return func() {
		b.client.CloseIdleConnections()
		server.Close()
		<-over
		disk.Close()
	}, nil
}

// fill adds conferences by the rules that the API applies, many in one commit, until there are n. Every tenth one is cancelled.
func (b *bench) fill(ctx context.Context, n int, progress io.Writer) error {
	for b.made < n {
		err := b.store.Bulk(ctx, func(bulk *store.Bulk) error {
			for len(b.sellers) < benchSellers {
				s, err := bulk.RegisterSeller("key_bench", call.Profile{Name: fmt.Sprint("Seller ", len(b.sellers)), TimeZone: "America/Sao_Paulo", Language: "pt-BR", MonthlyMinutes: 600})
				if err != nil {
					return err
				}
				b.sellers = append(b.sellers, s.ID)
			}
			// In a small store all of a batch comes onto few pages, which bbolt splits at the commit only.
			for range min(n-b.made, max(200, min(benchBatch, b.made/20))) {
				if err := b.conference(bulk); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if b.made%100_000 < min(benchBatch, b.made/20+1) {
			fmt.Fprintf(progress, "%d of %d\n", b.made, n)
		}
	}
	return nil
}

func (b *bench) conference(bulk *store.Bulk) error {
	i := b.made
	if i%perBuyer == 0 {
		c, err := bulk.RegisterBuyer("key_bench", call.Contact{Name: fmt.Sprintf("Buyer %d da Silva", len(b.buyers)), Email: fmt.Sprintf("buyer%d@example.com", len(b.buyers)), Phone: fmt.Sprint("+55 11 9", 10_000_000+len(b.buyers))})
		if err != nil {
			return err
		}
		b.buyers = append(b.buyers, c.ID)
	}
	plan := call.Plan{Subject: "Fiat Pulse 2025, automatic", StartsAt: b.begin.Add(time.Duration(b.rnd.Int64N(int64(benchSpan)))).Truncate(time.Minute), Length: 30 * time.Minute, Recording: call.RecordingOn, AllowOverlap: true}
	made, err := bulk.Schedule(b.sellers[b.rnd.IntN(len(b.sellers))], b.buyers[len(b.buyers)-1], call.Schedule(store.NewID("conf_"), "key_bench", plan))
	if err != nil {
		return err
	}
	id := made.Conference.ID
	if i%10 == 0 {
		if _, _, err := bulk.Apply(id, call.Cancel("key_bench", "")); err != nil {
			return err
		}
	}
	if b.made++; len(b.sample) < benchSample {
		b.sample = append(b.sample, id)
	} else if at := b.rnd.IntN(b.made); at < benchSample {
		b.sample[at] = id
	}
	return nil
}

// figure is how long one kind of request took.
type figure struct {
	name     string
	p50, p99 time.Duration
}

// measure asks n times for each, one request after the other on one connection.
func (b *bench) measure(ctx context.Context, n int) (all []figure, err error) {
	pick := func(ids []string) string { return ids[b.rnd.IntN(len(ids))] }
	when := func() string {
		return url.QueryEscape(b.begin.Add(time.Duration(b.rnd.Int64N(int64(benchSpan)))).UTC().Format(time.RFC3339))
	}
	for _, kind := range []struct {
		name string
		ask  func() error
	}{
		{"read one", func() error { return b.get(ctx, "/conferences/"+pick(b.sample)) }},
		{"list all, 50", func() error { return b.get(ctx, "/conferences?limit=50") }},
		{"list before a time, 50", func() error { return b.get(ctx, "/conferences?limit=50&to="+when()) }},
		{"list of a seller in a state, 50", func() error { return b.get(ctx, "/conferences?limit=50&state=scheduled&seller="+pick(b.sellers)) }},
		{"list of a buyer", func() error { return b.get(ctx, "/conferences?buyer="+pick(b.buyers)) }},
		{"buyers found by name", func() error { return b.get(ctx, "/buyers?limit=10&q="+fmt.Sprint(b.rnd.IntN(len(b.buyers)))) }},
		{"events of a seller, 50", func() error { return b.get(ctx, "/events?limit=50&seller="+pick(b.sellers)) }},
		{"create", func() error { return b.create(ctx, pick(b.sellers), pick(b.buyers)) }},
	} {
		took := make([]time.Duration, 0, n)
		for i := range n + n/10 {
			began := time.Now()
			if err := kind.ask(); err != nil {
				return nil, fmt.Errorf("%s: %w", kind.name, err)
			}
			if i >= n/10 { // the first ones warm up
				took = append(took, time.Since(began))
			}
		}
		slices.Sort(took)
		all = append(all, figure{kind.name, took[len(took)/2], took[len(took)*99/100]})
	}
	return all, nil
}

func (b *bench) get(ctx context.Context, path string) error {
	return b.do(ctx, http.MethodGet, path, nil, http.StatusOK)
}

func (b *bench) create(ctx context.Context, seller, buyer string) error {
	body, err := json.Marshal(map[string]any{"seller": seller, "buyer": buyer, "subject": "Fiat Pulse 2025, automatic", "allow_overlap": true,
		"starts_at": b.begin.Add(time.Duration(b.rnd.Int64N(int64(benchSpan)))).UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	return b.do(ctx, http.MethodPost, "/conferences", body, http.StatusCreated)
}

func (b *bench) do(ctx context.Context, method, path string, body []byte, want int) error {
	r, err := http.NewRequestWithContext(ctx, method, b.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+b.secret)
	answer, err := b.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != want {
		err = fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	return err
}

// printFigures is a table, with how much more it is than before.
func printFigures(w io.Writer, now, before []figure) {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "p50 ms\tp99 ms\t")
	if before != nil {
		fmt.Fprint(t, "p50 grew\tp99 grew\t")
	}
	fmt.Fprintln(t, "\t")
	ms := func(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d.Microseconds())/1000) }
	for i, f := range now {
		fmt.Fprintf(t, "%s\t%s\t", ms(f.p50), ms(f.p99))
		if before != nil {
			fmt.Fprintf(t, "%.2f\t%.2f\t", float64(f.p50)/float64(before[i].p50), float64(f.p99)/float64(before[i].p99))
		}
		fmt.Fprintln(t, f.name+"\t")
	}
	t.Flush()
}
