package compose

import (
	"fmt"
	"hash/fnv"
	"strings"
	"unicode"
)

const (
	background = "0x0b1110"
	keyframes  = "100" // frames from one to the next at most
)

// part is the run that draws one scene. The graph has no sound in it, and a change of a picture's size stays inside the scale filter
// (-reinit_filter 0): otherwise each change would build the whole graph anew.
func (b *builder) part(s scene, output string) []string {
	args := []string{"-copyts"}
	places := tiles(b.lanes, b.o.Layout, s.main, b.height)
	graph := &strings.Builder{}
	fmt.Fprintf(graph, "color=c=%s:s=%dx%d:r=%d:d=%s,format=yuv420p", background, canvasWidth, b.height, fps, seconds(frame))
	for _, t := range places {
		b.card(graph, t)
	}
	fmt.Fprintf(graph, ",loop=loop=-1:size=1:start=0,setpts=N/%d/TB,trim=end_frame=%d[v0];\n", fps, (s.to-s.from)/frame)
	n := 0
	for _, t := range places {
		l := b.lanes[t.lane]
		for _, i := range l.files {
			f := b.rec.Files[i]
			where := spanOf(f, b.start)
			if !hasVideo(f) || where.to <= s.from || where.from >= s.to {
				continue
			}
			more := []string{"-an", "-reinit_filter", "0"}
			if skip := s.from - where.from; skip > 0 { // from the keyframe before, whose picture may stand for long
				more = append(more, "-noaccurate_seek", "-seek_timestamp", "1", "-ss", seconds(skip))
			}
			args = append(args, input(inputName(i, f), more...)...)
			fmt.Fprintf(graph, "[%d:v:0]setpts=PTS+(%s)/TB,scale=%d:%d:force_original_aspect_ratio=decrease:flags=bilinear,pad=%d:%d:-1:-1:eval=frame:color=%s,setsar=1,format=yuv420p[p%d];\n",
				n, seconds(where.from-s.from), t.w, t.h, t.w, t.h, background, n)
			fmt.Fprintf(graph, "[v%d][p%d]overlay=%d:%d:eof_action=pass:format=yuv420:enable='%s'[v%d];\n", n, n, t.x, t.y, on(pictures(f, l.screen, b.start), s.span), n+1)
			n++
		}
	}
	fmt.Fprintf(graph, "[v%d]null", n)
	for _, t := range places {
		b.label(graph, t)
	}
	graph.WriteString("[v]")
	return append(args, "-filter_complex", graph.String(), "-map", "[v]", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1",
		"-tile-columns", "1", "-b:v", bitrate(b.height), "-g", keyframes, "-threads", fmt.Sprint(b.o.Threads), "-f", "webm", "file:"+unfinished(output))
}

func bitrate(height int) string {
	if height == wideHeight {
		return "900k"
	}
	return "1500k"
}

// on is an expression that is not 0 in those stretches, as far as they are in the scene. t counts from the scene's start.
func on(seen []span, in span) string {
	var terms []string
	for _, s := range seen {
		from, to := max(s.from, in.from), min(s.to, in.to)
		if from < to {
			terms = append(terms, fmt.Sprintf("gte(t,%s)*lt(t,%s)", seconds(from-in.from), seconds(to-in.from)))
		}
	}
	if len(terms) == 0 {
		return "0"
	}
	return strings.Join(terms, "+")
}

// card is what a tile shows of who is not there: their colour and name.
func (b *builder) card(g *strings.Builder, t tile) {
	fmt.Fprintf(g, ",drawbox=x=%d:y=%d:w=%d:h=%d:color=%s:t=fill", t.x+2, t.y+2, t.w-4, t.h-4, colour(b.lanes[t.lane].participant))
	size := max(12, t.h/9)
	b.text(g, t, size, fmt.Sprintf("x=%d+(%d-text_w)/2:y=%d+(%d-text_h)/2", t.x, t.w, t.y, t.h), "")
}

// label is the name in a tile's corner.
func (b *builder) label(g *strings.Builder, t tile) {
	size := max(12, min(22, t.h/14))
	b.text(g, t, size, fmt.Sprintf("x=%d:y=%d-text_h", t.x+size, t.y+t.h-size), fmt.Sprintf(":box=1:boxcolor=black@0.5:boxborderw=%d", size/3))
}

// text draws a lane's name. It is a user's text and comes from a file of its own, which ffmpeg does not interpret.
func (b *builder) text(g *strings.Builder, t tile, size int, where, more string) {
	name := line(b.rec.Names[b.lanes[t.lane].participant], (t.w-2*size)*10/(6*size))
	if !b.o.Names || name == "" {
		return
	}
	file := fmt.Sprintf("name-%d-%d.txt", t.lane, size)
	b.texts[file] = name
	fmt.Fprintf(g, ",drawtext=fontfile=%s:textfile=%s:expansion=none:fontsize=%d:fontcolor=white:%s%s", fontName, file, size, where, more)
}

// line is a name on one line, of n characters at most.
func line(name string, n int) string {
	name = strings.ToValidUTF8(name, "")
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, name)
	runes := []rune(strings.Join(strings.Fields(name), " "))
	if n = max(1, n); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return string(runes)
}

// colour of a person's card, dark, the same for the same id.
func colour(participant string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(participant)) // never fails
	v := h.Sum32()
	return fmt.Sprintf("0x%02x%02x%02x", 32+v%40, 32+v/64%40, 32+v/4096%40)
}
