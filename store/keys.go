package store

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// The tables. See the package comment.
const (
	tableEvent      = "ev/"
	tableStream     = "st/"
	tableConference = "co/"
	tableSeller     = "se/"
	tableBuyer      = "bu/"
	listConferences = "ci/"
	listUnfinished  = "un/"
	listRecordings  = "ri/"
	listTasks       = "ta/"
	listKept        = "ka/"
	listAwaited     = "aw/"
	listMessages    = "mi/"
	listOpen        = "mo/"
	tableTimer      = "ti/"
	listTimers      = "tl/"
	listSellers     = "si/"
	listBuyers      = "bi/"
	listSellerWords = "sw/"
	listBuyerWords  = "bw/"
	listErasures    = "er/"
	listEvents      = "el/"
	tableCursor     = "cu/"
	tableKey        = "ke/"
	listKeys        = "ki/"
	tableUser       = "us/"
	listUsers       = "ui/"
	tableInvite     = "ul/"
	listSessions    = "ss/"
	tableSession    = "sx/"
	tableSecret     = "sc/"
	tableAnswer     = "an/"
	listAnswers     = "ax/"
	tableWebhook    = "wh/"
	tableAttempt    = "wa/"
	tableDevice     = "de/"
	listDevices     = "di/"
	listAddresses   = "da/"
	keyFormat       = "format"
)

// NewID is a new id nobody can guess: the prefix and 130 random bits, all of [a-z0-9_].
func NewID(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

const maxID = 64 // bytes

// validID says whether an id has the form of ours. No other gets into a key: the separators stay unambiguous.
func validID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

func idKey(table, id string) []byte { return []byte(table + id) }

func eventKey(seq uint64) []byte { return binary.BigEndian.AppendUint64([]byte(tableEvent), seq) }

// streamPrefix is what the keys of a stream's events begin with.
func streamPrefix(stream string) []byte { return []byte(tableStream + stream + "\x00") }

// streamOf is the stream of a streamPrefix.
func streamOf(prefix []byte) string { return string(prefix[len(tableStream) : len(prefix)-1]) }

func streamKey(stream string, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(streamPrefix(stream), seq)
}

// cutSeq splits the number from the end of an event or stream key.
func cutSeq(key []byte) ([]byte, uint64) {
	n := len(key) - 8
	return key[:n], binary.BigEndian.Uint64(key[n:])
}

// conferencesPrefix is what the keys of one list of conferences begin with; empty means of every seller, in any state.
func conferencesPrefix(seller, state string) []byte {
	return chosenPrefix(listConferences, "", seller, state)
}

// chosenPrefix is what the keys of one choice of a list begin with: by none, one or more words, an empty one choosing all. What comes first is
// what makes the longest key and has the fewest things, so that all choices of it stand beside each other.
func chosenPrefix(list string, words ...string) []byte {
	return []byte(list + strings.Join(words, "\x00") + "\x00")
}

// choices are all ways to choose by some of the words.
func choices(words ...string) [][]string {
	all := [][]string{nil}
	for _, w := range words {
		var more [][]string
		for _, c := range all {
			more = append(more, append(slices.Clone(c), ""))
			if w != "" {
				more = append(more, append(slices.Clone(c), w))
			}
		}
		all = more
	}
	return all
}

// agedID is the end of a list's key: a time and the id that has it.
func agedID(list []byte, t time.Time, id string) []byte {
	return append(appendTime(list, t), id...)
}

const timeSize = 12 // bytes

// appendTime writes t so that earlier times sort first, whatever their year: seconds with the sign turned round, nanoseconds.
func appendTime(b []byte, t time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(t.Unix())^(1<<63))
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}
