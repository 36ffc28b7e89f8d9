package local

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/object"
)

// storedUpload is an upload with what its object will have.
type storedUpload struct {
	object.Upload
	attributes object.Attributes
	tags       map[string]string
}

const uploadColumns = `bucket, key, id, started_ms, checksum, attributes, tags`

func scanUpload(r db.Scanner) (u storedUpload, err error) {
	var key []byte
	var started int64
	var checksum, attributes, tags string
	if err := r.Scan(&u.Bucket, &key, &u.ID, &started, &checksum, &attributes, &tags); err != nil {
		return u, err
	}
	u.Key, u.Started = string(key), time.UnixMilli(started).UTC()
	return u, errors.Join(decode(checksum, &u.Checksum), decode(attributes, &u.attributes), decode(tags, &u.tags))
}

// storedPart is a part with its file.
type storedPart struct {
	object.Part
	blob string // empty: it has no bytes
}

const partColumns = `number, size, etag, modified_ms, checksum, blob`

func scanPart(r db.Scanner) (p storedPart, err error) {
	var modified int64
	var checksum string
	var blob sql.NullString
	if err := r.Scan(&p.Number, &p.Size, &p.ETag, &modified, &checksum, &blob); err != nil {
		return p, err
	}
	p.blob, p.Modified = blob.String, time.UnixMilli(modified).UTC()
	return p, decode(checksum, &p.Checksum)
}

// CreateUpload implements object.Uploads.
func (s *Store) CreateUpload(ctx context.Context, bucket, key string, o object.UploadOptions) (object.Upload, error) {
	if err := s.checkNew(ctx, bucket, key, &o.Attributes, o.Tags); err != nil {
		return object.Upload{}, err
	}
	sum, err := object.CheckUploadChecksum(o.Checksum)
	if err != nil {
		return object.Upload{}, err
	}
	u := object.Upload{UploadRef: object.UploadRef{Bucket: bucket, Key: key, ID: newID()}, Started: s.stamp(), Checksum: sum}
	checksum, err1 := encode(sum)
	attributes, err2 := encode(o.Attributes)
	tags, err3 := encode(o.Tags)
	if err := errors.Join(err1, err2, err3); err != nil {
		return object.Upload{}, err
	}
	return u, s.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := needBucket(ctx, tx, bucket); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO upload (`+uploadColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			bucket, []byte(key), u.ID, u.Started.UnixMilli(), checksum, attributes, tags)
		return err
	})
}

// Upload implements object.Uploads.
func (s *Store) Upload(ctx context.Context, ref object.UploadRef) (object.Upload, error) {
	u, err := findUpload(ctx, s.db, ref)
	return u.Upload, err
}

func findUpload(ctx context.Context, q db.Querier, ref object.UploadRef) (storedUpload, error) {
	u, err := db.One(ctx, q, scanUpload, `SELECT `+uploadColumns+` FROM upload WHERE id = ? AND bucket = ? AND key = ?`, ref.ID, ref.Bucket, []byte(ref.Key))
	if !errors.Is(err, sql.ErrNoRows) {
		return u, err
	}
	if err := needBucket(ctx, q, ref.Bucket); err != nil {
		return u, err
	}
	return u, object.ErrNoUpload()
}

// PutPart implements object.Uploads.
func (s *Store) PutPart(ctx context.Context, ref object.UploadRef, number int, body io.Reader, o object.PutOptions) (object.Part, error) {
	if number < 1 || number > object.MaxParts {
		return object.Part{}, object.Errorf(object.InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive")
	}
	u, err := findUpload(ctx, s.db, ref)
	if err != nil {
		return object.Part{}, err
	}
	if o.Checksum == "" {
		o.Checksum = u.Checksum.Algorithm
	}
	d, err := s.receive(body, &o)
	if err != nil {
		return object.Part{}, err
	}
	p := object.Part{Number: number, Size: d.sums.Size, ETag: hex.EncodeToString(d.sums.MD5[:]), Modified: s.stamp(), Checksum: d.sums.Checksum}
	checksum, err := encode(p.Checksum)
	if err != nil {
		return object.Part{}, err
	}
	replaced := int64(0)
	err = s.keep(ctx, d, func(ctx context.Context, tx *db.Tx) error {
		if _, err := findUpload(ctx, tx, ref); err != nil { // it may have ended meanwhile
			return err
		}
		res, err := tx.Exec(ctx, `DELETE FROM part WHERE upload = ? AND number = ?`, ref.ID, number)
		if err != nil {
			return err
		}
		if replaced, err = res.RowsAffected(); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO part (upload, `+partColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			ref.ID, number, p.Size, p.ETag, p.Modified.UnixMilli(), checksum, sql.NullString{String: d.id, Valid: d.id != ""})
		return err
	})
	if err != nil {
		return object.Part{}, err
	}
	if replaced > 0 {
		s.collect(ctx)
	}
	return p, nil
}

// Parts implements object.Uploads.
func (s *Store) Parts(ctx context.Context, ref object.UploadRef, after, limit int) ([]object.Part, error) {
	if _, err := findUpload(ctx, s.db, ref); err != nil {
		return nil, err
	}
	stored, err := db.All(ctx, s.db, scanPart, `SELECT `+partColumns+` FROM part WHERE upload = ? AND number > ? ORDER BY number LIMIT ?`, ref.ID, after, limit)
	parts := make([]object.Part, len(stored))
	for i, p := range stored {
		parts[i] = p.Part
	}
	return parts, err
}

// Complete implements object.Uploads.
func (s *Store) Complete(ctx context.Context, ref object.UploadRef, listed []object.Part, o object.CompleteOptions) (object.Info, error) {
	var made row
	err := s.keep(ctx, draft{}, func(ctx context.Context, tx *db.Tx) error {
		u, err := findUpload(ctx, tx, ref)
		if err != nil {
			return err
		}
		stored, err := db.All(ctx, tx, scanPart, `SELECT `+partColumns+` FROM part WHERE upload = ? ORDER BY number`, ref.ID)
		if err != nil {
			return err
		}
		there := make(map[int]storedPart, len(stored))
		parts := make([]object.Part, len(stored))
		for i, p := range stored {
			there[p.Number], parts[i] = p, p.Part
		}
		chosen, err := object.ChooseParts(parts, listed)
		if err != nil {
			return err
		}
		if made.Info, err = object.Assemble(u.Checksum, chosen, o); err != nil {
			return err
		}
		made.Key, made.Modified, made.Attributes, made.tags = ref.Key, s.stamp(), u.attributes, u.tags
		made.TagCount = len(u.tags)
		if _, err := replace(ctx, tx, ref.Bucket, &made, o.Conditions); err != nil {
			return err
		}
		start := int64(0)
		for _, p := range chosen {
			if blob := there[p.Number].blob; blob != "" {
				if err := addSegment(ctx, tx, made.id, segment{start: start, size: p.Size, blob: blob}); err != nil {
					return err
				}
			}
			start += p.Size
		}
		_, err = tx.Exec(ctx, `DELETE FROM upload WHERE id = ?`, ref.ID)
		return err
	})
	if err != nil {
		return object.Info{}, err
	}
	s.collect(ctx)
	return made.Info, nil
}

// Abort implements object.Uploads.
func (s *Store) Abort(ctx context.Context, ref object.UploadRef) error {
	err := s.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := findUpload(ctx, tx, ref); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM upload WHERE id = ?`, ref.ID)
		return err
	})
	if err == nil {
		s.collect(ctx)
	}
	return err
}

// ListUploads implements object.Uploads.
func (s *Store) ListUploads(ctx context.Context, bucket string, o object.ListOptions) (object.UploadPage, error) {
	if err := needBucket(ctx, s.db, bucket); err != nil {
		return object.UploadPage{}, err
	}
	token := o.Token
	o.Token = ""
	w := newWalk(o)
	from, id := w.from, "" // uploads of this key after this ID, and of all later keys
	if token != "" && o.After >= o.Prefix && string(w.group(o.After)) != o.After {
		from, id = []byte(o.After), token
	}
	var page object.UploadPage
	for {
		rest := w.limit - len(page.Uploads) - len(page.Prefixes)
		found, err := db.All(ctx, s.db, scanUpload, `SELECT `+uploadColumns+` FROM upload
			WHERE bucket = ? AND key >= ? AND key < ? AND (key > ? OR id > ?) ORDER BY key, id LIMIT ?`, bucket, from, w.to, from, id, rest+1)
		if err != nil {
			return page, err
		}
		var group []byte
		for _, u := range found {
			if rest == 0 {
				page.Next = object.UploadRef{Bucket: bucket, Key: w.last, ID: id}
				return page, nil
			}
			rest--
			if group = w.group(u.Key); group != nil {
				break
			}
			page.Uploads = append(page.Uploads, u.Upload)
			w.last, id = u.Key, u.ID
		}
		if group == nil {
			return page, nil
		}
		page.Prefixes = append(page.Prefixes, string(group))
		from, w.last, id = successor(group), string(group), ""
	}
}
