package local

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/object"
)

// row is an object as it is stored.
type row struct {
	id int64
	object.Info
	tags map[string]string
}

// segment is a piece of an object.
type segment struct {
	start, size int64
	blob        string
}

const objectColumns = `id, key, size, etag, modified_ms, parts, checksum, attributes, tags`

func scanRow(r db.Scanner) (o row, err error) {
	var key []byte
	var modified int64
	var checksum, attributes, tags string
	if err := r.Scan(&o.id, &key, &o.Size, &o.ETag, &modified, &o.Parts, &checksum, &attributes, &tags); err != nil {
		return o, err
	}
	o.Key, o.Modified = string(key), time.UnixMilli(modified).UTC()
	if err := errors.Join(decode(checksum, &o.Checksum), decode(attributes, &o.Attributes), decode(tags, &o.tags)); err != nil {
		return o, fmt.Errorf("object %d: %w", o.id, err)
	}
	o.TagCount = len(o.tags)
	return o, nil
}

// encode and decode keep what is asked for by nobody but an object's readers.
func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

func decode(text string, v any) error { return json.Unmarshal([]byte(text), v) }

// find returns an object, an error of its bucket or key when it is not there.
func find(ctx context.Context, q db.Querier, bucket, key string) (row, error) {
	o, err := lookup(ctx, q, bucket, key)
	if err != nil {
		return row{}, err
	}
	if o != nil {
		return *o, nil
	}
	if err := needBucket(ctx, q, bucket); err != nil {
		return row{}, err
	}
	return row{}, object.ErrNoKey()
}

// lookup returns an object, nil when it is not there.
func lookup(ctx context.Context, q db.Querier, bucket, key string) (*row, error) {
	o, err := db.One(ctx, q, scanRow, `SELECT `+objectColumns+` FROM object WHERE bucket = ? AND key = ?`, bucket, []byte(key))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // there is none
	}
	return &o, err
}

// needBucket returns an error unless the bucket is there.
func needBucket(ctx context.Context, q db.Querier, bucket string) error {
	_, err := db.One(ctx, q, scanText, `SELECT name FROM bucket WHERE name = ?`, bucket)
	if errors.Is(err, sql.ErrNoRows) {
		return object.ErrNoBucket()
	}
	return err
}

// replace makes o the object of its key, if the conditions hold of the one that is there.
// It returns whether there was one, and o's ID.
func replace(ctx context.Context, tx *db.Tx, bucket string, o *row, c object.Conditions) (replaced bool, err error) {
	if err := needBucket(ctx, tx, bucket); err != nil {
		return false, err
	}
	old, err := lookup(ctx, tx, bucket, o.Key)
	if err != nil {
		return false, err
	}
	if err := check(c, old); err != nil {
		return false, err
	}
	if old != nil {
		if _, err := tx.Exec(ctx, `DELETE FROM object WHERE id = ?`, old.id); err != nil {
			return false, err
		}
	}
	checksum, err1 := encode(o.Checksum)
	attributes, err2 := encode(o.Attributes)
	tags, err3 := encode(o.tags)
	if err := errors.Join(err1, err2, err3); err != nil {
		return false, err
	}
	res, err := tx.Exec(ctx, `INSERT INTO object (bucket, key, size, etag, modified_ms, parts, checksum, attributes, tags)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, bucket, []byte(o.Key), o.Size, o.ETag, o.Modified.UnixMilli(), o.Parts, checksum, attributes, tags)
	if err != nil {
		return false, err
	}
	o.id, err = res.LastInsertId()
	return old != nil, err
}

func check(c object.Conditions, old *row) error {
	if old == nil {
		return c.Check(nil)
	}
	return c.Check(&old.Info)
}

func addSegment(ctx context.Context, tx *db.Tx, id int64, s segment) error {
	_, err := tx.Exec(ctx, `INSERT INTO segment (object, start, size, blob) VALUES (?, ?, ?, ?)`, id, s.start, s.size, s.blob)
	return err
}

// segments returns the pieces of an object that hold the bytes from offset on, up to
// length of them.
func segments(ctx context.Context, q db.Querier, id, offset, length int64) ([]segment, error) {
	return db.All(ctx, q, func(r db.Scanner) (s segment, err error) {
		err = r.Scan(&s.start, &s.size, &s.blob)
		return s, err
	}, `SELECT start, size, blob FROM segment WHERE object = ? AND start < ? AND start + size > ? ORDER BY start`, id, offset+length, offset)
}
