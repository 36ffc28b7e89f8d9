package pull

import (
	"context"
	"crypto/sha1" //nolint:gosec // git names files by it; sha256 is used where it is known
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// maxFile bounds one file: larger than any shard in use.
const maxFile = 256 << 30

// attempts is how many tries in a row may bring nothing.
const attempts = 5

// remote is a file to be fetched, and what its source says of it.
type remote struct {
	url    string
	token  string // bearer; empty: none
	size   int64  // -1 when unknown
	sha256 string // empty when unknown
	blob   string // its git object ID; empty when unknown
}

// download is one file on its way.
type download struct {
	p      *Puller
	remote remote
	name   string // for people
	dst    string
	part   string // what has come so far; beside it, its note
}

// note is what is remembered of a part, so that another process can go on.
type note struct {
	URL  string `json:"url"`
	ETag string `json:"etag"`
}

// errChanged says that what has come so far is of another file.
var errChanged = errors.New("the file has changed on the server")

// permanentError is an answer that asking again will not change.
type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// download fetches a file to dst, going on with what an earlier try left. A dst that is
// there and right is not fetched again.
func (p *Puller) download(ctx context.Context, r remote, name, dst string) error {
	d := &download{p: p, remote: r, name: name, dst: dst, part: dst + ".part"}
	if _, err := os.Stat(dst); err == nil && (r.sha256 != "" || r.blob != "") && d.check(dst) == nil {
		return nil
	}
	if r.size > maxFile {
		return fmt.Errorf("%s: %d bytes are too many", name, r.size)
	}
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil { //nolint:gosec // weights are no secret
		return err
	}
	if err := d.run(ctx); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := d.check(d.part); err != nil {
		return fmt.Errorf("%s: %w", name, errors.Join(err, d.discard()))
	}
	if err := os.Rename(d.part, dst); err != nil {
		return err
	}
	return os.Remove(d.part + ".json")
}

// run asks until the file is whole, waiting longer after each try that brought nothing.
func (d *download) run(ctx context.Context) error {
	pause, left := d.p.pause, attempts
	for {
		before := d.have()
		after, err := d.try(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, ok := errors.AsType[*permanentError](err); ok {
			return err
		}
		if errors.Is(err, errChanged) {
			if err := d.discard(); err != nil {
				return err
			}
		}
		if left--; d.have() > before {
			pause, left = d.p.pause, attempts
		}
		if left <= 0 {
			return err
		}
		select {
		case <-time.After(max(pause, after)):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause = min(2*pause, time.Minute)
	}
}

// have returns how many bytes have come.
func (d *download) have() int64 {
	info, err := os.Stat(d.part)
	if err != nil {
		return 0
	}
	return info.Size()
}

// discard forgets what has come.
func (d *download) discard() error {
	err := os.Remove(d.part)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// try sends one request and takes what it brings. after is how long the server wants to
// be left alone.
func (d *download) try(ctx context.Context) (after time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.remote.url, nil)
	if err != nil {
		return 0, &permanentError{err}
	}
	// Go would ask for a compressed body and unpack it, and ranges would mean nothing.
	req.Header.Set("Accept-Encoding", "identity")
	if d.remote.token != "" {
		req.Header.Set("Authorization", "Bearer "+d.remote.token)
	}
	have, known := d.have(), d.readNote()
	if have > 0 && (known.ETag != "" || d.remote.sha256 != "" || d.remote.blob != "") {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		if strings.HasPrefix(known.ETag, `"`) { // a weak one may not be asked for
			req.Header.Set("If-Range", known.ETag)
		}
	} else {
		have = 0
	}
	resp, err := d.p.cfg.Client.Do(req)
	if err != nil {
		return 0, redacted(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end or given up
	switch resp.StatusCode {
	case http.StatusOK:
		have = 0
	case http.StatusPartialContent:
		if !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", have)) {
			return 0, errChanged
		}
	case http.StatusRequestedRangeNotSatisfiable:
		if d.remote.size >= 0 && have == d.remote.size {
			return 0, nil
		}
		return 0, errChanged
	default:
		return statusError(resp)
	}
	if err := d.writeNote(note{URL: d.remote.url, ETag: resp.Header.Get("ETag")}); err != nil {
		return 0, &permanentError{err}
	}
	return 0, d.take(resp, have, func() { cancel(errors.New("the server fell silent")) })
}

// take appends a response's body to what has come.
func (d *download) take(resp *http.Response, have int64, silent func()) (err error) {
	total := d.remote.size
	if total < 0 && resp.ContentLength >= 0 {
		total = have + resp.ContentLength
	}
	if total > maxFile {
		return &permanentError{fmt.Errorf("%d bytes are too many", total)}
	}
	f, err := os.OpenFile(d.part, os.O_WRONLY|os.O_CREATE, 0o644) //nolint:gosec // weights are no secret
	if err != nil {
		return &permanentError{err}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Truncate(have); err != nil {
		return &permanentError{err}
	}
	if _, err := f.Seek(have, io.SeekStart); err != nil {
		return &permanentError{err}
	}
	limit := int64(maxFile)
	if total >= 0 {
		limit = total
	}
	alarm := time.AfterFunc(d.p.stall, silent)
	defer alarm.Stop()
	w := &meter{d: d, done: have, total: total, alarm: alarm, f: f}
	n, err := io.Copy(w, io.LimitReader(resp.Body, limit-have+1))
	switch {
	case err != nil:
		return err
	case have+n > limit:
		return &permanentError{fmt.Errorf("more bytes come than the %d that were announced", limit)}
	case total >= 0 && have+n < total:
		return io.ErrUnexpectedEOF
	}
	w.tell(true)
	return f.Sync()
}

// meter writes to the part, tells how far it is, and feeds the alarm.
type meter struct {
	d           *download
	f           *os.File
	done, total int64
	told        time.Time
	alarm       *time.Timer
}

// Write implements io.Writer.
func (m *meter) Write(b []byte) (int, error) {
	m.alarm.Reset(m.d.p.stall)
	n, err := m.f.Write(b)
	m.done += int64(n)
	if err != nil {
		return n, &permanentError{err}
	}
	m.tell(false)
	return n, nil
}

func (m *meter) tell(end bool) {
	if now := time.Now(); end || now.Sub(m.told) > 100*time.Millisecond {
		m.told = now
		m.d.p.cfg.Progress(Progress{File: m.d.name, Done: m.done, Total: m.total})
	}
}

// check holds a file against what its source says of it.
func (d *download) check(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if d.remote.size >= 0 && info.Size() != d.remote.size {
		return fmt.Errorf("%d bytes came, %d were announced", info.Size(), d.remote.size)
	}
	var h hash.Hash
	want := d.remote.sha256
	switch {
	case want != "":
		h = sha256.New()
	case d.remote.blob != "":
		want = d.remote.blob
		h = sha1.New() //nolint:gosec // see the import
		_, _ = fmt.Fprintf(h, "blob %d\x00", info.Size())
	default:
		return nil
	}
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("what came is not what was announced: its hash is %s, not %s", got, want)
	}
	return nil
}

func (d *download) readNote() (n note) {
	text, err := os.ReadFile(d.part + ".json")
	if err != nil || json.Unmarshal(text, &n) != nil || n.URL != d.remote.url {
		return note{}
	}
	return n
}

func (d *download) writeNote(n note) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return os.WriteFile(d.part+".json", text, 0o644) //nolint:gosec // no secret
}

// statusError is the error of an answer that is no file.
func statusError(resp *http.Response) (after time.Duration, err error) {
	err = fmt.Errorf("%s answers %s", resp.Request.URL.Host, resp.Status)
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests || code >= 500 || code == http.StatusRequestTimeout:
		if s, e := strconv.Atoi(resp.Header.Get("Retry-After")); e == nil && s > 0 {
			after = min(time.Duration(min(s, 60))*time.Second, time.Minute)
		}
		return after, err
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		err = fmt.Errorf("%w: the file needs permission (set HF_TOKEN for a gated Hugging Face repository)", err)
	}
	return 0, &permanentError{err}
}
