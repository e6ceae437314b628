package sfu_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/stun/v4"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// The flooding client is a process of its own, this test binary, so that the heap that is measured is the server's.
const floodEnv = "SFU_TEST_FLOOD"

// flood is what the client is to send. SSRCs are random if there are none.
type flood struct{ SSRCs, Packets, Payload int }

type negotiation struct {
	SDP     string
	Sources map[string]string
}

// attack is the main function of the client: offer out, answer in, flood, "begins" and "done" out.
func attack(order string) error {
	var f flood
	if err := json.Unmarshal([]byte(order), &f); err != nil {
		return err
	}
	w := &writers{writer: make(chan interceptor.RTPWriter, 1)}
	registry := &interceptor.Registry{}
	registry.Add(w)
	client, err := sfutest.New(sfutest.Options{Interceptors: registry, Extra: 1})
	if err != nil {
		return err
	}
	offer, sources, err := client.Offer(false)
	if err != nil {
		return err
	}
	for i := range f.SSRCs { // in the last section, on which the client receives: Firefox does so too
		offer += fmt.Sprintf("a=ssrc:%d cname:x\r\n", 1000+i)
	}
	if err := json.NewEncoder(os.Stdout).Encode(negotiation{offer, sources}); err != nil {
		return err
	}
	var answer negotiation
	if err := json.NewDecoder(os.Stdin).Decode(&answer); err != nil {
		return err
	}
	if err := client.Answer(answer.SDP); err != nil {
		return err
	}
	raw := <-w.writer
	payload, sent := make([]byte, f.Payload), 0
	fmt.Println("begins")
	for sent < f.Packets {
		h := &rtp.Header{Version: 2, PayloadType: 96, SSRC: rand.Uint32(), SequenceNumber: uint16(sent)}
		if f.SSRCs > 0 {
			h.SSRC, h.SequenceNumber = uint32(1000+sent%f.SSRCs), uint16(sent/f.SSRCs)
		}
		if _, err := raw.Write(h, payload, nil); err != nil {
			break // closed
		}
		if sent++; sent%200 == 0 {
			<-time.After(time.Millisecond) // or else the kernel drops it all
		}
	}
	fmt.Println("done", sent)
	_, err = io.Copy(io.Discard, os.Stdin) // until the test has looked
	return err
}

// flood starts the client as guest g and gives its lines.
func (h *house) flood(f flood) (g *guest, say func(string)) {
	h.t.Helper()
	order, err := json.Marshal(f)
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.CommandContext(h.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), floodEnv+"="+string(order))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	out := bufio.NewReader(pipe)
	g = h.join("g", sfutest.Options{})
	var offer negotiation
	line, err := out.ReadString('\n')
	if err == nil {
		err = json.Unmarshal([]byte(line), &offer)
	}
	if err != nil {
		h.t.Fatalf("the client's offer: %v", err)
	}
	answer, err := g.peer.Offer(offer.SDP, typed(offer.Sources))
	if err != nil {
		h.t.Fatal(err)
	}
	if err := json.NewEncoder(in).Encode(negotiation{SDP: answer}); err != nil {
		h.t.Fatal(err)
	}
	return g, func(word string) {
		h.t.Helper()
		line, err := out.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, word) {
			h.t.Fatalf("the client says %q, %v; want %s", line, err, word)
		}
		h.t.Logf("the client: %s", strings.TrimSpace(line))
	}
}

// heap in use, in MB.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}

// TestRandomSSRCsTakeNoMemory: stock Pion keeps 3.5 kB for each.
func TestRandomSSRCsTakeNoMemory(t *testing.T) {
	h := open(t)
	check := h.bystanders()
	g, await := h.flood(flood{Packets: 100_000, Payload: 40})
	g.await(sfu.Connected)
	before := heap()
	await("begins")
	start := time.Now()
	if reason := take(t, g.violations, "violation"); reason != "too_many_ssrcs" {
		t.Errorf("the violation is %q", reason)
	}
	took := time.Since(start)
	peak := heap() - before
	g.await(sfu.Closed)
	await("done")
	after := heap() - before
	check()
	t.Logf("closed after %v, heap grew by %.1f MB, then %.1f MB", took, peak, after)
	if took > time.Second || peak > 5 || after > 5 {
		t.Error("want closed within 1 s and less than 5 MB")
	}
}

// TestDeclaredSSRCsTakeLittleMemory: streams that a client declares and that nobody reads.
func TestDeclaredSSRCsTakeLittleMemory(t *testing.T) {
	h := open(t)
	check := h.bystanders()
	g, await := h.flood(flood{SSRCs: 400, Packets: 100_000, Payload: 1000})
	g.await(sfu.Connected)
	before := heap()
	await("begins")
	await("done")
	grown := heap() - before
	check()
	t.Logf("the peer is %s, heap grew by %.1f MB", g.peer.State(), grown)
	if grown > 16 {
		t.Error("want less than 16 MB")
	}
}

// TestSTUNFloodTakesLittleMemory: messages that look right until their integrity is checked, from two sources at full speed.
func TestSTUNFloodTakesLittleMemory(t *testing.T) {
	h := open(t)
	check := h.bystanders()
	g := h.join("g", sfutest.Options{})
	offer, sources, err := g.client.Offer(false)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := g.peer.Offer(offer, typed(sources))
	if err != nil {
		t.Fatal(err)
	}
	fragment := func(sdp string) string {
		_, rest, _ := strings.Cut(sdp, "a=ice-ufrag:")
		fragment, _, _ := strings.Cut(rest, "\r\n")
		return fragment
	}
	request, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(fragment(answer)+":"+fragment(offer)),
		stun.NewShortTermIntegrity("not the password"), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	for range 2 {
		conn, err := net.Dial("udp", h.server.UDPAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		for range 150_000 {
			if _, err := conn.Write(request.Raw); err != nil {
				t.Fatal(err)
			}
		}
	}
	grown := heap() - before
	t.Logf("heap grew by %.1f MB, %d packets were dropped", grown, h.server.UDPDropped())
	if grown > 5 {
		t.Error("want less than 5 MB")
	}
	check()
	if err := g.client.Answer(answer); err != nil {
		t.Fatal(err)
	}
	g.await(sfu.Connected)
}
