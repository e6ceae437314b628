package rest

import (
	"crypto/rand"
	"strings"
)

const (
	maxID   = 80  // bytes
	maxName = 128 // bytes of a file's name
)

// newID is a prefix and 130 random bits.
func newID(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

// isID says whether s can be an id of that prefix; nothing else is looked up or used in a key.
func isID(prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	return ok && rest != "" && len(s) <= maxID && !strings.ContainsFunc(rest, notIDRune)
}

// isFileName says whether s can be the name of a recording file.
func isFileName(s string) bool {
	return s != "" && len(s) <= maxName && s[0] != '.' && !strings.ContainsFunc(s, func(r rune) bool { return r != '.' && r != '-' && notIDRune(r) })
}

func notIDRune(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' }

// pathID is the id in the path. Whatever can't be one is not found.
func (r *request) pathID(name, prefix string) (string, error) {
	id := r.PathValue(name)
	if !isID(prefix, id) {
		return "", notFound()
	}
	return id, nil
}
