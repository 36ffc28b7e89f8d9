package remote

import (
	"context"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/outcrop-ai/outcrop/internal/object"
)

// sums are the five pointers that a shape of the SDK has for checksums.
type sums struct{ crc32, crc32c, crc64, sha1, sha256 *string }

func (s sums) checksum(kind types.ChecksumType) object.Checksum {
	for _, c := range []struct {
		a object.Algorithm
		v *string
	}{{object.CRC32, s.crc32}, {object.CRC32C, s.crc32c}, {object.CRC64NVME, s.crc64}, {object.SHA1, s.sha1}, {object.SHA256, s.sha256}} {
		if c.v == nil {
			continue
		}
		if kind == "" {
			kind = types.ChecksumTypeFullObject
			if strings.Contains(*c.v, "-") {
				kind = types.ChecksumTypeComposite
			}
		}
		return object.Checksum{Algorithm: c.a, Type: string(kind), Value: *c.v}
	}
	return object.Checksum{}
}

// Put implements object.Writer.
func (s *Store) Put(ctx context.Context, bucket, key string, in io.Reader, o object.PutOptions) (object.Info, error) {
	if err := object.CheckKey(key); err != nil {
		return object.Info{}, err
	}
	if err := o.Validate(); err != nil {
		return object.Info{}, err
	}
	if err := object.CheckTags(o.Tags); err != nil {
		return object.Info{}, err
	}
	b, err := outgoing(in, &o)
	if err != nil {
		return object.Info{}, err
	}
	defer func() { _ = b.close() }() // only read
	a := o.Attributes
	out, err := s.api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: &lastByte{in: b}, ContentLength: &b.size,
		ContentType: text(a.ContentType), CacheControl: text(a.CacheControl), ContentDisposition: text(a.ContentDisposition),
		ContentEncoding: text(a.ContentEncoding), ContentLanguage: text(a.ContentLanguage), Expires: expires(a.Expires),
		WebsiteRedirectLocation: text(a.Redirect), Metadata: a.Metadata, Tagging: tagging(o.Tags),
		IfMatch: etag(o.Conditions.IfMatch), IfNoneMatch: etag(o.Conditions.IfNoneMatch),
	}, stream)
	if err != nil {
		return object.Info{}, sent(b.Meter, err)
	}
	got := b.Sums()
	return object.Info{
		Key: key, Size: got.Size, ETag: unquote(out.ETag), Modified: time.Now().UTC(), TagCount: len(o.Tags), Attributes: a,
		Checksum: got.Checksum,
	}, nil
}

// sent returns the error of a request that sent a body: the body's own goes first.
func sent(m *object.Meter, err error) error {
	if e := m.Err(); e != nil {
		return e
	}
	return fail(err)
}

func expires(v string) *time.Time {
	for _, layout := range []string{time.RFC1123, time.RFC1123Z, time.RFC850} {
		if t, err := time.Parse(layout, v); err == nil {
			return &t
		}
	}
	return nil
}

func tagging(tags map[string]string) *string {
	values := url.Values{}
	for k, v := range tags {
		values.Set(k, v)
	}
	return text(values.Encode())
}

// Get implements object.Reader.
func (s *Store) Get(ctx context.Context, bucket, key string, o object.GetOptions) (*object.Object, error) {
	in := &s3.GetObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled}
	if r := o.Range; r != nil {
		spec := "bytes=" + strconv.FormatInt(r.First, 10) + "-"
		switch {
		case r.First < 0:
			spec = "bytes=" + strconv.FormatInt(r.First, 10)
		case r.Last >= 0:
			spec += strconv.FormatInt(r.Last, 10)
		}
		in.Range = &spec
	}
	if o.Part > 0 {
		in.PartNumber = aws.Int32(int32(min(o.Part, object.MaxParts)))
	}
	out, err := s.api.GetObject(ctx, in)
	if err != nil {
		return nil, fail(err)
	}
	obj := &object.Object{Body: out.Body, Length: aws.ToInt64(out.ContentLength), Info: object.Info{
		Key: key, Size: aws.ToInt64(out.ContentLength), ETag: unquote(out.ETag), Modified: aws.ToTime(out.LastModified),
		Parts: int(aws.ToInt32(out.PartsCount)), TagCount: int(aws.ToInt32(out.TagCount)),
		Checksum: sums{out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256}.checksum(out.ChecksumType),
		Attributes: object.Attributes{
			ContentType: aws.ToString(out.ContentType), CacheControl: aws.ToString(out.CacheControl),
			ContentDisposition: aws.ToString(out.ContentDisposition), ContentEncoding: aws.ToString(out.ContentEncoding),
			ContentLanguage: aws.ToString(out.ContentLanguage), Expires: aws.ToString(out.ExpiresString),
			Redirect: aws.ToString(out.WebsiteRedirectLocation), Metadata: metadata(out.Metadata),
		},
	}}
	fixParts(&obj.Info)
	if o.Range != nil || o.Part > 0 {
		obj.Offset, obj.Size = contentRange(aws.ToString(out.ContentRange), obj.Length)
	}
	if o.Check != nil {
		if err := o.Check(obj.Info); err != nil {
			_ = out.Body.Close() // nothing was read
			return nil, err
		}
	}
	return obj, nil
}

func metadata(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return m
}

// fixParts takes the number of parts from the ETag where the upstream doesn't say it.
func fixParts(i *object.Info) {
	if _, n, ok := strings.Cut(i.ETag, "-"); ok && i.Parts == 0 {
		i.Parts, _ = strconv.Atoi(n) // 0 when it is none
	}
}

// contentRange reads "bytes 0-9/100".
func contentRange(h string, length int64) (offset, size int64) {
	span, total, ok := strings.Cut(strings.TrimPrefix(h, "bytes "), "/")
	first, _, ok2 := strings.Cut(span, "-")
	if !ok || !ok2 {
		return 0, length
	}
	offset, err1 := strconv.ParseInt(first, 10, 64)
	size, err2 := strconv.ParseInt(total, 10, 64)
	if err1 != nil || err2 != nil {
		return 0, length
	}
	return offset, size
}

// Head implements object.Reader.
func (s *Store) Head(ctx context.Context, bucket, key string) (object.Info, error) {
	out, err := s.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return object.Info{}, s.missing(ctx, bucket, err)
	}
	i := object.Info{
		Key: key, Size: aws.ToInt64(out.ContentLength), ETag: unquote(out.ETag), Modified: aws.ToTime(out.LastModified),
		Parts: int(aws.ToInt32(out.PartsCount)), TagCount: int(aws.ToInt32(out.TagCount)),
		Checksum: sums{out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256}.checksum(out.ChecksumType),
		Attributes: object.Attributes{
			ContentType: aws.ToString(out.ContentType), CacheControl: aws.ToString(out.CacheControl),
			ContentDisposition: aws.ToString(out.ContentDisposition), ContentEncoding: aws.ToString(out.ContentEncoding),
			ContentLanguage: aws.ToString(out.ContentLanguage), Expires: aws.ToString(out.ExpiresString),
			Redirect: aws.ToString(out.WebsiteRedirectLocation), Metadata: metadata(out.Metadata),
		},
	}
	fixParts(&i)
	return i, nil
}

// List implements object.Reader.
func (s *Store) List(ctx context.Context, bucket string, o object.ListOptions) (object.Page, error) {
	in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: text(o.Prefix), Delimiter: text(o.Delimiter), ContinuationToken: text(o.Token), EncodingType: types.EncodingTypeUrl}
	if o.Max > 0 {
		in.MaxKeys = aws.Int32(int32(min(o.Max, object.MaxPage)))
	}
	if o.After != "" && o.Token == "" {
		after := o.After
		if o.Delimiter != "" && strings.HasSuffix(after, o.Delimiter) {
			after += "\U0010FFFF" // a common prefix stands for all its keys
		}
		in.StartAfter = &after
	}
	out, err := s.api.ListObjectsV2(ctx, in)
	if err != nil {
		return object.Page{}, fail(err)
	}
	decode := decoder(out.EncodingType)
	page := object.Page{Next: aws.ToString(out.NextContinuationToken)}
	for _, c := range out.Contents {
		i := object.Info{Key: decode(c.Key), Size: aws.ToInt64(c.Size), ETag: unquote(c.ETag), Modified: aws.ToTime(c.LastModified)}
		if len(c.ChecksumAlgorithm) > 0 {
			i.Checksum = object.Checksum{Algorithm: object.Algorithm(c.ChecksumAlgorithm[0]), Type: string(c.ChecksumType)}
		}
		page.Objects = append(page.Objects, i)
	}
	for _, p := range out.CommonPrefixes {
		page.Prefixes = append(page.Prefixes, decode(p.Prefix))
	}
	return page, nil
}

// decoder returns how keys of a listing are read: XML cannot hold every one, so we ask
// for them in the encoding of URLs.
func decoder(kind types.EncodingType) func(*string) string {
	return func(s *string) string {
		if kind == types.EncodingTypeUrl {
			if v, err := url.QueryUnescape(aws.ToString(s)); err == nil {
				return v
			}
		}
		return aws.ToString(s)
	}
}

// Copy implements object.Writer.
func (s *Store) Copy(ctx context.Context, bucket, key string, o object.CopyOptions) (object.Info, error) {
	if err := object.CheckKey(key); err != nil {
		return object.Info{}, err
	}
	src, err := s.Head(ctx, o.Bucket, o.Key)
	if err != nil {
		return object.Info{}, err
	}
	if o.Check != nil {
		if err := o.Check(src); err != nil {
			return object.Info{}, err
		}
	}
	in := &s3.CopyObjectInput{
		Bucket: &bucket, Key: &key, CopySource: aws.String(o.Bucket + "/" + strings.ReplaceAll(url.PathEscape(o.Key), "%2F", "/")),
		CopySourceIfMatch: etag(src.ETag), // what was checked
		ChecksumAlgorithm: types.ChecksumAlgorithm(o.Checksum),
		IfMatch:           etag(o.Conditions.IfMatch), IfNoneMatch: etag(o.Conditions.IfNoneMatch),
	}
	made := src
	made.Key = key
	if a := o.Attributes; a != nil {
		if err := a.Validate(); err != nil {
			return object.Info{}, err
		}
		made.Attributes = *a
		in.MetadataDirective = types.MetadataDirectiveReplace
		in.ContentType, in.CacheControl, in.ContentDisposition = text(a.ContentType), text(a.CacheControl), text(a.ContentDisposition)
		in.ContentEncoding, in.ContentLanguage, in.Expires = text(a.ContentEncoding), text(a.ContentLanguage), expires(a.Expires)
		in.WebsiteRedirectLocation, in.Metadata = text(a.Redirect), a.Metadata
	}
	if o.Tags != nil {
		if err := object.CheckTags(*o.Tags); err != nil {
			return object.Info{}, err
		}
		in.TaggingDirective, in.Tagging = types.TaggingDirectiveReplace, tagging(*o.Tags)
	}
	out, err := s.api.CopyObject(ctx, in)
	if err != nil {
		return object.Info{}, fail(err)
	}
	if r := out.CopyObjectResult; r != nil {
		made.ETag, made.Modified = unquote(r.ETag), aws.ToTime(r.LastModified)
		made.Checksum = sums{r.ChecksumCRC32, r.ChecksumCRC32C, r.ChecksumCRC64NVME, r.ChecksumSHA1, r.ChecksumSHA256}.checksum(r.ChecksumType)
	}
	return made, nil
}

// Delete implements object.Writer.
func (s *Store) Delete(ctx context.Context, bucket, key string, c object.Conditions) error {
	if c.IfNoneMatch != "" {
		return object.Errorf(object.NotImplemented, "S3 deletes on If-Match only.")
	}
	_, err := s.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, IfMatch: etag(c.IfMatch)})
	return fail(err)
}

// Tags implements object.Tagger.
func (s *Store) Tags(ctx context.Context, bucket, key string) (map[string]string, error) {
	out, err := s.api.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, fail(err)
	}
	tags := map[string]string{}
	for _, t := range out.TagSet {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

// SetTags implements object.Tagger.
func (s *Store) SetTags(ctx context.Context, bucket, key string, tags map[string]string) error {
	if err := object.CheckTags(tags); err != nil {
		return err
	}
	if len(tags) == 0 {
		_, err := s.api.DeleteObjectTagging(ctx, &s3.DeleteObjectTaggingInput{Bucket: &bucket, Key: &key})
		return fail(err)
	}
	in := &s3.PutObjectTaggingInput{Bucket: &bucket, Key: &key, Tagging: &types.Tagging{}}
	for k, v := range tags {
		in.Tagging.TagSet = append(in.Tagging.TagSet, types.Tag{Key: &k, Value: &v})
	}
	_, err := s.api.PutObjectTagging(ctx, in)
	return fail(err)
}
