package local

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/outcrop-ai/outcrop/internal/object"
)

// Head implements object.Reader.
func (s *Store) Head(ctx context.Context, bucket, key string) (object.Info, error) {
	o, err := find(ctx, s.db, bucket, key)
	return o.Info, err
}

// tries bounds how often a read begins anew because its object was replaced just then.
const tries = 20

// Get implements object.Reader. The object is read as it was when Get returned, whatever
// happens to it meanwhile.
func (s *Store) Get(ctx context.Context, bucket, key string, o object.GetOptions) (*object.Object, error) {
	for try := 0; ; try++ {
		obj, err := s.open(ctx, bucket, key, o)
		if try < tries && errors.Is(err, fs.ErrNotExist) {
			continue // replaced between looking it up and opening its file
		}
		return obj, err
	}
}

func (s *Store) open(ctx context.Context, bucket, key string, o object.GetOptions) (*object.Object, error) {
	r, err := find(ctx, s.db, bucket, key)
	if err != nil {
		return nil, err
	}
	if o.Check != nil {
		if err := o.Check(r.Info); err != nil {
			return nil, err
		}
	}
	obj := &object.Object{Info: r.Info}
	if o.Part > 0 {
		obj.Offset, obj.Length, err = s.partOf(ctx, r, o.Part)
	} else {
		obj.Offset, obj.Length, err = o.Range.Resolve(r.Size)
	}
	if err != nil {
		return nil, err
	}
	segs, err := segments(ctx, s.db, r.id, obj.Offset, obj.Length)
	if err != nil {
		return nil, err
	}
	if obj.Length > 0 && len(segs) == 0 {
		return nil, fs.ErrNotExist // its row is gone
	}
	body := &reader{s: s, segs: segs, offset: obj.Offset, left: obj.Length}
	obj.Body = body
	if len(segs) == 1 {
		body.file, err = s.openBlob(segs[0], obj.Offset)
		return obj, err
	}
	// Later pieces are opened later: keep them until then. They are all there if the
	// object is after they were taken.
	s.leases.take(segs)
	body.leased = segs
	if still, err := lookup(ctx, s.db, bucket, key); err != nil || len(segs) > 0 && (still == nil || still.id != r.id) {
		return nil, errors.Join(err, body.Close(), fs.ErrNotExist) //nolint:contextcheck // giving a body back outlives the call
	}
	return obj, nil
}

// partOf returns where a part of an object is. An object that did not come in parts is
// its own only part.
func (s *Store) partOf(ctx context.Context, r row, number int) (offset, length int64, err error) {
	if r.Parts == 0 && number == 1 {
		return 0, r.Size, nil
	}
	if number > r.Parts {
		return 0, 0, object.Errorf(object.InvalidPartNumber, "The requested partnumber is not satisfiable")
	}
	segs, err := segments(ctx, s.db, r.id, 0, r.Size)
	if err != nil {
		return 0, 0, err
	}
	if number > len(segs) { // the last part may be empty
		return r.Size, 0, nil
	}
	return segs[number-1].start, segs[number-1].size, nil
}

// openBlob opens a segment's file at an offset of the object.
func (s *Store) openBlob(seg segment, offset int64) (*os.File, error) {
	f, err := os.Open(s.blobPath(seg.blob))
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(s.tmpPath(seg.blob)) // committed, about to move
	}
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(s.blobPath(seg.blob)) // it has moved
	}
	if err != nil {
		return nil, err
	}
	if at := offset - seg.start; at > 0 {
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// reader reads an object's segments one after the other.
type reader struct {
	s      *Store
	segs   []segment // from the one being read on
	leased []segment
	offset int64 // in the object
	left   int64
	file   *os.File
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	if len(r.segs) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	if r.file == nil {
		var err error
		if r.file, err = r.s.openBlob(r.segs[0], r.offset); err != nil {
			return 0, err
		}
	}
	end := r.segs[0].start + r.segs[0].size
	most := min(int64(len(p)), r.left, end-r.offset)
	n, err := r.file.Read(p[:most])
	r.offset += int64(n)
	r.left -= int64(n)
	if r.offset == end && r.left > 0 {
		err = errors.Join(err, r.file.Close())
		r.file, r.segs = nil, r.segs[1:]
	}
	if n == 0 && err == io.EOF { //nolint:errorlint // what Read returned
		return 0, io.ErrUnexpectedEOF // the file is shorter than it was
	}
	if err == io.EOF { //nolint:errorlint // what Read returned
		err = nil
	}
	return n, err
}

// Close implements io.Closer.
func (r *reader) Close() (err error) {
	if r.file != nil {
		err = r.file.Close()
		r.file = nil
	}
	if r.leased != nil {
		if r.s.leases.release(r.leased) {
			r.s.collect(context.Background())
		}
		r.leased = nil
	}
	r.left = 0
	return err
}

// List implements object.Reader.
func (s *Store) List(ctx context.Context, bucket string, o object.ListOptions) (object.Page, error) {
	if err := needBucket(ctx, s.db, bucket); err != nil {
		return object.Page{}, err
	}
	w := newWalk(o)
	var page object.Page
	for {
		rest := w.limit - len(page.Objects) - len(page.Prefixes)
		group, err := s.listRun(ctx, bucket, w, rest, &page)
		if err != nil || group == nil {
			return page, err
		}
		page.Prefixes = append(page.Prefixes, string(group))
		w.from = successor(group)
		w.last = string(group)
	}
}

// listRun adds entries to the page until one is a common prefix, which it returns, or
// the page is full, or there are no more.
func (s *Store) listRun(ctx context.Context, bucket string, w *walk, rest int, page *object.Page) ([]byte, error) {
	rows, err := s.db.Query(ctx, `SELECT `+objectColumns+` FROM object WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`,
		bucket, w.from, w.to, rest+1)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // its error is also rows.Err's
	for rows.Next() {
		if rest == 0 {
			page.Next = w.last
			return nil, nil
		}
		rest--
		o, err := scanRow(rows)
		if err != nil {
			return nil, err
		}
		if group := w.group(o.Key); group != nil {
			return group, nil
		}
		o.Attributes = object.Attributes{}
		page.Objects = append(page.Objects, o.Info)
		w.last = o.Key
	}
	return nil, rows.Err()
}

// walk is a listing's way along the keys.
type walk struct {
	from, to          []byte // from inclusive, to exclusive
	prefix, delimiter string
	limit             int
	last              string // the last entry seen
}

func newWalk(o object.ListOptions) *walk {
	w := &walk{prefix: o.Prefix, delimiter: o.Delimiter, limit: o.Max, from: []byte(o.Prefix), to: successor([]byte(o.Prefix))}
	if w.limit <= 0 || w.limit > object.MaxPage {
		w.limit = object.MaxPage
	}
	after := o.After
	if o.Token != "" {
		after = o.Token
	}
	if after == "" {
		return w
	}
	start := append([]byte(after), 0) // the first key after it
	if group := w.group(after); group != nil && string(group) == after {
		start = successor(group) // it stands for all its keys
	}
	if bytes.Compare(start, w.from) > 0 {
		w.from = start
	}
	return w
}

// group returns the common prefix that stands for a key, nil when it stands for itself.
func (w *walk) group(key string) []byte {
	if w.delimiter == "" || len(key) < len(w.prefix) || key[:len(w.prefix)] != w.prefix {
		return nil
	}
	rest := key[len(w.prefix):]
	i := bytes.Index([]byte(rest), []byte(w.delimiter))
	if i < 0 {
		return nil
	}
	return []byte(key[:len(w.prefix)+i+len(w.delimiter)])
}

// successor returns the first byte string after all that begin with prefix; of those that
// begin with anything, one that no key reaches.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			next := append([]byte(nil), prefix[:i+1]...)
			next[i]++
			return next
		}
	}
	return bytes.Repeat([]byte{0xff}, object.MaxKey+1)
}
