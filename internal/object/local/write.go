package local

import (
	"context"
	"encoding/hex"
	"io"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/object"
)

// Put implements object.Writer.
func (s *Store) Put(ctx context.Context, bucket, key string, body io.Reader, o object.PutOptions) (object.Info, error) {
	if err := s.checkNew(ctx, bucket, key, &o.Attributes, o.Tags); err != nil {
		return object.Info{}, err
	}
	if o.Conditions != (object.Conditions{}) { // asked again when it counts; this spares the body
		old, err := lookup(ctx, s.db, bucket, key)
		if err != nil {
			return object.Info{}, err
		}
		if err := check(o.Conditions, old); err != nil {
			return object.Info{}, err
		}
	}
	d, err := s.receive(body, &o)
	if err != nil {
		return object.Info{}, err
	}
	r := row{tags: o.Tags, Info: object.Info{
		Key: key, Size: d.sums.Size, ETag: hex.EncodeToString(d.sums.MD5[:]), Modified: s.stamp(),
		TagCount: len(o.Tags), Checksum: d.sums.Checksum, Attributes: o.Attributes,
	}}
	replaced := false
	err = s.keep(ctx, d, func(ctx context.Context, tx *db.Tx) (err error) {
		if replaced, err = replace(ctx, tx, bucket, &r, o.Conditions); err != nil || d.id == "" {
			return err
		}
		return addSegment(ctx, tx, r.id, segment{size: r.Size, blob: d.id})
	})
	if err != nil {
		return object.Info{}, err
	}
	if replaced {
		s.collect(ctx)
	}
	return r.Info, nil
}

// checkNew refuses what could not be written before a body is read.
func (s *Store) checkNew(ctx context.Context, bucket, key string, a *object.Attributes, tags map[string]string) error {
	if err := object.CheckKey(key); err != nil {
		return err
	}
	if err := a.Validate(); err != nil {
		return err
	}
	if err := object.CheckTags(tags); err != nil {
		return err
	}
	return needBucket(ctx, s.db, bucket)
}

// stamp returns now as it is stored.
func (s *Store) stamp() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// Copy implements object.Writer. The copy shares the source's files, and of an object in
// parts its ETag, where S3 would make a new one.
func (s *Store) Copy(ctx context.Context, bucket, key string, o object.CopyOptions) (object.Info, error) {
	a := o.Attributes
	if a == nil {
		a = &object.Attributes{}
	}
	var tags map[string]string
	if o.Tags != nil {
		tags = *o.Tags
	}
	if err := s.checkNew(ctx, bucket, key, a, tags); err != nil {
		return object.Info{}, err
	}
	src, err := find(ctx, s.db, o.Bucket, o.Key)
	if err != nil {
		return object.Info{}, err
	}
	if src.Size > object.MaxPut {
		return object.Info{}, object.Errorf(object.InvalidRequest, "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120")
	}
	if o.Check != nil {
		if err := o.Check(src.Info); err != nil {
			return object.Info{}, err
		}
	}
	if o.Checksum != "" && o.Checksum != src.Checksum.Algorithm {
		return s.rewrite(ctx, bucket, key, src, o)
	}
	var made row
	replaced := false
	err = s.keep(ctx, draft{}, func(ctx context.Context, tx *db.Tx) error {
		now, err := find(ctx, tx, o.Bucket, o.Key)
		if err != nil {
			return err
		}
		if now.id != src.id && o.Check != nil { // it was replaced meanwhile
			if err := o.Check(now.Info); err != nil {
				return err
			}
		}
		made = copyOf(now, key, s.stamp(), o)
		pieces, err := segments(ctx, tx, now.id, 0, now.Size)
		if err != nil {
			return err
		}
		// The new row first takes its share, for the source may be the one it replaces.
		for _, p := range pieces {
			if _, err := tx.Exec(ctx, `UPDATE blob SET refs = refs + 1 WHERE id = ?`, p.blob); err != nil {
				return err
			}
		}
		if replaced, err = replace(ctx, tx, bucket, &made, o.Conditions); err != nil {
			return err
		}
		for _, p := range pieces {
			if err := addSegment(ctx, tx, made.id, p); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE blob SET refs = refs - 1 WHERE id = ?`, p.blob); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && replaced {
		s.collect(ctx)
	}
	return made.Info, err
}

// copyOf returns the row of a copy of src.
func copyOf(src row, key string, now time.Time, o object.CopyOptions) row {
	made := row{Info: src.Info, tags: src.tags}
	made.Key, made.Modified = key, now
	if o.Attributes != nil {
		made.Attributes = *o.Attributes
	}
	if o.Tags != nil {
		made.tags = *o.Tags
	}
	made.TagCount = len(made.tags)
	return made
}

// rewrite copies an object by reading it, where its copy has a checksum of another kind.
func (s *Store) rewrite(ctx context.Context, bucket, key string, src row, o object.CopyOptions) (object.Info, error) {
	obj, err := s.Get(ctx, o.Bucket, o.Key, object.GetOptions{Check: o.Check})
	if err != nil {
		return object.Info{}, err
	}
	defer func() { _ = obj.Body.Close() }() // only read
	made := copyOf(src, key, time.Time{}, o)
	return s.Put(ctx, bucket, key, obj.Body, object.PutOptions{
		Attributes: made.Attributes, Tags: made.tags, Conditions: o.Conditions, Size: obj.Size, Checksum: o.Checksum,
	})
}

// Delete implements object.Writer.
func (s *Store) Delete(ctx context.Context, bucket, key string, c object.Conditions) error {
	found := false
	err := s.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := needBucket(ctx, tx, bucket); err != nil {
			return err
		}
		old, err := lookup(ctx, tx, bucket, key)
		if err != nil {
			return err
		}
		if err := check(c, old); err != nil || old == nil {
			return err
		}
		found = true
		_, err = tx.Exec(ctx, `DELETE FROM object WHERE id = ?`, old.id)
		return err
	})
	if err == nil && found {
		s.collect(ctx)
	}
	return err
}

// Tags implements object.Tagger.
func (s *Store) Tags(ctx context.Context, bucket, key string) (map[string]string, error) {
	o, err := find(ctx, s.db, bucket, key)
	return o.tags, err
}

// SetTags implements object.Tagger.
func (s *Store) SetTags(ctx context.Context, bucket, key string, tags map[string]string) error {
	if err := object.CheckTags(tags); err != nil {
		return err
	}
	text, err := encode(tags)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		o, err := find(ctx, tx, bucket, key)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE object SET tags = ? WHERE id = ?`, text, o.id)
		return err
	})
}
