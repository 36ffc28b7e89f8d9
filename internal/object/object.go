// Package object is where Outcrop keeps objects: the blob store behind every "s3://" that
// a request names, and behind the S3 endpoint.
//
// It holds the vocabulary only: buckets, objects, uploads in parts, and the Store that
// keeps them. Two stores implement it: object/local in a folder of this machine, and
// object/remote, which passes on to any S3. Both behave as S3 does, to the names of their
// errors, and are held to one suite (objecttest).
//
// What holds of every store:
//
//   - An object is there whole or not at all. A body that breaks off, that fails its
//     check, or whose process dies leaves what was there before.
//   - Once a write has returned, every read sees it.
//   - Bodies stream: no store holds one in memory, whatever its size.
//   - Names of buckets are one namespace, as in S3; a bucket has an owner. A store asks
//     nobody for permission: who may see what is decided by whoever calls it. See Owned.
//
// Versions, object locks and lifecycles are not here.
package object

import (
	"context"
	"io"
	"time"
)

// Limits of S3 that every store keeps.
const (
	MaxKey      = 1024               // bytes of a key
	MaxPut      = 5 << 30            // bytes of an object that is put in one piece, and of a part
	MaxObject   = 50_000_000_000_000 // bytes of an object in parts
	MinPart     = 5 << 20            // bytes of any part but the last
	MaxParts    = 10_000             // parts of an upload
	MaxPage     = 1000               // entries of a listing's page
	maxMetadata = 2 << 10            // bytes of an object's own metadata
)

// Bucket is a container of objects.
type Bucket struct {
	Name    string
	Owner   string // account; empty where a store doesn't know accounts
	Region  string
	Created time.Time
}

// Attributes are what an object's writer says about it. The zero value says nothing.
type Attributes struct {
	ContentType        string            `json:"contentType,omitempty"`
	CacheControl       string            `json:"cacheControl,omitempty"`
	ContentDisposition string            `json:"contentDisposition,omitempty"`
	ContentEncoding    string            `json:"contentEncoding,omitempty"`
	ContentLanguage    string            `json:"contentLanguage,omitempty"`
	Expires            string            `json:"expires,omitempty"` // as it was written
	Redirect           string            `json:"redirect,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"` // names in lower case
}

// Info describes an object.
type Info struct {
	Key      string
	Size     int64
	ETag     string // without quotes
	Modified time.Time
	Parts    int // of an object that came in parts; else 0
	TagCount int
	Checksum Checksum
	Attributes
}

// Object is an object that is being read. Its Body must be closed.
type Object struct {
	Info
	Offset int64 // of the first byte of Body
	Length int64 // of Body
	Body   io.ReadCloser
}

// Range is a part of an object: from First to Last, both inclusive; a negative Last means
// to the end. A negative First means the last -First bytes.
type Range struct{ First, Last int64 }

// Conditions are what must hold of the object that a write replaces; of a write that
// loses against another one, at the moment it would take effect.
type Conditions struct {
	IfMatch     string // its ETag; "*": any object. Empty: nothing is asked
	IfNoneMatch string // "*": there is none. Empty: nothing is asked
}

// Sums are what came of reading a whole body.
type Sums struct {
	Size     int64
	MD5      [16]byte
	Checksum Checksum // of the algorithm that was asked for
}

// PutOptions are how an object, or a part of one, is written.
type PutOptions struct {
	Attributes
	Tags       map[string]string
	Conditions Conditions
	// Size of the body in bytes; zero or less when it is not known. A body of another
	// size is an error.
	Size int64
	// Checksum is the algorithm of the checksum to keep; empty: CRC64NVME.
	Checksum Algorithm
	// Check is asked once the body has been read and before it is kept. Its error ends the
	// write and is returned. Nil agrees.
	Check func(Sums) error
}

// GetOptions are how an object is read.
type GetOptions struct {
	Range *Range // nil: all of it
	Part  int    // of an object in parts: only this one; 0: all of it
	// Check is asked about the object before it is read; its error is returned. Nil agrees.
	Check func(Info) error
}

// ListOptions are which entries a page holds, in order of their bytes.
type ListOptions struct {
	Prefix    string // keys that start with it
	Delimiter string // keys with the same beginning up to it, after Prefix, are one entry
	After     string // keys after this one; a common prefix stands for all its keys
	Token     string // the Next of the page before; goes before After
	Max       int    // entries; 0 or more than MaxPage: MaxPage
}

// Page is a part of a listing.
type Page struct {
	Objects  []Info // without Attributes
	Prefixes []string
	Next     string // Token of the next page; empty: this is the last
}

// CopyOptions are how an object is copied.
type CopyOptions struct {
	Bucket, Key string // the source
	// Attributes and Tags replace the source's; nil keeps those.
	Attributes *Attributes
	Tags       *map[string]string
	Checksum   Algorithm // to compute anew; empty: the source's
	Conditions Conditions
	Check      func(source Info) error // see GetOptions
}

// Reader reads objects.
type Reader interface {
	// Get opens an object.
	Get(ctx context.Context, bucket, key string, o GetOptions) (*Object, error)
	// Head describes one.
	Head(ctx context.Context, bucket, key string) (Info, error)
	// List returns a page of a bucket's objects.
	List(ctx context.Context, bucket string, o ListOptions) (Page, error)
}

// Writer writes objects.
type Writer interface {
	// Put writes an object, replacing one of the same key.
	Put(ctx context.Context, bucket, key string, body io.Reader, o PutOptions) (Info, error)
	// Copy copies one, replacing one of the same key.
	Copy(ctx context.Context, bucket, key string, o CopyOptions) (Info, error)
	// Delete removes one; without conditions it is fine when there is none.
	Delete(ctx context.Context, bucket, key string, c Conditions) error
}

// Buckets makes and finds buckets.
type Buckets interface {
	CreateBucket(ctx context.Context, b Bucket) error
	Bucket(ctx context.Context, name string) (Bucket, error)
	// ListBuckets returns an owner's buckets by name; where a store doesn't know owners, all.
	ListBuckets(ctx context.Context, owner string) ([]Bucket, error)
	DeleteBucket(ctx context.Context, name string) error
}

// Tagger reads and replaces an object's tags.
type Tagger interface {
	Tags(ctx context.Context, bucket, key string) (map[string]string, error)
	SetTags(ctx context.Context, bucket, key string, tags map[string]string) error
}

// UploadRef names an upload in parts.
type UploadRef struct{ Bucket, Key, ID string }

// Upload is an upload in parts that is not complete.
type Upload struct {
	UploadRef
	Started  time.Time
	Checksum Checksum // algorithm and type only
}

// UploadOptions are how an upload in parts begins.
type UploadOptions struct {
	Attributes
	Tags     map[string]string
	Checksum Checksum // algorithm and type; empty: CRC64NVME of the whole object
}

// Part is a part of an upload.
type Part struct {
	Number   int // from 1
	Size     int64
	ETag     string
	Modified time.Time
	Checksum Checksum
}

// CompleteOptions are how an upload ends.
type CompleteOptions struct {
	Conditions Conditions
	Checksum   Checksum // that the whole must have; an empty value is not checked
	Size       int64    // that the whole must have; 0 is not checked
}

// UploadPage is a part of a listing of uploads, by key and then by ID.
type UploadPage struct {
	Uploads  []Upload
	Prefixes []string
	Next     UploadRef // pass its Key and ID on; empty: this is the last page
}

// Uploads takes objects in parts.
type Uploads interface {
	CreateUpload(ctx context.Context, bucket, key string, o UploadOptions) (Upload, error)
	// Upload describes an upload.
	Upload(ctx context.Context, u UploadRef) (Upload, error)
	// PutPart writes a part, replacing one of the same number. Of the options, those of
	// the body hold.
	PutPart(ctx context.Context, u UploadRef, number int, body io.Reader, o PutOptions) (Part, error)
	// Parts returns up to limit parts after a number.
	Parts(ctx context.Context, u UploadRef, after, limit int) ([]Part, error)
	// Complete makes an object of parts, of which numbers and ETags are given.
	Complete(ctx context.Context, u UploadRef, parts []Part, o CompleteOptions) (Info, error)
	Abort(ctx context.Context, u UploadRef) error
	// ListUploads returns a page of a bucket's uploads. After and Token of the options
	// stand for the key and the ID of the last one seen.
	ListUploads(ctx context.Context, bucket string, o ListOptions) (UploadPage, error)
}

// Store is a whole object store. Its methods are safe for concurrent use; their errors
// are *Error where S3 has a name for them.
type Store interface {
	Buckets
	Reader
	Writer
	Tagger
	Uploads
}

// Owned returns nil when account may think of the bucket as its own, and otherwise an
// error: AccessDenied for somebody else's.
func Owned(ctx context.Context, s Buckets, bucket, account string) error {
	b, err := s.Bucket(ctx, bucket)
	if err != nil {
		return err
	}
	if b.Owner != "" && b.Owner != account {
		return Errorf(AccessDenied, "Access Denied")
	}
	return nil
}
