// Package remote passes objects on to an S3: AWS's own, or anything that speaks its API.
//
// Keys, ETags, listings and errors are the upstream's. Bodies stream through: they are
// hashed on the way, and a body whose check fails breaks the request to the upstream off
// before its last byte, so that nothing is kept there. What is written with a size is sent
// as it comes; a body of unknown size goes through a temporary file first, because S3
// wants to know.
//
// The upstream knows no accounts of ours: the owner of its buckets is empty.
package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/outcrop-ai/outcrop/internal/object"
)

// Config is where the upstream is.
type Config struct {
	Endpoint     string // http or https address; empty: AWS's own for the region
	Region       string // default us-east-1
	VirtualHost  bool   // bucket names go into host names
	AccessKey    string // required
	SecretKey    string // required
	SessionToken string
	HTTP         *http.Client // default: one with time limits on connecting and on headers
}

// Store is an object.Store at an S3. It is safe for concurrent use, and has nothing to
// close.
type Store struct {
	api    *s3.Client
	region string
}

var _ object.Store = (*Store)(nil)

// New returns a store. It doesn't reach the upstream.
func New(c Config) (*Store, error) {
	if c.AccessKey == "" || c.SecretKey == "" {
		return nil, errors.New("objects: the S3 needs an access key and its secret")
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.HTTP == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.ResponseHeaderTimeout = time.Minute
		t.MaxIdleConnsPerHost = 64
		t.DisableCompression = true // bodies are passed on as they are
		c.HTTP = &http.Client{Transport: t}
	}
	creds := aws.Credentials{AccessKeyID: c.AccessKey, SecretAccessKey: c.SecretKey, SessionToken: c.SessionToken}
	o := s3.Options{
		Region: c.Region, UsePathStyle: !c.VirtualHost, HTTPClient: c.HTTP,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return creds, nil }),
		// Checksums are our own, computed once; the SDK's would need bodies that seek.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	if c.Endpoint != "" {
		o.BaseEndpoint = &c.Endpoint
	}
	return &Store{api: s3.New(o), region: c.Region}, nil
}

// stream makes a request send a body that cannot be read twice: its hash is not signed,
// and it is not tried again.
func stream(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	o.RetryMaxAttempts = 1
}

// body is what is sent of a body: it knows its size, and where it was refused.
type body struct {
	*object.Meter
	size  int64
	close func() error
}

// outgoing returns the body of a write. Its close must be called.
func outgoing(in io.Reader, o *object.PutOptions) (body, error) {
	if o.Size > 0 {
		return body{Meter: object.NewMeter(in, o), size: o.Size, close: func() error { return nil }}, nil
	}
	f, err := os.CreateTemp("", "outcrop-object-*")
	if err != nil {
		return body{}, err
	}
	if err := os.Remove(f.Name()); err != nil { // it lives as long as it is open
		return body{}, errors.Join(err, f.Close())
	}
	m := object.NewMeter(in, o)
	n, err := io.Copy(f, m)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return body{}, errors.Join(err, f.Close())
	}
	again := object.PutOptions{Size: n, Checksum: o.Checksum} // checked already
	return body{Meter: object.NewMeter(f, &again), size: n, close: f.Close}, nil
}

// lastByte holds the end of a body back until its check has agreed: an upstream that has
// all the bytes that were announced keeps them.
type lastByte struct {
	in   io.Reader
	held []byte
	err  error
}

// Read implements io.Reader.
func (l *lastByte) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for l.err == nil {
		buf := p
		if len(p) == 1 {
			buf = make([]byte, 2)
		}
		n := copy(buf, l.held)
		var m int
		m, l.err = l.in.Read(buf[n:])
		n += m
		l.held = nil
		if l.err != nil {
			if l.err != io.EOF { //nolint:errorlint // as readers return it
				return 0, l.err
			}
			l.held = append(l.held, buf[:n]...)
			break
		}
		if n > 1 {
			l.held = []byte{buf[n-1]}
			return copy(p, buf[:n-1]), nil
		}
		l.held = append([]byte(nil), buf[:n]...)
	}
	if len(l.held) > 0 && l.err == io.EOF { //nolint:errorlint // as readers return it
		n := copy(p, l.held)
		l.held = l.held[n:]
		return n, nil
	}
	return 0, l.err
}

// fail turns an upstream's error into ours.
func fail(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*object.Error](err); ok {
		return e // of the body on its way
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return &object.Error{Code: object.ServiceUnavailable, Message: "The object store cannot be reached now. Try your request again.", Err: err}
	}
	code := object.Code(api.ErrorCode())
	switch code {
	case "NotFound": // of HEAD, which has no body
		code = object.NoSuchKey
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "AuthorizationHeaderMalformed", "RequestTimeTooSkewed", "InternalError":
		return &object.Error{Code: object.ServiceUnavailable, Message: "The object store refuses the key that Outcrop was configured with, or has failed.", Err: err}
	case "Forbidden":
		code = object.AccessDenied
	default: // S3's names are ours
	}
	return &object.Error{Code: code, Message: api.ErrorMessage(), Err: err}
}

// missing returns the error of a HEAD, which does not say what is missing.
func (s *Store) missing(ctx context.Context, bucket string, err error) error {
	err = fail(err)
	if object.Is(err, object.NoSuchKey) {
		if _, e := s.Bucket(ctx, bucket); object.Is(e, object.NoSuchBucket) {
			return object.ErrNoBucket()
		}
		return object.ErrNoKey()
	}
	if object.Is(err, "PreconditionFailed") {
		return object.ErrPrecondition()
	}
	return err
}

// CreateBucket implements object.Buckets.
func (s *Store) CreateBucket(ctx context.Context, b object.Bucket) error {
	if err := object.CheckBucket(b.Name); err != nil {
		return err
	}
	in := &s3.CreateBucketInput{Bucket: &b.Name}
	if b.Region != "" && b.Region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(b.Region)}
	}
	if _, err := s.api.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.Name}); err == nil {
		return object.Errorf(object.BucketAlreadyOwnedByYou, "Your previous request to create the named bucket succeeded and you already own it.")
	}
	_, err := s.api.CreateBucket(ctx, in)
	return fail(err)
}

// Bucket implements object.Buckets.
func (s *Store) Bucket(ctx context.Context, name string) (object.Bucket, error) {
	if err := object.CheckBucket(name); err != nil {
		return object.Bucket{}, object.ErrNoBucket()
	}
	out, err := s.api.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	if err != nil {
		if err = fail(err); object.Is(err, object.NoSuchKey) {
			err = object.ErrNoBucket()
		}
		return object.Bucket{}, err
	}
	b := object.Bucket{Name: name, Region: aws.ToString(out.BucketRegion)}
	if b.Region == "" {
		b.Region = s.region
	}
	return b, nil
}

// ListBuckets implements object.Buckets: it returns all that the key may see.
func (s *Store) ListBuckets(ctx context.Context, _ string) ([]object.Bucket, error) {
	var all []object.Bucket
	for p := s3.NewListBucketsPaginator(s.api, &s3.ListBucketsInput{}); p.HasMorePages(); {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, fail(err)
		}
		for _, b := range out.Buckets {
			region := aws.ToString(b.BucketRegion)
			if region == "" {
				region = s.region
			}
			all = append(all, object.Bucket{Name: aws.ToString(b.Name), Region: region, Created: aws.ToTime(b.CreationDate)})
		}
	}
	return all, nil
}

// DeleteBucket implements object.Buckets.
func (s *Store) DeleteBucket(ctx context.Context, name string) error {
	_, err := s.api.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name})
	return fail(err)
}

// text returns a pointer to s, nil for none.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// etag returns an ETag as the upstream's.
func etag(e string) *string {
	if e != "" && e != "*" {
		e = `"` + e + `"`
	}
	return text(e)
}

func unquote(e *string) string { return strings.Trim(aws.ToString(e), `"`) }
