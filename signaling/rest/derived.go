package rest

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"showroom/call"
)

// composition is where the making of derived files stands.
type composition struct {
	State    string   `json:"state"`              // off (this server composes nothing), none, waiting, composing, ready or failed
	Progress float64  `json:"progress"`           // 0 to 1, while composing
	Reason   string   `json:"reason,omitempty"`   // of a failure
	LeftOut  []string `json:"left_out,omitempty"` // files that could not be read
}

// derived is a file made of the recording after the call.
type derived struct {
	Name       string           `json:"name"`
	Kind       call.DerivedKind `json:"kind"`
	MediaType  string           `json:"media_type"`
	Size       int64            `json:"size"`
	SHA256     string           `json:"sha256"`
	DurationMS int64            `json:"duration_ms,omitempty"`
	OffsetMS   int64            `json:"offset_ms,omitempty"`
	Width      int              `json:"width,omitempty"`
	Height     int              `json:"height,omitempty"`
	URL        string           `json:"url"`
	ExpiresAt  time.Time        `json:"expires_at"`
}

// archiveName is what everything in one file is called. No recording file has this ending.
const archiveName = "archive.zip"

// addDerived adds what was made of the recording, and where the archive of everything is.
func (a *api) addDerived(out *recording, c call.Case, by string, expires time.Time) {
	url := func(name string) string {
		return a.url(base + "/recordings/" + c.Conference.ID + "/" + name + a.signer.fileQuery(c.Conference.ID, name, by, expires))
	}
	m := c.Conference.Composition
	out.Composition, out.Derived = a.compositionOf(c.Conference), []derived{}
	for _, d := range m.Derived {
		out.Derived = append(out.Derived, derived{Name: d.Name, Kind: d.Kind, MediaType: d.MediaType, Size: d.Size, SHA256: d.SHA256, DurationMS: d.DurationMS,
			OffsetMS: d.OffsetMS, Width: d.Width, Height: d.Height, URL: url(d.Name), ExpiresAt: expires})
		if d.Name == call.ComposedWebM {
			out.Composition.LeftOut = d.LeftOut
		}
	}
	if out.State == call.RecordingReady {
		out.ArchiveURL = url(archiveName)
	}
}

func (a *api) compositionOf(c call.Conference) composition {
	m := c.Composition
	switch {
	case a.Composing == nil && m.State != call.CompositionReady && m.State != call.CompositionFailed:
		return composition{State: "off"}
	case m.State == call.CompositionComposing:
		return composition{State: "composing", Progress: a.Composing(c.ID)}
	case c.CompositionDue() && a.Composing != nil:
		return composition{State: "waiting"}
	case m.State == call.CompositionNone:
		return composition{State: "none"}
	}
	return composition{State: string(m.State), Reason: m.Reason}
}

// composeRecording asks for the derived files, again or anew.
func (a *api) composeRecording(r *request) (reply, error) {
	id, err := r.pathID("conference", "conf_")
	if err != nil {
		return reply{}, err
	}
	if err := decode(r.body, &struct{}{}); err != nil {
		return reply{}, err
	}
	if a.Composing == nil {
		if _, err := r.store.Case(r.Context(), id); err != nil {
			return reply{}, err
		}
		return reply{}, fail(codeConflict, "this server composes no recordings: ffmpeg is not installed, or --compose-layout is off")
	}
	c, _, err := r.store.Apply(r.Context(), id, call.RequestComposition(r.subject.actor()))
	if err != nil {
		return reply{}, err
	}
	return ok(a.fullRecordingOf(c, r.subject.actor(), r.now))
}

// readArchive streams everything there is of a recording as one ZIP. Nothing is compressed: media is already.
func (a *api) readArchive(r *request) (reply, error) {
	c, err := a.Store.Case(r.Context(), r.subject.conference)
	if err != nil {
		return reply{}, err
	}
	if err := checkShare(c.Conference, r.subject.by, r.now); err != nil {
		return reply{}, err
	}
	names := archived(c.Conference)
	if len(names) == 0 {
		return reply{}, call.ErrNoFile
	}
	manifest, err := a.Manifest(r.Context(), c.Conference.ID)
	if err != nil {
		return reply{}, fmt.Errorf("manifest of %s: %w", c.Conference.ID, hide(err))
	}
	consents, err := json.MarshalIndent(c.Evidence(), "", "  ")
	if err != nil {
		return reply{}, err
	}
	if err := a.noteAccess(r, archiveName, ""); err != nil {
		return reply{}, err
	}
	return reply{stream: func(w http.ResponseWriter) {
		h := w.Header()
		h.Set("Content-Type", "application/zip")
		h.Set("Content-Disposition", `attachment; filename="`+c.Conference.ID+`.zip"`)
		deadlines(w).SetWriteDeadline(time.Now().Add(longestDownload)) //nolint:errcheck // a test's recorder has none
		if err := a.writeArchive(r.Context(), w, c.Conference, names, map[string][]byte{"manifest.json": manifest, call.ConsentsName: consents}); err != nil {
			if r.Context().Err() == nil { // who has gone is no trouble
				a.Log.Error("archive ends early", "call", c.Conference.ID, "err", err)
			}
			panic(http.ErrAbortHandler) // the client must not take it for whole
		}
	}}, nil
}

// archived are the names of the recording and of what to listen to and look at.
func archived(c call.Conference) (names []string) {
	for _, f := range c.Playable() {
		names = append(names, f.Name)
	}
	for _, d := range c.Composition.Derived {
		if d.Kind == call.DerivedVideo || d.Kind == call.DerivedAudio {
			names = append(names, d.Name)
		}
	}
	return names
}

func (a *api) writeArchive(ctx context.Context, w io.Writer, c call.Conference, names []string, texts map[string][]byte) error {
	z := zip.NewWriter(w)
	add := func(name string, from io.Reader) error {
		dst, err := z.CreateHeader(&zip.FileHeader{Name: c.ID + "/" + name, Method: zip.Store, Modified: c.FinishedAt})
		if err == nil {
			_, err = io.Copy(dst, from)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	for _, name := range []string{"manifest.json", call.ConsentsName} {
		if err := add(name, bytes.NewReader(texts[name])); err != nil {
			return err
		}
	}
	for _, name := range names {
		_, src, err := a.openNamed(ctx, c.ID, name, func(call.Conference) error { return nil })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		err = add(name, src)
		src.Close()
		if err != nil {
			return err
		}
	}
	return z.Close()
}
