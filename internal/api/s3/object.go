package s3

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/object"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// stamp is a time as S3's documents write it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (x *exchange) putObject() error {
	b, o, err := x.incoming()
	if err != nil {
		return err
	}
	if o.Attributes, err = x.attributes(); err != nil {
		return err
	}
	if o.Tags, err = x.taggedWrite(); err != nil {
		return err
	}
	if o.Conditions, err = x.writeConditions(); err != nil {
		return err
	}
	info, err := x.d.cfg.Store.Put(x.ctx, x.bucket, x.key, b, o)
	if err != nil {
		return bodyError(err)
	}
	x.w.Header().Set("Etag", quote(info.ETag))
	x.writeChecksum(info.Checksum)
	return x.writeNothing(http.StatusOK)
}

// taggedWrite reads the tags of a write, which need a permission of their own.
func (x *exchange) taggedWrite() (map[string]string, error) {
	tags, err := x.headerTags()
	if err != nil || len(tags) == 0 {
		return nil, err
	}
	return tags, x.authorize("PutObjectTagging", x.bucket, x.key)
}

func (x *exchange) getObject() error {
	o := object.GetOptions{Range: byteRange(x.r.Header.Get("Range")), Check: x.readConditions("")}
	if err := x.partNumber(&o); err != nil {
		return err
	}
	obj, err := x.d.cfg.Store.Get(x.ctx, x.bucket, x.key, o)
	if err != nil {
		return x.hideMissing(err)
	}
	defer func() { _ = obj.Body.Close() }() // only read
	x.describe(&obj.Info)
	status := x.extent(obj, o)
	x.sent = true
	x.w.WriteHeader(status)
	buf := make([]byte, min(obj.Length, 256<<10)+1)
	n, err := io.CopyBuffer(struct{ io.Writer }{x.w}, struct{ io.Reader }{obj.Body}, buf)
	if err == nil && n != obj.Length {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && x.r.Context().Err() != nil {
		return nil // the client left
	}
	return err
}

// partNumber reads which part of an object is asked for.
func (x *exchange) partNumber(o *object.GetOptions) error {
	text := x.query.Get("partNumber")
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > object.MaxParts {
		return object.Errorf(object.InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive")
	}
	if o.Range != nil {
		return object.Errorf(object.InvalidRequest, "Cannot specify both Range header and partNumber query parameter")
	}
	o.Part = n
	return nil
}

// extent writes the headers of what is sent of an object and returns the status.
func (x *exchange) extent(obj *object.Object, o object.GetOptions) int {
	h := x.w.Header()
	h.Set("Content-Length", strconv.FormatInt(obj.Length, 10))
	if obj.Parts > 0 && o.Part > 0 {
		h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(obj.Parts))
	}
	if o.Range == nil && o.Part == 0 {
		if strings.EqualFold(x.header("X-Amz-Checksum-Mode"), "ENABLED") {
			x.writeChecksum(obj.Checksum)
		}
		return http.StatusOK
	}
	if obj.Length == 0 || o.Part > 0 && obj.Parts == 0 {
		return http.StatusOK
	}
	h.Set("Content-Range", "bytes "+strconv.FormatInt(obj.Offset, 10)+"-"+strconv.FormatInt(obj.Offset+obj.Length-1, 10)+"/"+strconv.FormatInt(obj.Size, 10))
	return http.StatusPartialContent
}

func (x *exchange) headObject() error {
	o := object.GetOptions{Range: byteRange(x.r.Header.Get("Range"))}
	if err := x.partNumber(&o); err != nil {
		return err
	}
	info, err := x.d.cfg.Store.Head(x.ctx, x.bucket, x.key)
	if err == nil {
		err = x.readConditions("")(info)
	}
	if err != nil {
		return x.hideMissing(err)
	}
	obj := &object.Object{Info: info, Length: info.Size}
	switch {
	case o.Part > 0 && info.Parts > 0: // only the store knows where it is
		if obj, err = x.d.cfg.Store.Get(x.ctx, x.bucket, x.key, o); err != nil {
			return err
		}
		_ = obj.Body.Close() // nothing was read
	case o.Range != nil:
		if obj.Offset, obj.Length, err = o.Range.Resolve(info.Size); err != nil {
			return err
		}
	}
	x.describe(&obj.Info)
	return x.writeNothing(x.extent(obj, o))
}

// hideMissing makes AccessDenied of a missing key for those who may not list its bucket.
func (x *exchange) hideMissing(err error) error {
	if object.Is(err, object.NoSuchKey) {
		if denied := x.authorize("ListBucket", x.bucket, ""); denied != nil {
			return denied
		}
	}
	return err
}

func (x *exchange) deleteObject() error {
	c := object.Conditions{IfMatch: unquote(x.r.Header.Get("If-Match"))}
	if err := x.d.cfg.Store.Delete(x.ctx, x.bucket, x.key, c); err != nil {
		return err
	}
	return x.writeNothing(http.StatusNoContent)
}

type deleteRequest struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
		ETag      string
	} `xml:"Object"`
}

type deleteResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deletedKey
	Errors  []keyError `xml:"Error"`
}

type deletedKey struct{ Key string }

type keyError struct{ Key, Code, Message string }

func (x *exchange) deleteObjects() error {
	var in deleteRequest
	if err := x.readXML(&in, false); err != nil {
		return err
	}
	if len(in.Objects) == 0 || len(in.Objects) > object.MaxPage {
		return errMalformed()
	}
	var out deleteResult
	for _, o := range in.Objects {
		err := x.deleteOne(o.Key, o.VersionID, unquote(o.ETag))
		switch {
		case err != nil:
			if object.Is(err, object.NoSuchBucket) {
				return err
			}
			f := x.explain(err)
			if f.Code == "InternalError" {
				x.d.log.ErrorContext(x.ctx, "internal error", "service", "s3", "operation", x.op.name, "err", err)
			}
			out.Errors = append(out.Errors, keyError{o.Key, f.Code, f.Message})
		case !in.Quiet:
			out.Deleted = append(out.Deleted, deletedKey{o.Key})
		}
	}
	return x.writeXML(http.StatusOK, out)
}

func (x *exchange) deleteOne(key, version, etag string) error {
	if version != "" && version != "null" {
		return object.Errorf("NoSuchVersion", "The specified version does not exist.")
	}
	if err := object.CheckKey(key); err != nil {
		return err
	}
	if err := x.authorize("DeleteObject", x.bucket, key); err != nil {
		return err
	}
	return x.d.cfg.Store.Delete(x.ctx, x.bucket, key, object.Conditions{IfMatch: etag})
}

type copyResult struct {
	XMLName      xml.Name
	Namespace    string `xml:"xmlns,attr"`
	ETag         string
	LastModified string
	checksumXML
}

// checksumXML is a checksum as elements of a document.
type checksumXML struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

func (c *checksumXML) field(a object.Algorithm) *string {
	switch a {
	case object.CRC32:
		return &c.ChecksumCRC32
	case object.CRC32C:
		return &c.ChecksumCRC32C
	case object.CRC64NVME:
		return &c.ChecksumCRC64NVME
	case object.SHA1:
		return &c.ChecksumSHA1
	case object.SHA256:
		return &c.ChecksumSHA256
	default:
		return new(string)
	}
}

func checksumOf(c object.Checksum) (out checksumXML) {
	if c.Value != "" {
		*out.field(c.Algorithm), out.ChecksumType = c.Value, c.Type
	}
	return out
}

// given returns the checksum that a document has.
func (c *checksumXML) given() object.Checksum {
	for _, a := range object.Algorithms() {
		if v := *c.field(a); v != "" {
			return object.Checksum{Algorithm: a, Value: v, Type: c.ChecksumType}
		}
	}
	return object.Checksum{}
}

// source returns the object that a copy reads, which its caller may read.
func (x *exchange) source() (bucket, key string, err error) {
	bad := object.Errorf(object.InvalidArgument, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	path, version, _ := strings.Cut(x.r.Header.Get("X-Amz-Copy-Source"), "?versionId=")
	path, err = url.PathUnescape(path)
	if err != nil {
		return "", "", bad
	}
	bucket, key, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if bucket == "" || key == "" {
		return "", "", bad
	}
	if version != "" && version != "null" {
		return "", "", object.Errorf("NoSuchVersion", "The specified version does not exist: objects have no versions here.")
	}
	if err := x.authorize("GetObject", bucket, key); err != nil {
		return "", "", err
	}
	return bucket, key, x.owned(bucket, "X-Amz-Source-Expected-Bucket-Owner")
}

func (x *exchange) copyObject() error {
	o, err := x.copyOptions()
	if err != nil {
		return err
	}
	if o.Bucket == x.bucket && o.Key == x.key && o.Attributes == nil && o.Tags == nil && o.Checksum == "" {
		return object.Errorf(object.InvalidRequest, "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	info, err := x.d.cfg.Store.Copy(x.ctx, x.bucket, x.key, o)
	if err != nil {
		return err
	}
	return x.writeXML(http.StatusOK, copyResult{
		XMLName: xml.Name{Local: "CopyObjectResult"}, Namespace: namespace,
		ETag: quote(info.ETag), LastModified: stamp(info.Modified), checksumXML: checksumOf(info.Checksum),
	})
}

func (x *exchange) copyOptions() (o object.CopyOptions, err error) {
	if o.Bucket, o.Key, err = x.source(); err != nil {
		return o, err
	}
	switch x.r.Header.Get("X-Amz-Metadata-Directive") {
	case "", "COPY":
	case "REPLACE":
		a, err := x.attributes()
		if err != nil {
			return o, err
		}
		o.Attributes = &a
	default:
		return o, object.Errorf(object.InvalidArgument, "Unknown metadata directive.")
	}
	switch x.r.Header.Get("X-Amz-Tagging-Directive") {
	case "", "COPY":
	case "REPLACE":
		tags, err := x.taggedWrite()
		if err != nil {
			return o, err
		}
		o.Tags = &tags
	default:
		return o, object.Errorf(object.InvalidArgument, "Unknown tagging directive.")
	}
	o.Checksum = object.Algorithm(strings.ToUpper(x.r.Header.Get("X-Amz-Checksum-Algorithm")))
	if o.Checksum != "" && !o.Checksum.Known() {
		return o, object.Errorf(object.InvalidRequest, "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	o.Check = x.readConditions("X-Amz-Copy-Source-")
	o.Conditions, err = x.writeConditions()
	return o, err
}

type attributesResult struct {
	XMLName      xml.Name     `xml:"http://s3.amazonaws.com/doc/2006-03-01/ GetObjectAttributesResponse"`
	ETag         string       `xml:",omitempty"`
	Checksum     *checksumXML `xml:",omitempty"`
	ObjectParts  *partsCount  `xml:",omitempty"`
	StorageClass string       `xml:",omitempty"`
	ObjectSize   *int64       `xml:",omitempty"`
}

type partsCount struct {
	PartsCount int
}

func (x *exchange) getAttributes() error {
	asked := x.header("X-Amz-Object-Attributes")
	if asked == "" {
		return object.Errorf(object.InvalidArgument, "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
	}
	if err := x.authorize("GetObject", x.bucket, x.key); err != nil {
		return err
	}
	info, err := x.d.cfg.Store.Head(x.ctx, x.bucket, x.key)
	if err != nil {
		return x.hideMissing(err)
	}
	var out attributesResult
	for name := range strings.SplitSeq(asked, ",") {
		switch strings.TrimSpace(name) {
		case "ETag":
			out.ETag = info.ETag
		case "Checksum":
			c := checksumOf(info.Checksum)
			out.Checksum = &c
		case "ObjectParts":
			if info.Parts > 0 {
				out.ObjectParts = &partsCount{info.Parts}
			}
		case "StorageClass":
			out.StorageClass = standard
		case "ObjectSize":
			out.ObjectSize = &info.Size
		default:
			return object.Errorf(object.InvalidArgument, "Invalid attribute name specified.")
		}
	}
	x.w.Header().Set("Last-Modified", info.Modified.Format(http.TimeFormat))
	return x.writeXML(http.StatusOK, out)
}

const standard = "STANDARD"

type tagging struct {
	XMLName xml.Name `xml:"Tagging"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Tags    []tag    `xml:"TagSet>Tag"`
}

type tag struct{ Key, Value string }

func (x *exchange) getTags() error {
	tags, err := x.d.cfg.Store.Tags(x.ctx, x.bucket, x.key)
	if err != nil {
		return x.hideMissing(err)
	}
	out := tagging{Xmlns: namespace}
	for _, k := range sortedKeys(tags) {
		out.Tags = append(out.Tags, tag{k, tags[k]})
	}
	return x.writeXML(http.StatusOK, out)
}

func (x *exchange) putTags() error {
	var in tagging
	if err := x.readXML(&in, false); err != nil {
		return err
	}
	tags := map[string]string{}
	for _, t := range in.Tags {
		if _, twice := tags[t.Key]; twice {
			return object.Errorf(object.InvalidTag, "Cannot provide multiple Tags with the same key")
		}
		tags[t.Key] = t.Value
	}
	if err := x.d.cfg.Store.SetTags(x.ctx, x.bucket, x.key, tags); err != nil {
		return err
	}
	return x.writeNothing(http.StatusOK)
}

func (x *exchange) deleteTags() error {
	if err := x.d.cfg.Store.SetTags(x.ctx, x.bucket, x.key, map[string]string{}); err != nil {
		return err
	}
	return x.writeNothing(http.StatusNoContent)
}
