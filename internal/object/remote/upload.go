package remote

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/outcrop-ai/outcrop/internal/object"
)

// CreateUpload implements object.Uploads.
func (s *Store) CreateUpload(ctx context.Context, bucket, key string, o object.UploadOptions) (object.Upload, error) {
	if err := object.CheckKey(key); err != nil {
		return object.Upload{}, err
	}
	sum, err := object.CheckUploadChecksum(o.Checksum)
	if err != nil {
		return object.Upload{}, err
	}
	if err := object.CheckTags(o.Tags); err != nil {
		return object.Upload{}, err
	}
	a := o.Attributes
	out, err := s.api.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &bucket, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithm(sum.Algorithm), ChecksumType: types.ChecksumType(sum.Type),
		ContentType: text(a.ContentType), CacheControl: text(a.CacheControl), ContentDisposition: text(a.ContentDisposition),
		ContentEncoding: text(a.ContentEncoding), ContentLanguage: text(a.ContentLanguage), Expires: expires(a.Expires),
		WebsiteRedirectLocation: text(a.Redirect), Metadata: a.Metadata, Tagging: tagging(o.Tags),
	})
	if err != nil {
		return object.Upload{}, fail(err)
	}
	ref := object.UploadRef{Bucket: bucket, Key: key, ID: aws.ToString(out.UploadId)}
	return object.Upload{UploadRef: ref, Started: time.Now().UTC(), Checksum: sum}, nil
}

// Upload implements object.Uploads.
func (s *Store) Upload(ctx context.Context, ref object.UploadRef) (object.Upload, error) {
	out, err := s.api.ListParts(ctx, &s3.ListPartsInput{Bucket: &ref.Bucket, Key: &ref.Key, UploadId: &ref.ID, MaxParts: aws.Int32(1)})
	if err != nil {
		return object.Upload{}, fail(err)
	}
	return object.Upload{UploadRef: ref, Checksum: object.Checksum{Algorithm: object.Algorithm(out.ChecksumAlgorithm), Type: string(out.ChecksumType)}}, nil
}

// PutPart implements object.Uploads.
func (s *Store) PutPart(ctx context.Context, ref object.UploadRef, number int, in io.Reader, o object.PutOptions) (object.Part, error) {
	if number < 1 || number > object.MaxParts {
		return object.Part{}, object.Errorf(object.InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive")
	}
	b, err := outgoing(in, &o)
	if err != nil {
		return object.Part{}, err
	}
	defer func() { _ = b.close() }() // only read
	out, err := s.api.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &ref.Bucket, Key: &ref.Key, UploadId: &ref.ID, PartNumber: aws.Int32(int32(number)),
		Body: &lastByte{in: b}, ContentLength: &b.size,
	}, stream)
	if err != nil {
		return object.Part{}, sent(b.Meter, err)
	}
	got := b.Sums()
	return object.Part{Number: number, Size: got.Size, ETag: unquote(out.ETag), Modified: time.Now().UTC(), Checksum: got.Checksum}, nil
}

// Parts implements object.Uploads.
func (s *Store) Parts(ctx context.Context, ref object.UploadRef, after, limit int) ([]object.Part, error) {
	var parts []object.Part
	marker := strconv.Itoa(after)
	for len(parts) < limit {
		out, err := s.api.ListParts(ctx, &s3.ListPartsInput{
			Bucket: &ref.Bucket, Key: &ref.Key, UploadId: &ref.ID, PartNumberMarker: &marker,
			MaxParts: aws.Int32(int32(min(limit-len(parts), object.MaxPage))), //nolint:gosec // it fits
		})
		if err != nil {
			return nil, fail(err)
		}
		for _, p := range out.Parts {
			sum := sums{p.ChecksumCRC32, p.ChecksumCRC32C, p.ChecksumCRC64NVME, p.ChecksumSHA1, p.ChecksumSHA256}.checksum(types.ChecksumTypeFullObject)
			parts = append(parts, object.Part{
				Number: int(aws.ToInt32(p.PartNumber)), Size: aws.ToInt64(p.Size), ETag: unquote(p.ETag), Modified: aws.ToTime(p.LastModified), Checksum: sum,
			})
		}
		if !aws.ToBool(out.IsTruncated) || len(out.Parts) == 0 {
			break
		}
		marker = strconv.Itoa(parts[len(parts)-1].Number)
	}
	return parts, nil
}

// Complete implements object.Uploads.
func (s *Store) Complete(ctx context.Context, ref object.UploadRef, parts []object.Part, o object.CompleteOptions) (object.Info, error) {
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &ref.Bucket, Key: &ref.Key, UploadId: &ref.ID, MultipartUpload: &types.CompletedMultipartUpload{},
		IfMatch: etag(o.Conditions.IfMatch), IfNoneMatch: etag(o.Conditions.IfNoneMatch), ChecksumType: types.ChecksumType(o.Checksum.Type),
	}
	if o.Size > 0 {
		in.MpuObjectSize = &o.Size
	}
	c := split(o.Checksum)
	in.ChecksumCRC32, in.ChecksumCRC32C, in.ChecksumCRC64NVME, in.ChecksumSHA1, in.ChecksumSHA256 = c.crc32, c.crc32c, c.crc64, c.sha1, c.sha256
	for _, p := range parts {
		c := split(p.Checksum)
		in.MultipartUpload.Parts = append(in.MultipartUpload.Parts, types.CompletedPart{
			PartNumber: aws.Int32(int32(p.Number)), ETag: etag(p.ETag), //nolint:gosec // an invalid number is refused all the same
			ChecksumCRC32: c.crc32, ChecksumCRC32C: c.crc32c, ChecksumCRC64NVME: c.crc64, ChecksumSHA1: c.sha1, ChecksumSHA256: c.sha256,
		})
	}
	out, err := s.api.CompleteMultipartUpload(ctx, in)
	if err != nil {
		return object.Info{}, fail(err)
	}
	i := object.Info{
		Key: ref.Key, ETag: unquote(out.ETag), Modified: time.Now().UTC(), Parts: len(parts),
		Checksum: sums{out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256}.checksum(out.ChecksumType),
	}
	for _, p := range parts {
		i.Size += p.Size
	}
	return i, nil
}

// split returns a checksum as the SDK's shapes have it.
func split(c object.Checksum) (s sums) {
	v := text(c.Value)
	switch c.Algorithm {
	case object.CRC32:
		s.crc32 = v
	case object.CRC32C:
		s.crc32c = v
	case object.CRC64NVME:
		s.crc64 = v
	case object.SHA1:
		s.sha1 = v
	case object.SHA256:
		s.sha256 = v
	}
	return s
}

// Abort implements object.Uploads.
func (s *Store) Abort(ctx context.Context, ref object.UploadRef) error {
	_, err := s.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &ref.Bucket, Key: &ref.Key, UploadId: &ref.ID})
	return fail(err)
}

// ListUploads implements object.Uploads.
func (s *Store) ListUploads(ctx context.Context, bucket string, o object.ListOptions) (object.UploadPage, error) {
	in := &s3.ListMultipartUploadsInput{
		Bucket: &bucket, Prefix: text(o.Prefix), Delimiter: text(o.Delimiter), KeyMarker: text(o.After), UploadIdMarker: text(o.Token), EncodingType: types.EncodingTypeUrl,
	}
	if o.Max > 0 {
		in.MaxUploads = aws.Int32(int32(min(o.Max, object.MaxPage)))
	}
	out, err := s.api.ListMultipartUploads(ctx, in)
	if err != nil {
		return object.UploadPage{}, fail(err)
	}
	decode := decoder(out.EncodingType)
	var page object.UploadPage
	if aws.ToBool(out.IsTruncated) {
		page.Next = object.UploadRef{Bucket: bucket, Key: decode(out.NextKeyMarker), ID: aws.ToString(out.NextUploadIdMarker)}
	}
	for _, u := range out.Uploads {
		page.Uploads = append(page.Uploads, object.Upload{
			UploadRef: object.UploadRef{Bucket: bucket, Key: decode(u.Key), ID: aws.ToString(u.UploadId)}, Started: aws.ToTime(u.Initiated),
			Checksum: object.Checksum{Algorithm: object.Algorithm(u.ChecksumAlgorithm), Type: string(u.ChecksumType)},
		})
	}
	for _, p := range out.CommonPrefixes {
		page.Prefixes = append(page.Prefixes, decode(p.Prefix))
	}
	return page, nil
}
