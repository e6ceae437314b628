package call

import (
	"maps"
	"slices"
)

// What can happen to the files that are made of a recording after the call.
type (
	// CompositionRequested asks for them, anew if they are there.
	CompositionRequested struct{}
	// RecordingComposing says that work on them begins, or begins again after an interruption.
	RecordingComposing struct {
		Files   []string `json:"files"` // recording files they are made of, sorted
		Wants   []string `json:"wants"` // names of what is to be made
		Attempt int      `json:"attempt"`
	}
	// RecordingComposed says that one of them is verified in the object store.
	RecordingComposed struct {
		Derived Derived `json:"derived"`
	}
	// RecordingComposeFailed ends the work, until somebody asks again or another recording file comes.
	RecordingComposeFailed struct {
		Reason string `json:"reason"`
	}
)

func (CompositionRequested) Type() string   { return "recording.compose_requested" }
func (RecordingComposing) Type() string     { return "recording.composing" }
func (RecordingComposed) Type() string      { return "recording.composed" }
func (RecordingComposeFailed) Type() string { return "recording.compose_failed" }

func init() {
	register[CompositionRequested]()
	register[RecordingComposing]()
	register[RecordingComposed]()
	register[RecordingComposeFailed]()
}

// DerivedKind is what a derived file is for.
type DerivedKind string

// The kinds.
const (
	DerivedVideo  DerivedKind = "video"  // everybody in one picture, the sound mixed
	DerivedAudio  DerivedKind = "audio"  // the mixed sound alone
	DerivedPoster DerivedKind = "poster" // a still of the video
	DerivedStrip  DerivedKind = "strip"  // stills over its whole length, side by side
)

// Names of everything that can be derived. None can be a recording file's: those have a hyphen and a number.
const (
	ComposedWebM   = "conference.webm"
	ComposedMP4    = "conference.mp4"
	ComposedAudio  = "conference.m4a"
	ComposedPoster = "poster.jpg"
	ComposedStrip  = "strip.jpg"
)

// Derived is a file made of a recording, in the object store under ObjectKey of its name.
type Derived struct {
	Name       string      `json:"name"`
	Kind       DerivedKind `json:"kind"`
	MediaType  string      `json:"media_type"`
	Size       int64       `json:"size"` // bytes
	SHA256     string      `json:"sha256"`
	DurationMS int64       `json:"duration_ms,omitempty"`
	OffsetMS   int64       `json:"offset_ms,omitempty"` // of its start on the conference's time line
	Width      int         `json:"width,omitempty"`     // pixels
	Height     int         `json:"height,omitempty"`
	LeftOut    []string    `json:"left_out,omitempty"` // recording files that could not be read
}

// CompositionState is where the making of derived files stands.
type CompositionState string

// The states.
const (
	CompositionNone      CompositionState = ""
	CompositionWaiting   CompositionState = "waiting" // asked for
	CompositionComposing CompositionState = "composing"
	CompositionReady     CompositionState = "ready"
	CompositionFailed    CompositionState = "failed"
)

// Composition is what becomes of a recording after the call.
type Composition struct {
	State   CompositionState `json:"state,omitempty"`
	Files   []string         `json:"files,omitempty"`   // what it is made of
	Wants   []string         `json:"wants,omitempty"`   // what is to be made
	Derived []Derived        `json:"derived,omitempty"` // what is there
	Attempt int              `json:"attempt,omitempty"`
	Reason  string           `json:"reason,omitempty"` // why it failed
}

// maxAttempts is how often interrupted work is begun again: what ends the process each time must not for ever.
const maxAttempts = 5

func (m Composition) apply(e Event) Composition {
	switch b := e.Body.(type) {
	case CompositionRequested:
		if m.State == CompositionReady { // all of it anew
			m.Derived = nil
		}
		m.State, m.Reason, m.Attempt = CompositionWaiting, "", 0
	case RecordingComposing:
		if !slices.Equal(m.Files, b.Files) {
			m.Derived = nil
		}
		m.State, m.Files, m.Wants, m.Attempt, m.Reason = CompositionComposing, b.Files, b.Wants, b.Attempt, ""
	case RecordingComposed:
		m.Derived = slices.DeleteFunc(slices.Clone(m.Derived), func(d Derived) bool { return d.Name == b.Derived.Name })
		m.Derived = append(m.Derived, b.Derived)
	case RecordingComposeFailed:
		m.State, m.Reason = CompositionFailed, b.Reason
	}
	if m.State == CompositionComposing && len(m.Missing()) == 0 {
		m.State, m.Attempt = CompositionReady, 0
	}
	return m
}

// Missing are the names of what is wanted and not there.
func (m Composition) Missing() []string {
	return slices.DeleteFunc(slices.Clone(m.Wants), func(name string) bool {
		return slices.ContainsFunc(m.Derived, func(d Derived) bool { return d.Name == name })
	})
}

// DerivedFile is the derived file of that name.
func (c Conference) DerivedFile(name string) (Derived, bool) {
	if c.Deletion.Ordered() {
		return Derived{}, false
	}
	i := slices.IndexFunc(c.Composition.Derived, func(d Derived) bool { return d.Name == name })
	if i < 0 {
		return Derived{}, false
	}
	return c.Composition.Derived[i], true
}

// composable are the names of the recording files that can be composed, sorted; none while a file is still being written.
func (c Conference) composable() (names []string) {
	if c.Deletion.Ordered() {
		return nil
	}
	for _, f := range c.Files {
		if f.State == FileRecording {
			return nil
		}
	}
	for _, f := range c.Playable() {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

// CompositionDue says whether there is composing to do: the call is over, its recording is complete, and what there is of
// derived files is not made of it.
func (c Conference) CompositionDue() bool {
	files := c.composable()
	if !c.Over() || len(files) == 0 {
		return false
	}
	switch c.Composition.State {
	case CompositionReady, CompositionFailed:
		return !slices.Equal(files, c.Composition.Files)
	}
	return true
}

// RequestComposition asks for the derived files: for the first time, again after a failure, or all of them anew.
func RequestComposition(actor string) Rule {
	return recording(func(c Conference, b *batch) error {
		if !c.Over() {
			return ErrNotOver
		}
		if len(c.composable()) == 0 {
			return ErrNoFile
		}
		if m := c.Composition.State; m != CompositionWaiting && m != CompositionComposing {
			b.conference(actor, CompositionRequested{})
		}
		return nil
	})
}

// StartComposition says that work on the named derived files begins. It begins nothing that is not due, and gives up what was
// interrupted too often.
func StartComposition(wants []string) Rule {
	return recording(func(c Conference, b *batch) error {
		if !c.CompositionDue() {
			return nil
		}
		files, attempt := c.composable(), 1
		if c.Composition.State == CompositionComposing && slices.Equal(files, c.Composition.Files) {
			attempt += c.Composition.Attempt
		}
		if attempt > maxAttempts {
			b.conference(System, RecordingComposeFailed{Reason: "interrupted too often"})
			return nil
		}
		b.conference(System, RecordingComposing{Files: files, Wants: wants, Attempt: attempt})
		return nil
	})
}

// AddDerived says that a derived file is verified in the object store. If it is not wanted any more, because a recording file was
// deleted or added meanwhile, that is ErrNotWanted, and the object should go again.
func AddDerived(d Derived) Rule {
	return recording(func(c Conference, b *batch) error {
		m := c.Composition
		if old, ok := c.DerivedFile(d.Name); ok && old.SHA256 == d.SHA256 {
			return nil
		}
		if m.State != CompositionComposing || !slices.Equal(m.Files, c.composable()) {
			return ErrNotWanted
		}
		b.conference(System, RecordingComposed{Derived: d})
		return nil
	})
}

// FailComposition ends the work for a reason.
func FailComposition(reason string) Rule {
	return recording(func(c Conference, b *batch) error {
		if c.Composition.State == CompositionComposing {
			b.conference(System, RecordingComposeFailed{Reason: reason})
		}
		return nil
	})
}

// ObjectKey is the key in the object store of a conference's file.
func ObjectKey(conference, name string) string { return "recordings/" + conference + "/" + name }

// Objects are the keys of all that the object store can have of the conference, sorted, whether or not the log was told before a
// crash that it is there: who deletes these has deleted everything.
func (c Conference) Objects() []string {
	keys := map[string]bool{}
	for _, name := range []string{"manifest.json", ConsentsName, ComposedWebM, ComposedMP4, ComposedAudio, ComposedPoster, ComposedStrip} {
		keys[ObjectKey(c.ID, name)] = true
	}
	for _, f := range c.Files {
		keys[ObjectKey(c.ID, f.Name)] = true
		if f.Key != "" {
			keys[f.Key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}
