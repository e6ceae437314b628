package rest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"showroom/call"
)

// exportUsage is the month call by call, as a table for spreadsheets.
func (a *api) exportUsage(r *request) (reply, error) {
	u, s, err := a.usageByCall(r)
	if err != nil {
		return reply{}, err
	}
	text, err := usageTable(u, s)
	if err != nil {
		return reply{}, err
	}
	return reply{stream: func(w http.ResponseWriter) {
		h := w.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		h.Set("Content-Disposition", `attachment; filename="usage-`+s.ID+"-"+u.Month+`.csv"`) // both are ours
		h.Set("Content-Length", strconv.Itoa(len(text)))
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		w.Write(text) //nolint:errcheck // the client has gone
	}}, nil
}

// usageTable is RFC 4180 in UTF-8; times are those of the seller's time zone.
func usageTable(u monthUsage, s call.Seller) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	errs := []error{w.Write([]string{"month", "seller", "seller_name", "conference", "subject", "buyer", "buyer_name", "from", "seconds"})}
	for _, c := range u.Data {
		errs = append(errs, w.Write([]string{u.Month, s.ID, harmless(s.Name), c.Conference, harmless(c.Subject), c.Buyer.ID, harmless(c.Buyer.Name),
			c.From.In(s.Zone()).Format(time.RFC3339), strconv.Itoa(c.Seconds)}))
	}
	w.Flush()
	return b.Bytes(), errors.Join(append(errs, w.Error())...)
}

// harmless is text that no spreadsheet takes for a formula: an apostrophe before what would begin one. What spreadsheets skip before it and the
// wide forms of the signs count, too. Line ends and other control characters are spaces: some programs begin a new field there.
func harmless(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }))
	if strings.ContainsRune("=+-@|%＝＋－＠", first) {
		return "'" + text
	}
	return text
}
