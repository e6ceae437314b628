package rest

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"time"

	"showroom/call"
)

const exportLife = 15 * time.Minute // in which a download must begin

// What an export may have of recordings.
const (
	recordingsNone  = "none"
	recordingsList  = "list"
	recordingsFiles = "files"
)

var exported = []string{recordingsNone, recordingsList, recordingsFiles}

// exportBuyer gives out the address of everything that is known of a buyer, and puts that into the log.
func (a *api) exportBuyer(r *request) (reply, error) {
	id, err := r.pathID("id", "buy_")
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Recordings *string `json:"recordings"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	what := or(in.Recordings, recordingsList)
	if !slices.Contains(exported, what) {
		return reply{}, call.Invalid("recordings", fmt.Sprintf("%.60q is not none, list or files", what))
	}
	if _, err := a.Store.ExportBuyer(r.Context(), id, r.subject.actor(), a.Address(r.Request), what); err != nil {
		return reply{}, err
	}
	expires := r.now.UTC().Truncate(time.Second).Add(exportLife)
	return created(struct {
		URL       string    `json:"url"`
		ExpiresAt time.Time `json:"expires_at"`
	}{a.url(base + "/exports/" + id + "/" + what + ".zip" + a.signer.exportQuery(id, what+".zip", r.subject.actor(), expires)), expires})
}

// readExport streams the ZIP. What it has is read while it is sent: nothing of it is kept on this machine.
func (a *api) readExport(r *request) (reply, error) {
	b, err := a.Store.Buyer(r.Context(), r.subject.buyer)
	if err != nil {
		return reply{}, err
	}
	what := path.Base(r.PathValue("file"))
	what = what[:len(what)-len(path.Ext(what))]
	return reply{stream: func(w http.ResponseWriter) {
		h := w.Header()
		h.Set("Content-Type", "application/zip")
		h.Set("Content-Disposition", `attachment; filename="`+b.ID+`.zip"`)
		deadlines(w).SetWriteDeadline(time.Now().Add(longestDownload)) //nolint:errcheck // a test's recorder has none
		e := &export{api: a, ctx: r.Context(), buyer: b, what: what, now: r.now, zip: zip.NewWriter(w)}
		if err := e.write(); err != nil {
			if r.Context().Err() == nil { // who has gone is no trouble
				a.Log.Error("export ends early", "buyer", b.ID, "err", err)
			}
			panic(http.ErrAbortHandler) // the client must not take it for whole
		}
	}}, nil
}

// export writes everything of one buyer.
type export struct {
	*api
	ctx   context.Context
	buyer call.Buyer
	what  string
	now   time.Time
	zip   *zip.Writer

	page exportPage // gathered on the way
}

// write makes the ZIP: events first, since they are all there is; then what they come to, for programs and for people; then the files.
func (e *export) write() error {
	names, err := e.allKeyNames(e.ctx)
	if err != nil {
		return err
	}
	ids, err := e.Store.ConferencesOf(e.ctx, e.buyer.ID)
	if err != nil {
		return err
	}
	e.page = exportPage{words: wordsOf(e.buyer.Language), Buyer: e.buyer, At: e.now.UTC()}
	if err := e.list("events.json", func(add func(any) error) error { return e.events(append([]string{e.buyer.ID}, ids...), names, add) }); err != nil {
		return err
	}
	devices, err := e.Store.Devices(e.ctx, e.buyer.ID)
	if err != nil {
		return err
	}
	var cases []call.Case
	for _, id := range ids {
		c, err := e.Store.Case(e.ctx, id)
		if err != nil {
			return err
		}
		cases = append(cases, withoutOthers(c))
	}
	e.page.Cases = cases
	for _, part := range []struct {
		name string
		body any
	}{
		{"buyer.json", showBuyer(e.buyer)},
		{"devices.json", every(devices, showDevice)},
		{"conferences.json", every(cases, func(c call.Case) conference { return showConference(c, e.now) })},
		{"consents.json", every(cases, call.Case.Evidence)},
		{"accesses.json", append([]exportAccess{}, e.page.Accesses...)},
	} {
		if err := e.json(part.name, part.body); err != nil {
			return err
		}
	}
	if e.what != recordingsNone {
		if err := e.json("recordings.json", every(cases, func(c call.Case) exportRecording { return exportedRecording(c) })); err != nil {
			return err
		}
	}
	if err := e.html(); err != nil {
		return err
	}
	if e.what == recordingsFiles {
		for _, c := range cases {
			if err := e.files(c.Conference); err != nil {
				return err
			}
		}
	}
	return e.zip.Close()
}

// withoutOthers is a case without the IP addresses of those who are not the buyer.
func withoutOthers(c call.Case) call.Case {
	c.Conference.Consents = slices.Clone(c.Conference.Consents)
	for i := range c.Conference.Consents {
		if consent := &c.Conference.Consents[i]; consent.Participant != string(call.RoleBuyer) {
			consent.Address = ""
		}
	}
	return c
}

// create begins a file of the ZIP.
func (e *export) create(name string, method uint16) (io.Writer, error) {
	return e.zip.CreateHeader(&zip.FileHeader{Name: e.buyer.ID + "/" + name, Method: method, Modified: e.now})
}

func (e *export) json(name string, body any) error {
	w, err := e.create(name, zip.Deflate)
	if err != nil {
		return err
	}
	j := json.NewEncoder(w)
	j.SetIndent("", "  ")
	j.SetEscapeHTML(false)
	return j.Encode(body)
}

// list writes an array whose items are read while it is written.
func (e *export) list(name string, items func(add func(any) error) error) error {
	w, err := e.create(name, zip.Deflate)
	if err != nil {
		return err
	}
	separator := "[\n"
	err = items(func(item any) error {
		text, err := encode(item)
		if err == nil {
			_, err = fmt.Fprintf(w, "%s%s", separator, text)
		}
		separator = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	if separator == "[\n" {
		_, err = io.WriteString(w, "[]\n")
		return err
	}
	_, err = io.WriteString(w, "\n]\n")
	return err
}

const exportBatch = 500 // events read at once

// events are all of some streams, one stream after the other.
func (e *export) events(streams []string, names map[string]string, add func(any) error) error {
	for _, stream := range streams {
		var c call.Conference
		if stream != e.buyer.ID {
			found, err := e.Store.Case(e.ctx, stream)
			if err != nil {
				return err
			}
			c = found.Conference
		}
		for after := uint64(0); ; {
			events, err := e.Store.StreamEvents(e.ctx, stream, after, exportBatch)
			if err != nil {
				return err
			}
			for _, ev := range events {
				after = ev.Seq
				if call.IsAccess(ev.Body) {
					e.page.Accesses = append(e.page.Accesses, exportAccess{c.ID, showAccess(ev, c, names)})
				}
				if b, ok := ev.Body.(call.Consented); ok && b.Participant != string(call.RoleBuyer) {
					b.Address = "" // of somebody else
					ev.Body = b
				}
				if err := add(showEvent(ev)); err != nil {
					return err
				}
			}
			if len(events) < exportBatch {
				break
			}
		}
	}
	return nil
}

// files are those of a recording that can be played, and what was made of them.
func (e *export) files(c call.Conference) error {
	for _, name := range archived(c) {
		_, src, err := e.openNamed(e.ctx, c.ID, name, func(call.Conference) error { return nil })
		if err != nil {
			return fmt.Errorf("%s of %s: %w", name, c.ID, err)
		}
		w, err := e.create("recordings/"+c.ID+"/"+name, zip.Store)
		if err == nil {
			_, err = io.Copy(w, src)
		}
		src.Close()
		if err != nil {
			return fmt.Errorf("%s of %s: %w", name, c.ID, err)
		}
	}
	return nil
}

// exportAccess is an access to a recording of the buyer.
type exportAccess struct {
	Conference string `json:"conference"`
	accessed
}

// exportRecording is what there is of a recording, with the checksums of its files.
type exportRecording struct {
	Conference string              `json:"conference"`
	State      call.RecordingState `json:"state"`
	RecordedAt time.Time           `json:"recorded_at,omitzero"`
	KeepUntil  time.Time           `json:"keep_until,omitzero"`
	Files      []file              `json:"files"`
	Derived    []call.Derived      `json:"derived"`
}

func exportedRecording(c call.Case) exportRecording {
	f := c.Conference
	return exportRecording{Conference: f.ID, State: f.RecordingState(), RecordedAt: f.RecordedAt, KeepUntil: c.KeepUntil(), Files: showFiles(f.Files),
		Derived: append([]call.Derived{}, f.Composition.Derived...)}
}
