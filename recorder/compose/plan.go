package compose

import (
	"fmt"
	"path"
	"strings"
	"time"

	"showroom/call"
	"showroom/recorder"
)

// step is one run of ffmpeg. It writes each output under unfinished(name); whoever runs it renames them when all are whole.
type step struct {
	name    string
	args    []string
	outputs []string
	length  time.Duration  // of what it goes through, for progress and its time limit
	weight  float64        // of its progress in the whole
	product []call.Derived // what is to be delivered after it
}

// Plan is all that is to be done for a recording.
type Plan struct {
	Length   time.Duration
	Offset   time.Duration // of its start on the conference's time line
	Products []string      // names of what is made
	texts    map[string]string
	steps    []step
}

const unfinishedPrefix = "new-"

func unfinished(name string) string { return unfinishedPrefix + name }

// inputName is what the i-th file is called in the scratch folder.
func inputName(i int, f recorder.File) string {
	ext := path.Ext(f.Name)
	if ext != ".mkv" {
		ext = ".webm"
	}
	return fmt.Sprintf("in-%d%s", i, ext)
}

const (
	mixedAudio = "audio.webm"
	partList   = "parts.txt"
	fontName   = "font.ttf"
	stripShots = 10
)

func partName(i int) string { return fmt.Sprintf("part-%d.webm", i) }

// NewPlan says what is to be done, and does nothing. The files are expected under their inputName.
func NewPlan(rec Recording, o Options) (Plan, error) {
	if len(rec.Files) == 0 {
		return Plan{}, ErrNothing
	}
	start, end := rec.Files[0].Offset, int64(0)
	audio := false
	for _, f := range rec.Files {
		start, end = min(start, f.Offset), max(end, f.Offset+f.Duration)
		audio = audio || hasAudio(f)
	}
	length := (end - start + frame - 1) / frame * frame
	if length <= 0 {
		return Plan{}, fmt.Errorf("%w: the files have no length", ErrNothing)
	}
	b := &builder{rec: rec, o: o, start: start, length: length, lanes: lanes(rec.Files), texts: map[string]string{}}
	b.height = height(b.lanes, o.Layout)
	if audio {
		b.addAudio()
	}
	b.addVideo(audio)
	if o.MP4 {
		b.addMP4(audio)
	}
	p := Plan{Length: time.Duration(length) * time.Millisecond, Offset: time.Duration(start) * time.Millisecond, texts: b.texts, steps: b.steps}
	for _, s := range p.steps {
		for _, d := range s.product {
			p.Products = append(p.Products, d.Name)
		}
	}
	return p, nil
}

// builder gathers the steps.
type builder struct {
	rec    Recording
	o      Options
	start  int64 // ms on the conference's time line
	length int64 // ms, whole frames
	height int
	lanes  []lane
	texts  map[string]string
	steps  []step
}

func (b *builder) whole() time.Duration { return time.Duration(b.length) * time.Millisecond }

// input opens a file for reading: nothing but that file, as nothing but Matroska, with bounded pictures, on its own time line.
func input(name string, more ...string) []string {
	args := append([]string{"-protocol_whitelist", "file", "-f", "matroska", "-max_pixels", "16777216", "-threads", "1"}, more...)
	return append(args, "-i", "file:"+name)
}

func (b *builder) addAudio() {
	args := []string{"-copyts"}
	var graph, labels strings.Builder
	n := 0
	for i, f := range b.rec.Files {
		if !hasAudio(f) {
			continue
		}
		args = append(args, input(inputName(i, f), "-vn")...)
		// Each is silence before it begins and in its gaps; what is missing is filled from 20 ms on.
		fmt.Fprintf(&graph, "[%d:a:0]asetpts=PTS+%s/TB,aresample=48000:async=1:min_hard_comp=0.02:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo[a%d];\n",
			n, seconds(f.Offset-b.start), n)
		fmt.Fprintf(&labels, "[a%d]", n)
		n++
	}
	fmt.Fprintf(&graph, "%samix=inputs=%d:duration=longest:dropout_transition=0:normalize=0,alimiter=limit=0.95:level=disabled,apad=whole_dur=%s,atrim=end=%s,asplit[w][m]",
		labels.String(), n, seconds(b.length), seconds(b.length))
	args = append(args, "-filter_complex", graph.String(),
		"-map", "[w]", "-c:a", "libopus", "-b:a", "64k", "-f", "webm", "file:"+unfinished(mixedAudio),
		"-map", "[m]", "-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart", "-f", "mp4", "file:"+unfinished(call.ComposedAudio))
	b.steps = append(b.steps, step{name: "sound", args: args, outputs: []string{mixedAudio, call.ComposedAudio}, length: b.whole(), weight: 0.1,
		product: []call.Derived{{Name: call.ComposedAudio, Kind: call.DerivedAudio, MediaType: "audio/mp4", DurationMS: b.length}}})
}

func (b *builder) addVideo(audio bool) {
	parts := scenes(b.rec.Files, b.lanes, b.o.Layout, b.start, b.length)
	list := "ffconcat version 1.0\n"
	for i, s := range parts {
		list += fmt.Sprintf("file %s\nduration %s\n", partName(i), seconds(s.to-s.from))
		b.steps = append(b.steps, step{name: fmt.Sprintf("picture, part %d of %d", i+1, len(parts)), args: b.part(s, partName(i)),
			outputs: []string{partName(i)}, length: s.length(), weight: float64(s.to-s.from) / float64(b.length)})
	}
	b.texts[partList] = list
	join := []string{"-protocol_whitelist", "file", "-f", "concat", "-safe", "1", "-i", "file:" + partList}
	maps := []string{"-map", "0:v"}
	if audio {
		join, maps = append(join, input(mixedAudio)...), append(maps, "-map", "1:a")
	}
	join = append(append(join, maps...), "-c", "copy", "-f", "webm", "file:"+unfinished(call.ComposedWebM))
	b.steps = append(b.steps, step{name: "joining", args: join, outputs: []string{call.ComposedWebM}, length: b.whole(), weight: 0.02,
		product: []call.Derived{b.derived(call.ComposedWebM, call.DerivedVideo, "video/webm")}})
	b.addStills()
}

func (b *builder) derived(name string, kind call.DerivedKind, mediaType string) call.Derived {
	return call.Derived{Name: name, Kind: kind, MediaType: mediaType, Width: canvasWidth, Height: b.height, DurationMS: b.length}
}

func (b *builder) addStills() {
	at := min(fullest(b.rec.Files, b.lanes, b.start, b.length), b.length-frame)
	poster := append(input(call.ComposedWebM, "-an", "-ss", seconds(max(0, at))), "-frames:v", "1", "-q:v", "4", "-f", "mjpeg", "file:"+unfinished(call.ComposedPoster))
	var strip []string
	var graph, labels strings.Builder
	w, h := 160, even(160*b.height/canvasWidth)
	for i := range stripShots {
		strip = append(strip, input(call.ComposedWebM, "-an", "-ss", seconds(b.length*int64(2*i+1)/(2*stripShots)/frame*frame))...)
		fmt.Fprintf(&graph, "[%d:v]trim=end_frame=1,scale=%d:%d[s%d];", i, w, h, i)
		fmt.Fprintf(&labels, "[s%d]", i)
	}
	strip = append(strip, "-filter_complex", graph.String()+labels.String()+fmt.Sprintf("hstack=inputs=%d[v]", stripShots), "-map", "[v]",
		"-frames:v", "1", "-q:v", "5", "-f", "mjpeg", "file:"+unfinished(call.ComposedStrip))
	b.steps = append(b.steps,
		step{name: "poster", args: poster, outputs: []string{call.ComposedPoster}, weight: 0.01,
			product: []call.Derived{{Name: call.ComposedPoster, Kind: call.DerivedPoster, MediaType: "image/jpeg", Width: canvasWidth, Height: b.height}}},
		step{name: "previews", args: strip, outputs: []string{call.ComposedStrip}, weight: 0.02,
			product: []call.Derived{{Name: call.ComposedStrip, Kind: call.DerivedStrip, MediaType: "image/jpeg", Width: w * stripShots, Height: h}}})
}

func (b *builder) addMP4(audio bool) {
	args, maps := input(call.ComposedWebM, "-an"), []string{"-map", "0:v"}
	if audio {
		args, maps = append(args, "-protocol_whitelist", "file", "-f", "mp4", "-i", "file:"+call.ComposedAudio), append(maps, "-map", "1:a", "-c:a", "copy")
	}
	args = append(append(args, maps...), "-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-profile:v", "high", "-pix_fmt", "yuv420p",
		"-g", keyframes, "-threads", fmt.Sprint(b.o.Threads), "-movflags", "+faststart", "-f", "mp4", "file:"+unfinished(call.ComposedMP4))
	b.steps = append(b.steps, step{name: "MP4", args: args, outputs: []string{call.ComposedMP4}, length: b.whole(), weight: 0.7,
		product: []call.Derived{b.derived(call.ComposedMP4, call.DerivedVideo, "video/mp4")}})
}

// seconds of milliseconds, as ffmpeg reads them.
func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }
