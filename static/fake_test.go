package static

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v4"
)

// message is any message of the protocol.
type message = map[string]any

// fake is a server that says what a test wants said, over the real contracts: pages, HTTP answers, the socket, and
// media that comes back to the page as another participant's.
type fake struct {
	t        *testing.T
	url      string
	api      http.Handler // for /api/v1/
	received chan message // everything from the page but ping, candidate and offer

	mu       sync.Mutex
	welcomes []message // one a join, the last one for all after it; an error or bye refuses
	joins    int
	socket   *websocket.Conn
	pc       *webrtc.PeerConnection
	answered chan struct{} // an offer was answered
	other    string        // whose the page's own media is made to be
	screen   bool          // the other's screen too
}

func newFake(t *testing.T, api http.Handler, origins ...string) *fake {
	t.Helper()
	f := &fake{t: t, api: api, received: make(chan message, 256), answered: make(chan struct{}, 16), other: "buyer"}
	mux := http.NewServeMux()
	mux.Handle("/", Handler(origins...))
	mux.HandleFunc("/ws", f.ws)
	if api != nil {
		mux.Handle("/api/v1/", api)
		mux.Handle("/api/openapi.json", api)
	}
	server := httptest.NewServer(mux)
	f.url = server.URL
	t.Cleanup(func() {
		f.drop()
		f.mu.Lock()
		if f.pc != nil {
			_ = f.pc.Close()
		}
		f.mu.Unlock()
		server.CloseClientConnections()
		server.Close()
	})
	return f
}

// send says something to the page.
func (f *fake) send(m message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.socket == nil {
		return
	}
	if err := f.socket.WriteJSON(m); err != nil {
		f.t.Logf("send %v: %v", m["type"], err)
	}
}

// drop breaks the socket as a network would.
func (f *fake) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.socket != nil {
		_ = f.socket.UnderlyingConn().Close()
	}
}

// expect waits for the next message of a type from the page.
func (f *fake) expect(kind string) message {
	f.t.Helper()
	deadline := time.After(within)
	for {
		select {
		case m := <-f.received:
			if m["type"] == kind {
				return m
			}
		case <-deadline:
			f.t.Fatalf("the page sent no %s", kind)
		}
	}
}

func (f *fake) welcome() message {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.welcomes[min(f.joins, len(f.welcomes)-1)]
	f.joins++
	return m
}

func (f *fake) ws(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	var join message
	if c.ReadJSON(&join) != nil {
		return
	}
	f.received <- join
	hello := f.welcome()
	f.mu.Lock()
	f.socket = c
	f.mu.Unlock()
	f.send(hello)
	if hello["type"] != "welcome" {
		return
	}
	for {
		var m message
		if c.ReadJSON(&m) != nil {
			return
		}
		switch m["type"] {
		case "ping":
			f.send(message{"type": "pong"})
		case "offer":
			f.answer(m)
		case "candidate":
			f.candidate(m)
		case "leave":
			f.received <- m
			f.send(message{"type": "bye", "reason": "left"})
			return
		default:
			f.received <- m
		}
	}
}

// answer connects and sends the page's own media back to it, as the other's.
func (f *fake) answer(m message) {
	engine := webrtc.SettingEngine{}
	engine.SetICEMulticastDNSMode(0)
	engine.SetIncludeLoopbackCandidate(true)
	engine.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	media := &webrtc.MediaEngine{}
	f.must(media.RegisterDefaultCodecs())
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(engine), webrtc.WithMediaEngine(media)).NewPeerConnection(webrtc.Configuration{})
	f.must(err)
	f.mu.Lock()
	old := f.pc
	f.pc = pc
	f.mu.Unlock()
	if old != nil {
		_ = old.Close()
	}
	f.must(pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: m["sdp"].(string)}))
	back := f.senders(pc)
	pc.OnTrack(func(in *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		for _, t := range pc.GetTransceivers() {
			if t.Receiver() == receiver {
				echo(pc, in, back[t.Mid()])
			}
		}
	})
	answer, err := pc.CreateAnswer(nil)
	f.must(err)
	gathered := webrtc.GatheringCompletePromise(pc)
	f.must(pc.SetLocalDescription(answer))
	<-gathered
	f.send(message{"type": "answer", "id": m["id"], "sdp": pc.LocalDescription().SDP})
	f.sendSlots(m["tracks"])
	f.answered <- struct{}{}
}

// senders puts a track on every section, by mid.
func (f *fake) senders(pc *webrtc.PeerConnection) map[string]*webrtc.TrackLocalStaticRTP {
	back := map[string]*webrtc.TrackLocalStaticRTP{}
	for _, t := range pc.GetTransceivers() {
		codec := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
		if t.Kind() == webrtc.RTPCodecTypeAudio {
			codec = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
		}
		track, err := webrtc.NewTrackLocalStaticRTP(codec, "back"+t.Mid(), "fake")
		f.must(err)
		_, err = pc.AddTrack(track)
		f.must(err)
		back[t.Mid()] = track
	}
	return back
}

func echo(pc *webrtc.PeerConnection, in *webrtc.TrackRemote, out *webrtc.TrackLocalStaticRTP) {
	_ = pc.WriteRTCP(keyframe(in))
	for {
		p, _, err := in.ReadRTP()
		if err != nil || out.WriteRTP(p) != nil {
			return
		}
	}
}

func (f *fake) sendSlots(tracks any) {
	slots := []message{}
	for mid, source := range tracks.(map[string]any) {
		kind := "video"
		if source == "mic" || source == "screen_audio" {
			kind = "audio"
		}
		who := f.other
		if source == "screen_audio" || source == "screen" && !f.screen {
			who = ""
		}
		slots = append(slots, message{"mid": mid, "participant": who, "source": source, "kind": kind})
	}
	f.send(message{"type": "slots", "slots": slots})
}

func (f *fake) candidate(m message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pc != nil {
		mid, _ := m["mid"].(string)
		_ = f.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: m["candidate"].(string), SDPMid: &mid})
	}
}

// must gives up the request. That the PeerConnection was closed meanwhile is no failure: a newer one took its place, or the test is over.
func (f *fake) must(err error) {
	if err == nil {
		return
	}
	if !errors.Is(err, webrtc.ErrConnectionClosed) {
		f.t.Error(err)
	}
	panic(http.ErrAbortHandler)
}

// answers serves canned JSON by "METHOD path"; a value may be a function of the request's body.
type answers map[string]any

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, ok := a[r.Method+" "+strings.TrimPrefix(r.URL.Path, "/api/v1")]
	if h, isHandler := v.(http.HandlerFunc); isHandler {
		h(w, r)
		return
	}
	status := http.StatusOK
	if p, isProblem := v.(problem); isProblem {
		status = p.Status
	} else if !ok {
		status, v = 404, problem{404, "not_found", "There is no such thing here."}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}
