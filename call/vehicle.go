package call

import (
	"net/url"
	"strings"
)

// Vehicle is what a conference is about, for the buyer's page. The zero Vehicle is none.
type Vehicle struct {
	Title string `json:"title"`
	Photo string `json:"photo,omitempty"` // https address of a picture
	Link  string `json:"link,omitempty"`  // https address of its page
}

func (v Vehicle) trimmed() Vehicle {
	return Vehicle{strings.TrimSpace(v.Title), strings.TrimSpace(v.Photo), strings.TrimSpace(v.Link)}
}

func (v Vehicle) check() error {
	if v == (Vehicle{}) {
		return nil
	}
	if v.Title == "" {
		return Invalid("vehicle.title", "say what the vehicle is")
	}
	if err := checkShort("vehicle.title", v.Title); err != nil {
		return err
	}
	if err := checkAddress("vehicle.photo", v.Photo); err != nil {
		return err
	}
	return checkAddress("vehicle.link", v.Link)
}

// checkAddress takes an https address that a page may show to anybody, or nothing.
func checkAddress(field, address string) error {
	if address == "" {
		return nil
	}
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(address) > maxURL {
		return Invalid(field, "an https address is needed, such as https://shop.example/car")
	}
	return nil
}
