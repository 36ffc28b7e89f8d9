package local

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/object"
)

func scanBucket(r db.Scanner) (b object.Bucket, err error) {
	var created int64
	err = r.Scan(&b.Name, &b.Owner, &b.Region, &created)
	b.Created = time.UnixMilli(created).UTC()
	return b, err
}

const bucketColumns = `name, owner, region, created_ms`

// CreateBucket implements object.Buckets.
func (s *Store) CreateBucket(ctx context.Context, b object.Bucket) error {
	if err := object.CheckBucket(b.Name); err != nil {
		return err
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		owner, err := db.All(ctx, tx, scanText, `SELECT owner FROM bucket WHERE name = ?`, b.Name)
		switch {
		case err != nil:
			return err
		case len(owner) > 0 && owner[0] == b.Owner:
			return object.Errorf(object.BucketAlreadyOwnedByYou, "Your previous request to create the named bucket succeeded and you already own it.")
		case len(owner) > 0:
			return object.Errorf(object.BucketAlreadyExists, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
		}
		_, err = tx.Exec(ctx, `INSERT INTO bucket (`+bucketColumns+`) VALUES (?, ?, ?, ?)`, b.Name, b.Owner, b.Region, s.now().UnixMilli())
		return err
	})
}

// Bucket implements object.Buckets.
func (s *Store) Bucket(ctx context.Context, name string) (object.Bucket, error) {
	b, err := db.One(ctx, s.db, scanBucket, `SELECT `+bucketColumns+` FROM bucket WHERE name = ?`, name)
	if errors.Is(err, sql.ErrNoRows) {
		return b, object.ErrNoBucket()
	}
	return b, err
}

// ListBuckets implements object.Buckets.
func (s *Store) ListBuckets(ctx context.Context, owner string) ([]object.Bucket, error) {
	return db.All(ctx, s.db, scanBucket, `SELECT `+bucketColumns+` FROM bucket WHERE owner = ? ORDER BY name`, owner)
}

// DeleteBucket implements object.Buckets. Uploads that were not completed go with it.
func (s *Store) DeleteBucket(ctx context.Context, name string) error {
	err := s.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := needBucket(ctx, tx, name); err != nil {
			return err
		}
		found, err := db.All(ctx, tx, scanText, `SELECT etag FROM object WHERE bucket = ? LIMIT 1`, name)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return object.Errorf(object.BucketNotEmpty, "The bucket you tried to delete is not empty")
		}
		if _, err := tx.Exec(ctx, `DELETE FROM upload WHERE bucket = ?`, name); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM bucket WHERE name = ?`, name)
		return err
	})
	if err == nil {
		s.collect(ctx)
	}
	return err
}
