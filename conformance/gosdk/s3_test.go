package gosdk

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// bucketOf makes a bucket with a name of its own.
func bucketOf(t *testing.T, c *s3.Client) *string {
	t.Helper()
	var b [8]byte
	_, _ = rand.Read(b[:])
	name := "go-" + hex.EncodeToString(b[:])
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	return &name
}

func read(t *testing.T, c *s3.Client, bucket *string, key string) []byte {
	t.Helper()
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(out.Body) // the SDK checks the checksum
	if err := errors.Join(err, out.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return body
}

func TestS3Checksums(t *testing.T) {
	t.Parallel()
	c := s3.NewFromConfig(load(t))
	bucket := bucketOf(t, c)
	body := make([]byte, 200_000)
	_, _ = rand.Read(body)
	for _, alg := range []types.ChecksumAlgorithm{"", "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"} {
		for _, b := range [][]byte{nil, []byte("x"), body} {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("k"), Body: bytes.NewReader(b), ChecksumAlgorithm: alg})
			if err != nil {
				t.Fatalf("%s: %v", alg, err)
			}
			if got := read(t, c, bucket, "k"); !bytes.Equal(got, b) {
				t.Errorf("%s: got %d bytes, want %d", alg, len(got), len(b))
			}
		}
	}
}

func TestS3Multipart(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := s3.NewFromConfig(load(t))
	bucket, key := bucketOf(t, c), aws.String("a/big")
	for _, alg := range []types.ChecksumAlgorithm{"CRC32", "CRC64NVME", "SHA256"} {
		up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key, ChecksumAlgorithm: alg})
		if err != nil {
			t.Fatal(err)
		}
		var whole []byte
		var parts []types.CompletedPart
		for n, size := range []int{5 << 20, 5<<20 + 7, 3} {
			body := make([]byte, size)
			_, _ = rand.Read(body)
			whole = append(whole, body...)
			p, err := c.UploadPart(ctx, &s3.UploadPartInput{
				Bucket: bucket, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(int32(n + 1)), Body: bytes.NewReader(body), ChecksumAlgorithm: alg,
			})
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, types.CompletedPart{
				PartNumber: aws.Int32(int32(n + 1)), ETag: p.ETag, ChecksumCRC32: p.ChecksumCRC32, ChecksumCRC64NVME: p.ChecksumCRC64NVME, ChecksumSHA256: p.ChecksumSHA256,
			})
		}
		if _, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: bucket, Key: key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		}); err != nil {
			t.Fatal(err)
		}
		if got := read(t, c, bucket, *key); !bytes.Equal(got, whole) {
			t.Errorf("%s: got %d bytes", alg, len(got))
		}
	}
}

func TestS3PresignedAndErrors(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := s3.NewFromConfig(load(t))
	bucket := bucketOf(t, c)
	put, err := s3.NewPresignClient(c).PresignPutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("p q")})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, put.Method, put.URL, bytes.NewReader([]byte("presigned")))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range put.SignedHeader {
		if name != "Host" {
			req.Header[name] = values
		}
	}
	req.ContentLength = int64(len("presigned"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("got %s, %v", res.Status, err)
	}
	if got := read(t, c, bucket, "p q"); string(got) != "presigned" {
		t.Errorf("got %q", got)
	}
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("none")})
	var missing *types.NoSuchKey
	if !errors.As(err, &missing) {
		t.Errorf("got %v, want NoSuchKey", err)
	}
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("p q"), Body: bytes.NewReader(nil), IfNoneMatch: aws.String("*")})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "PreconditionFailed" {
		t.Errorf("got %v, want PreconditionFailed", err)
	}
}
