package object

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	tagText    = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// CheckBucket refuses what is no name of a bucket, by S3's rules.
func CheckBucket(name string) error {
	_, err := netip.ParseAddr(name)
	bad := err == nil || !bucketName.MatchString(name) || strings.Contains(name, "..") ||
		strings.Contains(name, ".-") || strings.Contains(name, "-.") ||
		strings.HasPrefix(name, "xn--") || strings.HasSuffix(name, "-s3alias") || strings.HasSuffix(name, "--x-s3")
	if bad {
		return Errorf(InvalidBucketName, "The specified bucket is not valid.")
	}
	return nil
}

// CheckKey refuses what is no key.
func CheckKey(key string) error {
	switch {
	case key == "":
		return Errorf(InvalidArgument, "A key cannot be empty.")
	case len(key) > MaxKey:
		return Errorf(KeyTooLong, "Your key is too long")
	case !utf8.ValidString(key):
		return Errorf(InvalidArgument, "A key must be UTF-8.")
	}
	return nil
}

// Validate refuses attributes that S3 would not keep.
func (a *Attributes) Validate() error {
	n := 0
	for k, v := range a.Metadata {
		n += len(k) + len(v)
	}
	if n > maxMetadata {
		return Errorf(MetadataTooLarge, "Your metadata headers exceed the maximum allowed metadata size")
	}
	return nil
}

// CheckTags refuses tags that S3 would not keep.
func CheckTags(tags map[string]string) error {
	const most, keyLen, valueLen = 10, 128, 256
	if len(tags) > most {
		return Errorf(InvalidTag, "Object tags cannot be greater than 10")
	}
	for k, v := range tags {
		switch {
		case k == "" || utf8.RuneCountInString(k) > keyLen || !tagText.MatchString(k) || strings.HasPrefix(k, "aws:"):
			return Errorf(InvalidTag, "The TagKey you have provided is invalid")
		case utf8.RuneCountInString(v) > valueLen || !tagText.MatchString(v):
			return Errorf(InvalidTag, "The TagValue you have provided is invalid")
		}
	}
	return nil
}

// Check reports whether the conditions hold of what there is; nil: there is nothing.
func (c Conditions) Check(there *Info) error {
	if c.IfNoneMatch != "" && there != nil && (c.IfNoneMatch == "*" || c.IfNoneMatch == there.ETag) {
		return ErrPrecondition()
	}
	switch {
	case c.IfMatch == "":
		return nil
	case there == nil:
		return ErrNoKey()
	case c.IfMatch != "*" && c.IfMatch != there.ETag:
		return ErrPrecondition()
	}
	return nil
}

// Resolve returns the offset and length that the range means of an object of the size.
func (r *Range) Resolve(size int64) (offset, length int64, err error) {
	switch {
	case r == nil:
		return 0, size, nil
	case r.First < 0:
		offset = max(0, size+r.First)
		if size == 0 {
			return 0, 0, errRange()
		}
		return offset, size - offset, nil
	case r.First >= size || r.Last >= 0 && r.Last < r.First:
		return 0, 0, errRange()
	case r.Last < 0 || r.Last >= size:
		return r.First, size - r.First, nil
	default:
		return r.First, r.Last - r.First + 1, nil
	}
}

func errRange() error { return Errorf(InvalidRange, "The requested range is not satisfiable") }
