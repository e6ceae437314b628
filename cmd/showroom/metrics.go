package main

import (
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"showroom/call"
	"showroom/sfu"
	"showroom/signaling"
	"showroom/signaling/rest"
)

// measure is one line of /metrics: where its value is.
type measure struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*reading) float64
}

// reading is what all measures of one scrape are taken from.
type reading struct {
	media sfu.ServerStats
	hub   signaling.Stats
	keep  rest.Waiting

	messages, unsent int
}

func counter(name, help string, value func(*reading) uint64) measure {
	return measure{prometheus.NewDesc("showroom_"+name, help, nil, nil), prometheus.CounterValue, func(r *reading) float64 { return float64(value(r)) }}
}

func gauge(name, help string, value func(*reading) int) measure {
	return measure{prometheus.NewDesc("showroom_"+name, help, nil, nil), prometheus.GaugeValue, func(r *reading) float64 { return float64(value(r)) }}
}

var measures = []measure{
	gauge("rooms", "Rooms that are open.", func(r *reading) int { return r.media.Rooms }),
	gauge("peers", "Participants with a media connection.", func(r *reading) int { return r.media.Peers }),
	gauge("tracks", "Tracks that are published.", func(r *reading) int { return r.media.Tracks }),
	gauge("sockets", "Signaling sockets.", func(r *reading) int { return r.hub.Sockets }),
	gauge("conferences", "Conferences with somebody in them or at the door.", func(r *reading) int { return r.hub.Conferences }),
	gauge("participants", "Participants in conferences.", func(r *reading) int { return r.hub.Participants }),
	gauge("recordings_waiting", "Conferences whose recording is being uploaded or deleted, or waits for it.", func(r *reading) int { return r.keep.Conferences }),
	gauge("recordings_failing", "Those of them whose last try failed. Should be 0.", func(r *reading) int { return r.keep.Failing }),
	gauge("messages_waiting", "Messages to people that are to be sent, by each channel.", func(r *reading) int { return r.messages }),
	gauge("messages_failing", "Those of them whose last try failed. Should be 0.", func(r *reading) int { return r.unsent }),
	gauge("joins_waiting", "Participants who wait for their turn to join: many come at once, and media goes first.", func(r *reading) int { return r.media.Waiting }),

	counter("media_received_packets_total", "RTP packets from publishers.", func(r *reading) uint64 { return r.media.ReceivedPackets }),
	counter("media_received_bytes_total", "Payload of RTP packets from publishers.", func(r *reading) uint64 { return r.media.ReceivedBytes }),
	counter("media_forwarded_packets_total", "RTP packets to subscribers.", func(r *reading) uint64 { return r.media.ForwardedPackets }),
	counter("media_forwarded_bytes_total", "Payload of RTP packets to subscribers.", func(r *reading) uint64 { return r.media.ForwardedBytes }),
	counter("media_lost_packets_total", "RTP packets of publishers that never came.", func(r *reading) uint64 { return r.media.Lost }),
	counter("media_duplicate_packets_total", "RTP packets that came twice or too late.", func(r *reading) uint64 { return r.media.Duplicates }),
	counter("media_unreadable_packets_total", "Packets that are not RTP or RTCP, or of no negotiated payload type.", func(r *reading) uint64 { return r.media.ParseErrors }),
	counter("media_resent_packets_total", "Retransmissions to subscribers.", func(r *reading) uint64 { return r.media.Resent }),
	counter("media_resend_refused_total", "Retransmissions asked for and not made: too often, too old or over the budget.", func(r *reading) uint64 { return r.media.ResendRefused }),
	counter("media_unsendable_packets_total", "Packets that could not be written to a participant's connection.", func(r *reading) uint64 { return r.media.Dropped }),
	counter("media_shed_packets_total", "Packets that an overloaded engine did not carry.", func(r *reading) uint64 { return r.media.Shed }),
	gauge("media_reduced_peers", "Participants that do not get all of their media because an engine is overloaded.", func(r *reading) int { return r.media.Reduced }),
	counter("media_panics_total", "Panics contained in packet loops. Must be 0: please report it.", func(r *reading) uint64 { return r.media.Panics }),
	counter("tcp_dropped_packets_total", "Packets that slow ICE-TCP clients did not take in time.", func(r *reading) uint64 { return r.media.TCPDropped }),
	counter("udp_limited_packets_total", "Packets of sources that sent more than anybody needs to.", func(r *reading) uint64 { return r.media.UDPLimited }),
	counter("udp_reads_total", "Calls that read media sockets.", func(r *reading) uint64 { return r.media.UDP.Reads }),
	counter("udp_read_datagrams_total", "Datagrams they gave. Divided by the calls: the batch size.", func(r *reading) uint64 { return r.media.UDP.Read }),
	counter("udp_read_errors_total", "Reads that failed.", func(r *reading) uint64 { return r.media.UDP.Failed }),
	counter("udp_writes_total", "Calls that wrote media.", func(r *reading) uint64 { return r.media.UDP.Writes }),
	counter("udp_written_datagrams_total", "Datagrams they took.", func(r *reading) uint64 { return r.media.UDP.Written }),
	counter("udp_segmented_datagrams_total", "Of these, those that shared a message (UDP_SEGMENT).", func(r *reading) uint64 { return r.media.UDP.SegmentedSent }),
	counter("udp_write_dropped_total", "Datagrams the kernel did not take.", func(r *reading) uint64 { return r.media.UDP.Dropped }),
	counter("udp_receive_dropped_total", "Datagrams the kernel dropped because they were not read in time.", func(r *reading) uint64 { return r.media.Overflowed }),
	gauge("udp_receive_queue_bytes", "What waits in media sockets to be read.", func(r *reading) int { return r.media.Queued }),
	counter("media_busy_microseconds_total", "Time spent handling batches. Its rate is the load of the media goroutines.", func(r *reading) uint64 { return uint64(r.media.UDP.Busy.Microseconds()) }),
	gauge("media_loop_lag_microseconds", "The longest batch of the last second: how long a packet may have waited behind others.", func(r *reading) int { return int(r.media.Longest.Microseconds()) }),
}

// Describe is a prometheus.Collector's.
func (a *app) Describe(c chan<- *prometheus.Desc) {
	for _, m := range measures {
		c <- m.desc
	}
}

// Collect reads everything once.
func (a *app) Collect(c chan<- prometheus.Metric) {
	r := &reading{media: a.media.Stats(), hub: a.hub.Stats(), keep: a.keeper.Waiting()}
	r.messages, r.unsent = a.outbox.Waiting()
	for _, m := range measures {
		c <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(r))
	}
}

// metrics answers /metrics.
func (a *app) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(a, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// withKey lets in who has an API key of any scope: how many calls there are is nobody else's business.
func (a *app) withKey(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		_, err := a.store.Key(r.Context(), strings.TrimSpace(key))
		switch {
		case !strings.EqualFold(scheme, "Bearer") || errors.Is(err, call.ErrNotFound):
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "an API key is needed: Authorization: Bearer sk_…", http.StatusUnauthorized)
		case err != nil:
			a.log.Error("look up API key", "err", err)
			http.Error(w, "database", http.StatusServiceUnavailable)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// openDebug listens where metrics and profiles are open to whoever can connect, if that is configured.
func (a *app) openDebug() error {
	if a.cfg.DebugListen == "" {
		return nil
	}
	listener, err := net.Listen("tcp", a.cfg.DebugListen)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics())
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	a.debug = &http.Server{Handler: mux, ReadHeaderTimeout: readHeaderTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: newHTTPLog(a.log)}
	a.wg.Go(func() {
		if err := a.debug.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("serve metrics and profiles", "err", err)
		}
	})
	return nil
}
