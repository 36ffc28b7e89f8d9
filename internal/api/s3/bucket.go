package s3

import (
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/object"
)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

type bucketConfiguration struct {
	XMLName            xml.Name `xml:"CreateBucketConfiguration"`
	LocationConstraint string
}

func (x *exchange) createBucket() error {
	if err := object.CheckBucket(x.bucket); err != nil {
		return err
	}
	var in bucketConfiguration
	if err := x.readXML(&in, true); err != nil {
		return err
	}
	region := x.call.Region
	if c := in.LocationConstraint; c != "" {
		if c == "EU" {
			c = "eu-west-1" // its old name
		}
		if !slices.Contains(x.d.cfg.Regions, c) {
			return object.Errorf("InvalidLocationConstraint", "The specified location-constraint is not valid")
		}
		region = c
	}
	err := x.d.cfg.Store.CreateBucket(x.ctx, object.Bucket{Name: x.bucket, Owner: x.call.Account, Region: region})
	// In us-east-1 making one's own bucket again is no error.
	if err != nil && (!object.Is(err, object.BucketAlreadyOwnedByYou) || region != "us-east-1") {
		return err
	}
	x.w.Header().Set("Location", "/"+x.bucket)
	return x.writeNothing(http.StatusOK)
}

func (x *exchange) deleteBucket() error {
	if err := x.d.cfg.Store.DeleteBucket(x.ctx, x.bucket); err != nil {
		return err
	}
	return x.writeNothing(http.StatusNoContent)
}

func (x *exchange) headBucket() error {
	b, err := x.d.cfg.Store.Bucket(x.ctx, x.bucket)
	if err != nil {
		return err
	}
	x.w.Header().Set("X-Amz-Bucket-Region", b.Region)
	return x.writeNothing(http.StatusOK)
}

type locationResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
	Region  string   `xml:",chardata"`
}

func (x *exchange) bucketLocation() error {
	b, err := x.d.cfg.Store.Bucket(x.ctx, x.bucket)
	if err != nil {
		return err
	}
	if b.Region == "us-east-1" {
		b.Region = "" // as S3 writes it
	}
	return x.writeXML(http.StatusOK, locationResult{Region: b.Region})
}

type versioningResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ VersioningConfiguration"`
}

// bucketVersioning answers what is true of every bucket: it never had versions.
func (x *exchange) bucketVersioning() error {
	if _, err := x.d.cfg.Store.Bucket(x.ctx, x.bucket); err != nil {
		return err
	}
	return x.writeXML(http.StatusOK, versioningResult{})
}

type owner struct{ ID, DisplayName string }

type bucketsResult struct {
	XMLName           xml.Name   `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Owner             owner      `xml:"Owner"`
	Buckets           []bucketIn `xml:"Buckets>Bucket"`
	Prefix            string     `xml:",omitempty"`
	ContinuationToken string     `xml:",omitempty"`
}

type bucketIn struct{ Name, CreationDate, BucketRegion string }

func (x *exchange) listBuckets() error {
	most, err := x.limit("max-buckets", 10_000)
	if err != nil {
		return err
	}
	all, err := x.d.cfg.Store.ListBuckets(x.ctx, x.call.Account)
	if err != nil {
		return err
	}
	prefix, region, after := x.query.Get("prefix"), x.query.Get("bucket-region"), x.query.Get("continuation-token")
	out := bucketsResult{Owner: x.owner(), Prefix: prefix}
	for _, b := range all {
		if !strings.HasPrefix(b.Name, prefix) || region != "" && b.Region != region || b.Name <= after {
			continue
		}
		if len(out.Buckets) == most {
			out.ContinuationToken = out.Buckets[most-1].Name
			break
		}
		out.Buckets = append(out.Buckets, bucketIn{b.Name, stamp(b.Created), b.Region})
	}
	return x.writeXML(http.StatusOK, out)
}

func (x *exchange) owner() owner { return owner{ID: x.call.Account, DisplayName: x.call.Account} }

// limit reads how many entries a page may have.
func (x *exchange) limit(name string, most int) (int, error) {
	text := x.query.Get(name)
	if text == "" {
		return most, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, object.Errorf(object.InvalidArgument, "Argument %s must be an integer between 0 and 2147483647", name)
	}
	return min(n, most), nil
}

// listing is what requests of both kinds of object listings have in common.
type listing struct {
	o      object.ListOptions
	encode func(string) string
	kind   string // of the encoding
}

func (x *exchange) listing(name string) (l listing, err error) {
	l.o = object.ListOptions{Prefix: x.query.Get("prefix"), Delimiter: x.query.Get("delimiter")}
	if l.o.Max, err = x.limit(name, object.MaxPage); err != nil {
		return l, err
	}
	l.encode = func(s string) string { return s }
	switch l.kind = x.query.Get("encoding-type"); l.kind {
	case "":
	case "url":
		l.encode = func(s string) string {
			return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "%2F", "/"), "+", "%20")
		}
	default:
		return l, object.Errorf(object.InvalidArgument, "Invalid Encoding Method specified in Request")
	}
	return l, nil
}

// page asks for a page; one of no entries is empty and the last.
func (x *exchange) page(o object.ListOptions) (object.Page, error) {
	if o.Max == 0 {
		_, err := x.d.cfg.Store.Bucket(x.ctx, x.bucket)
		return object.Page{}, err
	}
	return x.d.cfg.Store.List(x.ctx, x.bucket, o)
}

type listResult struct {
	XMLName        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name           string
	Prefix         string
	Delimiter      string `xml:",omitempty"`
	MaxKeys        int
	EncodingType   string `xml:",omitempty"`
	IsTruncated    bool
	Contents       []content
	CommonPrefixes []commonPrefix

	// Of ListObjects.
	Marker     *string `xml:",omitempty"`
	NextMarker string  `xml:",omitempty"`
	// Of ListObjectsV2.
	KeyCount              *int   `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
}

type content struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm object.Algorithm `xml:",omitempty"`
	ChecksumType      string           `xml:",omitempty"`
	Size              int64
	StorageClass      string
	Owner             *owner `xml:",omitempty"`
}

type commonPrefix struct{ Prefix string }

func (l *listing) result(x *exchange, p object.Page, withOwner bool) listResult {
	out := listResult{
		Name: x.bucket, Prefix: l.encode(l.o.Prefix), Delimiter: l.encode(l.o.Delimiter), MaxKeys: l.o.Max,
		EncodingType: l.kind, IsTruncated: p.Next != "",
	}
	for _, o := range p.Objects {
		c := content{
			Key: l.encode(o.Key), LastModified: stamp(o.Modified), ETag: quote(o.ETag), Size: o.Size, StorageClass: standard,
			ChecksumAlgorithm: o.Checksum.Algorithm, ChecksumType: o.Checksum.Type,
		}
		if withOwner {
			own := x.owner()
			c.Owner = &own
		}
		out.Contents = append(out.Contents, c)
	}
	for _, p := range p.Prefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{l.encode(p)})
	}
	return out
}

func (x *exchange) listObjects() error {
	l, err := x.listing("max-keys")
	if err != nil {
		return err
	}
	l.o.After = x.query.Get("marker")
	p, err := x.page(l.o)
	if err != nil {
		return err
	}
	out := l.result(x, p, true)
	marker := l.encode(l.o.After)
	out.Marker = &marker
	if p.Next != "" {
		out.NextMarker = l.encode(lastOf(p)) // S3 says it only with a delimiter; it does no harm without
	}
	return x.writeXML(http.StatusOK, out)
}

// lastOf returns the last entry of a page.
func lastOf(p object.Page) (last string) {
	if n := len(p.Objects); n > 0 {
		last = p.Objects[n-1].Key
	}
	if n := len(p.Prefixes); n > 0 {
		last = max(last, p.Prefixes[n-1])
	}
	return last
}

func (x *exchange) listObjectsV2() error {
	l, err := x.listing("max-keys")
	if err != nil {
		return err
	}
	l.o.After = x.query.Get("start-after")
	given := x.query.Get("continuation-token")
	if x.query.Has("continuation-token") {
		if l.o.Token, err = decodeToken(given); err != nil {
			return err
		}
	}
	p, err := x.page(l.o)
	if err != nil {
		return err
	}
	out := l.result(x, p, x.query.Get("fetch-owner") == "true")
	count := len(p.Objects) + len(p.Prefixes)
	out.KeyCount, out.StartAfter, out.ContinuationToken = &count, l.encode(l.o.After), given
	if p.Next != "" {
		out.NextContinuationToken = encodeToken(p.Next)
	}
	return x.writeXML(http.StatusOK, out)
}
