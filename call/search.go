package call

import (
	"strings"
	"unicode"
)

// unaccented has the letters that people leave the accents off of when they look for somebody: the plain letter first, then those it stands for.
var unaccented = func() map[rune]rune {
	plain := map[rune]rune{}
	for _, family := range []string{"aáàâãäåāăą", "cçćĉċč", "dďđð", "eéèêëēĕėęě", "gĝğġģ", "hĥħ", "iíìîïĩīĭįı", "jĵ", "kķ", "lĺļľŀł", "nñńņňŉ", "oóòôõöøōŏő", "rŕŗř", "sśŝşšș", "tţťŧț", "uúùûüũūŭůűų", "wŵ", "yýÿŷ", "zźżž"} {
		letters := []rune(family)
		for _, r := range letters[1:] {
			plain[r] = letters[0]
		}
	}
	return plain
}()

const (
	maxSearched = 64 // characters of each place in a text from which it is found
	maxPlaces   = 12 // of one text
)

// SearchText is a text as it is compared when somebody looks for it: small letters without accents, digits, and one space between words. What
// looks like a telephone number is its digits.
func SearchText(text string) string {
	if isNumber(text) {
		return cutText(digits(text))
	}
	var b strings.Builder
	for _, r := range text {
		r = unicode.ToLower(r)
		if p, ok := unaccented[r]; ok {
			r = p
		}
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r): // an accent that stands by itself
		case b.Len() > 0 && !strings.HasSuffix(b.String(), " "):
			b.WriteByte(' ')
		}
	}
	return cutText(strings.TrimSpace(b.String()))
}

// searchPlaces are the texts that begin with what one may look for: each text from each of its words on.
func searchPlaces(texts ...string) (places []string) {
	seen := map[string]bool{}
	for _, text := range texts {
		words := strings.Fields(text)
		for i := range words[:min(len(words), maxPlaces)] {
			if p := SearchText(strings.Join(words[i:], " ")); p != "" && !seen[p] {
				seen[p] = true
				places = append(places, p)
			}
		}
	}
	return places
}

// SearchPlaces are the texts of a buyer that a search compares with their beginnings.
func (b Buyer) SearchPlaces() []string {
	return searchPlaces(b.Name, b.Email, b.Phone, strings.Join(splitNumber(b.Phone), " "), b.Reference)
}

// SearchPlaces are the texts of a seller that a search compares with their beginnings.
func (s Seller) SearchPlaces() []string { return searchPlaces(s.Name, s.Email, s.Reference) }

func isNumber(text string) bool {
	return len(digits(text)) >= 3 && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsDigit(r) && !strings.ContainsRune(" +-()./", r) })
}

func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
}

// splitNumber are the groups of digits of a telephone number: who looks for one may leave out the country and the city.
func splitNumber(phone string) []string {
	return strings.FieldsFunc(phone, func(r rune) bool { return !unicode.IsDigit(r) })
}

// cutText keeps the beginning of a text.
func cutText(text string) string {
	if runes := []rune(text); len(runes) > maxSearched {
		return strings.TrimSpace(string(runes[:maxSearched]))
	}
	return text
}
