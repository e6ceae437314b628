package load

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func TestInboundCounts(t *testing.T) {
	type step struct {
		seq   uint16
		again bool // by retransmission
	}
	run := func(seqs ...uint16) (steps []step) {
		for _, s := range seqs {
			steps = append(steps, step{seq: s})
		}
		return steps
	}
	for name, test := range map[string]struct {
		steps []step
		want  counts
	}{
		"in order":            {run(1, 2, 3), counts{3, 3, 0}},
		"loss":                {run(1, 2, 5), counts{5, 3, 0}},
		"reordered":           {run(1, 3, 2, 4), counts{4, 4, 0}},
		"twice":               {run(1, 2, 2, 1, 3), counts{3, 3, 0}},
		"over the end":        {run(65534, 65535, 0, 2), counts{5, 4, 0}},
		"reordered at end":    {run(65534, 0, 65535, 1), counts{4, 4, 0}},
		"before the first":    {run(10, 9, 11), counts{2, 2, 0}},
		"too late":            {run(1, 2, 4, 2000, 3), counts{2000, 4, 0}},
		"recovered":           {append(run(1, 2, 4), step{3, true}), counts{4, 4, 1}},
		"recovered and late":  {append(run(1, 2, 4), step{3, true}, step{3, false}), counts{4, 4, 1}},
		"recovered too much":  {append(run(1, 2), step{2, true}), counts{2, 2, 0}},
		"retransmission only": {[]step{{1, true}}, counts{}},
	} {
		t.Run(name, func(t *testing.T) {
			in := &inbound{}
			for _, s := range test.steps {
				if s.again {
					in.recover(s.seq)
				} else {
					in.receive(s.seq)
				}
			}
			if got := in.tally(); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func sequences(n *rtcp.TransportLayerNack) (all []uint16) {
	if n == nil {
		return nil
	}
	for _, pair := range n.Nacks {
		all = append(all, pair.PacketList()...)
	}
	return all
}

func TestNacks(t *testing.T) {
	in := &inbound{ssrc: 7}
	for _, seq := range []uint16{65530, 65533, 2, 3} {
		in.receive(seq)
	}
	n := in.nacks()
	if got, want := sequences(n), []uint16{65531, 65532, 65534, 65535, 0, 1}; !slices.Equal(got, want) || n.MediaSSRC != 7 {
		t.Fatalf("asked for %v of %d, want %v", got, n.MediaSSRC, want)
	}
	in.recover(65531)
	in.receive(1)
	for range nackTries - 1 {
		if got, want := sequences(in.nacks()), []uint16{65532, 65534, 65535, 0}; !slices.Equal(got, want) {
			t.Fatalf("asked for %v, want %v", got, want)
		}
	}
	if n := in.nacks(); n != nil {
		t.Errorf("asked for %v once more", sequences(n))
	}
	in.receive(3 + nackLimit + 2) // so much cannot be repaired
	if n := in.nacks(); n != nil {
		t.Errorf("asked for %d packets", len(sequences(n)))
	}
}

func TestReceiverReport(t *testing.T) {
	in := &inbound{ssrc: 7}
	if _, ok := in.receiverReport(began); ok {
		t.Error("a report before the first packet")
	}
	for seq := range uint16(100) {
		if seq%4 != 3 {
			in.receive(seq)
		}
	}
	in.receive(100)
	in.senderReport(0x1234_5678_9abc_def0, began)
	r, ok := in.receiverReport(began.Add(1500 * time.Millisecond))
	want := rtcp.ReceptionReport{
		SSRC: 7, FractionLost: uint8(25 * 256 / 101), TotalLost: 25, LastSequenceNumber: 100,
		LastSenderReport: 0x5678_9abc, Delay: 3 << 15,
	}
	if !ok || r != want {
		t.Errorf("got %+v, want %+v", r, want)
	}
	in.receive(101)
	if r, _ = in.receiverReport(began); r.FractionLost != 0 || r.TotalLost != 25 {
		t.Errorf("after one more packet: %+v", r)
	}
}
