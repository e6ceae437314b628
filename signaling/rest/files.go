package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"showroom/call"
	"showroom/store/object"
)

// longestDownload ends a download that a client has stopped taking. Players pause for long, so it is generous.
const longestDownload = 6 * time.Hour

// readFile serves the bytes of a recording file, ranges included.
func (a *api) readFile(r *request) (reply, error) {
	if upto := r.URL.Query().Get("upto"); upto != "" {
		return a.readLive(r, upto)
	}
	if r.PathValue("file") == archiveName {
		return a.readArchive(r)
	}
	f, src, err := a.openNamed(r.Context(), r.subject.conference, r.PathValue("file"), func(c call.Conference) error { return checkShare(c, r.subject.by, r.now) })
	if err != nil {
		return reply{}, err
	}
	if err := a.noteAccess(r, f.Name, f.MediaType); err != nil {
		return reply{}, errors.Join(err, src.Close())
	}
	return reply{stream: func(w http.ResponseWriter) {
		defer src.Close()
		a.serveFile(w, r, f, src)
	}}, nil
}

func (a *api) serveFile(w http.ResponseWriter, r *request, f call.File, src io.ReadSeeker) {
	h := w.Header()
	h.Set("Content-Type", mediaType(f.MediaType))
	h.Set("Content-Disposition", "inline")
	if r.URL.Query().Get("download") == "1" {
		h.Set("Content-Disposition", `attachment; filename="`+r.subject.conference+"-"+f.Name+`"`) // both are of [a-z0-9_.-]
	}
	h.Set("ETag", `"`+f.SHA256+`"`)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")                                                                       // the address is the permission
	h.Set("Content-Security-Policy", "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'") // for a browser's own player
	h.Set("Cache-Control", "private, max-age="+strconv.FormatInt(r.goodFor(), 10))
	deadlines(w).SetWriteDeadline(time.Now().Add(longestDownload)) //nolint:errcheck // a test's recorder has none
	http.ServeContent(&fileWriter{ResponseWriter: w}, r.Request, "", time.Time{}, src)
}

// goodFor is for how many more seconds the URL of the request holds.
func (r *request) goodFor() int64 {
	exp, err := strconv.ParseInt(r.URL.Query().Get("exp"), 10, 64)
	if err != nil {
		return 0
	}
	return max(0, exp-r.now.Unix())
}

// openNamed finds a file where it is now, if the conference lets: on this disk or, once it was verified there, in the object store.
func (a *api) openNamed(ctx context.Context, conference, name string, may func(call.Conference) error) (call.File, io.ReadSeekCloser, error) {
	for range 2 { // it may move while we look: then once more
		c, err := a.Store.Case(ctx, conference)
		if err != nil {
			return call.File{}, nil, err
		}
		if c.Conference.Deletion.Ordered() {
			return call.File{}, nil, fail(codeDeleted, "the recording was deleted")
		}
		if err := may(c.Conference); err != nil {
			return call.File{}, nil, err
		}
		playable := c.Conference.Playable()
		for _, d := range c.Conference.Composition.Derived {
			playable = append(playable, call.File{Name: d.Name, MediaType: d.MediaType, SHA256: d.SHA256, State: call.FileStored, Key: call.ObjectKey(conference, d.Name)})
		}
		i := slices.IndexFunc(playable, func(f call.File) bool { return f.Name == name })
		if i < 0 {
			return call.File{}, nil, call.ErrNoFile
		}
		f := playable[i]
		open := a.openUploading
		if f.State == call.FileStored {
			open = a.openStored
		}
		src, err := open(ctx, conference, f)
		if err == nil {
			return f, src, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return f, nil, fmt.Errorf("open %s of %s: %w", f.Name, conference, err)
		}
	}
	return call.File{}, nil, fail(codeUnavailable, "the file is being moved; try again shortly")
}

func (a *api) openStored(ctx context.Context, _ string, f call.File) (io.ReadSeekCloser, error) {
	src, err := a.Objects.Open(ctx, f.Key)
	if err != nil {
		return nil, hide(err)
	}
	return src, nil
}

// openUploading looks on the disk and then where the file will be: for a moment it is uploaded, removed from the disk,
// and the log has not been told. It returns fs.ErrNotExist when it is at neither place.
func (a *api) openUploading(ctx context.Context, conference string, f call.File) (io.ReadSeekCloser, error) {
	local, err := a.Local(conference, f.Name)
	if !errors.Is(err, fs.ErrNotExist) {
		return local, err
	}
	src, err := a.Objects.Open(ctx, "recordings/"+conference+"/"+f.Name) // as recorder.Key
	if errors.Is(err, object.ErrNotFound) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	if src.Info().SHA256 != f.SHA256 {
		return nil, errors.Join(fs.ErrNotExist, src.Close())
	}
	return src, nil
}

// hide keeps a not-found of something that must be there from becoming the client's 404.
func hide(err error) error {
	if errors.Is(err, object.ErrNotFound) || errors.Is(err, call.ErrNotFound) {
		return errors.New(err.Error())
	}
	return err
}

// mediaType lets through what the recorder makes; a browser gets to interpret nothing else.
func mediaType(s string) string {
	if slices.Contains([]string{"video/webm", "audio/webm", "video/x-matroska", "audio/x-matroska", "video/mp4", "audio/mp4", "image/jpeg"}, s) {
		return s
	}
	return "application/octet-stream"
}

// fileWriter turns the plain-text errors of http.ServeContent into problems.
type fileWriter struct {
	http.ResponseWriter
	failed bool
}

func (w *fileWriter) WriteHeader(status int) {
	if status < 400 || status == http.StatusPreconditionFailed {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.failed = true
	h := w.Header()
	for _, name := range []string{"Content-Length", "Content-Disposition", "ETag"} {
		h.Del(name)
	}
	if status == http.StatusRequestedRangeNotSatisfiable {
		writeProblem(w.ResponseWriter, fail(codeBadRange, "the range begins behind the end of the file"))
		return
	}
	writeProblem(w.ResponseWriter, fail(codeUnavailable, "the file can't be read at the moment; try again shortly"))
}

func (w *fileWriter) Write(b []byte) (int, error) {
	if w.failed {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// ReadFrom keeps the way open on which the kernel sends a file by itself.
func (w *fileWriter) ReadFrom(r io.Reader) (int64, error) { return io.Copy(w.ResponseWriter, r) }
