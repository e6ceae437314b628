package object

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"time"
)

const metaSuffix = "~meta"

// record is what is known of a file that its bytes don't tell. Size and time
// say which file it describes.
type record struct {
	Size        int64  `json:"size"`     // bytes
	Modified    int64  `json:"modified"` // ns since 1970
	ContentType string `json:"content_type"`
	SHA256      string `json:"sha256"`
}

func newRecord(i Info) record {
	return record{Size: i.Size, Modified: i.Modified.UnixNano(), ContentType: i.ContentType, SHA256: i.SHA256}
}

// info returns what is known of the file under key. The caller holds mu.
func (d *Disk) info(key string) (Info, error) {
	st, err := d.root.Lstat(key)
	if missing(err) || err == nil && !st.Mode().IsRegular() {
		return Info{}, ErrNotFound
	}
	if err != nil {
		return Info{}, err
	}
	text, err := d.root.ReadFile(key + metaSuffix)
	if err != nil {
		return Info{}, fmt.Errorf("read the record of the file: %w", err)
	}
	var records []record
	if err := json.Unmarshal(text, &records); err != nil {
		return Info{}, fmt.Errorf("read the record of the file: %w", err)
	}
	r, ok := choose(records, st.Size(), st.ModTime())
	if !ok {
		return Info{}, fmt.Errorf("%w: the file has %d bytes, its record says otherwise", ErrChecksum, st.Size())
	}
	return Info{Key: key, ContentType: r.ContentType, SHA256: r.SHA256, Size: r.Size, Modified: st.ModTime()}, nil
}

// choose returns the record of the file with this size and time. A file that
// was restored from a backup may have lost its exact time: if no record has
// it, the size decides, as long as it fits one alone.
func choose(records []record, size int64, modified time.Time) (record, bool) {
	var fitting []record
	for _, r := range records {
		if r.Size != size {
			continue
		}
		if r.Modified == modified.UnixNano() {
			return r, true
		}
		fitting = append(fitting, r)
	}
	if len(fitting) == 1 {
		return fitting[0], true
	}
	return record{}, false
}

// writeRecords replaces the records of key, durably. The caller holds mu.
func (d *Disk) writeRecords(key string, records []record) error {
	text, err := json.Marshal(records)
	if err != nil {
		return err
	}
	temp := path.Join(beside, rand.Text())
	f, err := d.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = d.root.Rename(temp, key+metaSuffix)
	}
	if err != nil {
		return errors.Join(err, d.remove(temp))
	}
	return nil
}

// diskReader is a file with its Info. It embeds the file whole, so that the
// kernel can send it to a socket by itself (net/http looks for that).
type diskReader struct {
	*os.File
	info Info
}

// Info implements Reader.
func (r *diskReader) Info() Info { return r.info }
