package s3

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/object"
)

// tokenMark tells our tokens from other text.
const tokenMark = "outcrop:"

// encodeToken makes of a key what any client passes on as it is.
func encodeToken(next string) string {
	return base64.URLEncoding.EncodeToString([]byte(tokenMark + next))
}

func decodeToken(token string) (string, error) {
	text, err := base64.URLEncoding.DecodeString(token)
	next, ok := strings.CutPrefix(string(text), tokenMark)
	if err != nil || !ok || next == "" {
		return "", object.Errorf(object.InvalidArgument, "The continuation token provided is incorrect")
	}
	return next, nil
}

func (x *exchange) ref() object.UploadRef {
	return object.UploadRef{Bucket: x.bucket, Key: x.key, ID: x.query.Get("uploadId")}
}

type createdUpload struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
	Bucket   string
	Key      string
	UploadID string `xml:"UploadId"`
}

func (x *exchange) createUpload() error {
	a, err := x.attributes()
	if err != nil {
		return err
	}
	tags, err := x.taggedWrite()
	if err != nil {
		return err
	}
	sum := object.Checksum{
		Algorithm: object.Algorithm(strings.ToUpper(x.header("X-Amz-Checksum-Algorithm"))), Type: strings.ToUpper(x.header("X-Amz-Checksum-Type")),
	}
	if sum.Algorithm != "" && !sum.Algorithm.Known() || sum.Type != "" && sum.Type != object.FullObject && sum.Type != object.Composite {
		return object.Errorf(object.InvalidRequest, "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	u, err := x.d.cfg.Store.CreateUpload(x.ctx, x.bucket, x.key, object.UploadOptions{Attributes: a, Tags: tags, Checksum: sum})
	if err != nil {
		return err
	}
	if sum.Algorithm != "" {
		x.w.Header().Set("X-Amz-Checksum-Algorithm", string(u.Checksum.Algorithm))
		x.w.Header().Set("X-Amz-Checksum-Type", u.Checksum.Type)
	}
	return x.writeXML(http.StatusOK, createdUpload{Bucket: x.bucket, Key: x.key, UploadID: u.ID})
}

// number reads a part's number.
func (x *exchange) number() (int, error) {
	n, err := strconv.Atoi(x.query.Get("partNumber"))
	if err != nil || n < 1 || n > object.MaxParts {
		return 0, object.Errorf(object.InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive")
	}
	return n, nil
}

func (x *exchange) putPart() error {
	n, err := x.number()
	if err != nil {
		return err
	}
	b, o, err := x.incoming()
	if err != nil {
		return err
	}
	p, err := x.d.cfg.Store.PutPart(x.ctx, x.ref(), n, b, o)
	if err != nil {
		return bodyError(err)
	}
	x.w.Header().Set("Etag", quote(p.ETag))
	if p.Checksum.Value != "" {
		x.w.Header().Set(checksumHeader(p.Checksum.Algorithm), p.Checksum.Value)
	}
	return x.writeNothing(http.StatusOK)
}

// copyPart makes a part of an object's bytes. They pass through here: a part has sums of
// its own, for which they have to be read anyway.
func (x *exchange) copyPart() error {
	n, err := x.number()
	if err != nil {
		return err
	}
	bucket, key, err := x.source()
	if err != nil {
		return err
	}
	o := object.GetOptions{Check: x.readConditions("X-Amz-Copy-Source-")}
	if text := x.r.Header.Get("X-Amz-Copy-Source-Range"); text != "" {
		if o.Range = byteRange(text); o.Range == nil || o.Range.First < 0 || o.Range.Last < 0 {
			return object.Errorf(object.InvalidArgument, "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
		}
	}
	src, err := x.d.cfg.Store.Get(x.ctx, bucket, key, o)
	if err != nil {
		return err
	}
	defer func() { _ = src.Body.Close() }() // only read
	if o.Range != nil && o.Range.Last >= src.Size {
		return object.Errorf(object.InvalidArgument, "Range specified is not valid for source object of size: %d", src.Size)
	}
	p, err := x.d.cfg.Store.PutPart(x.ctx, x.ref(), n, src.Body, object.PutOptions{Size: src.Length})
	if err != nil {
		return err
	}
	return x.writeXML(http.StatusOK, copyResult{
		XMLName: xml.Name{Local: "CopyPartResult"}, Namespace: namespace,
		ETag: quote(p.ETag), LastModified: stamp(p.Modified), checksumXML: checksumOf(p.Checksum),
	})
}

type completeRequest struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Parts   []struct {
		PartNumber int
		ETag       string
		checksumXML
	} `xml:"Part"`
}

type completeResult struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location string
	Bucket   string
	Key      string
	ETag     string
	checksumXML
}

func (x *exchange) completeUpload() error {
	// The headers' checksum is the object's here, not the document's.
	var in completeRequest
	b, err := x.body()
	if err != nil {
		return err
	}
	if err := readDocument(b, &in); err != nil {
		return err
	}
	var parts []object.Part
	for _, p := range in.Parts {
		parts = append(parts, object.Part{Number: p.PartNumber, ETag: unquote(p.ETag), Checksum: p.given()})
	}
	if len(parts) == 0 {
		return errMalformed()
	}
	o := object.CompleteOptions{}
	if o.Conditions, err = x.writeConditions(); err != nil {
		return err
	}
	for _, alg := range object.Algorithms() {
		if v := x.header(checksumHeader(alg)); v != "" {
			o.Checksum = object.Checksum{Algorithm: alg, Value: v, Type: x.header("X-Amz-Checksum-Type")}
		}
	}
	if text := x.header("X-Amz-Mp-Object-Size"); text != "" {
		if o.Size, err = strconv.ParseInt(text, 10, 64); err != nil || o.Size < 0 {
			return object.Errorf(object.InvalidArgument, "The x-amz-mp-object-size header is not a size")
		}
	}
	info, err := x.d.cfg.Store.Complete(x.ctx, x.ref(), parts, o)
	if err != nil {
		return err
	}
	return x.writeXML(http.StatusOK, completeResult{
		Location: x.location(), Bucket: x.bucket, Key: x.key, ETag: quote(info.ETag), checksumXML: checksumOf(info.Checksum),
	})
}

// location is the object's address as the client called us.
func (x *exchange) location() string {
	scheme := "http://"
	if x.r.TLS != nil {
		scheme = "https://"
	}
	return scheme + x.r.Host + x.r.URL.EscapedPath()
}

func (x *exchange) abortUpload() error {
	if err := x.d.cfg.Store.Abort(x.ctx, x.ref()); err != nil {
		return err
	}
	return x.writeNothing(http.StatusNoContent)
}

type partsResult struct {
	XMLName              xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
	Bucket               string
	Key                  string
	UploadID             string `xml:"UploadId"`
	Initiator, Owner     owner
	StorageClass         string
	ChecksumAlgorithm    object.Algorithm `xml:",omitempty"`
	ChecksumType         string           `xml:",omitempty"`
	PartNumberMarker     int
	NextPartNumberMarker int `xml:",omitempty"`
	MaxParts             int
	IsTruncated          bool
	Parts                []partIn `xml:"Part"`
}

type partIn struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int64
	checksumXML
}

func (x *exchange) listParts() error {
	most, err := x.limit("max-parts", object.MaxPage)
	if err != nil {
		return err
	}
	after := 0
	if text := x.query.Get("part-number-marker"); text != "" {
		if after, err = strconv.Atoi(text); err != nil || after < 0 {
			return object.Errorf(object.InvalidArgument, "Argument part-number-marker must be an integer between 0 and 2147483647")
		}
	}
	u, err := x.d.cfg.Store.Upload(x.ctx, x.ref())
	if err != nil {
		return err
	}
	parts, err := x.d.cfg.Store.Parts(x.ctx, x.ref(), after, most+1)
	if err != nil {
		return err
	}
	out := partsResult{
		Bucket: x.bucket, Key: x.key, UploadID: u.ID, Initiator: x.owner(), Owner: x.owner(), StorageClass: standard,
		ChecksumAlgorithm: u.Checksum.Algorithm, ChecksumType: u.Checksum.Type, PartNumberMarker: after, MaxParts: most,
	}
	if len(parts) > most {
		out.IsTruncated, parts = true, parts[:most]
	}
	for _, p := range parts {
		sum := checksumOf(p.Checksum)
		sum.ChecksumType = ""
		out.Parts = append(out.Parts, partIn{p.Number, stamp(p.Modified), quote(p.ETag), p.Size, sum})
		out.NextPartNumberMarker = p.Number
	}
	return x.writeXML(http.StatusOK, out)
}

type uploadsResult struct {
	XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket             string
	KeyMarker          string
	UploadIDMarker     string `xml:"UploadIdMarker"`
	NextKeyMarker      string `xml:",omitempty"`
	NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
	Prefix             string `xml:",omitempty"`
	Delimiter          string `xml:",omitempty"`
	EncodingType       string `xml:",omitempty"`
	MaxUploads         int
	IsTruncated        bool
	Uploads            []uploadIn `xml:"Upload"`
	CommonPrefixes     []commonPrefix
}

type uploadIn struct {
	Key               string
	UploadID          string `xml:"UploadId"`
	Initiator, Owner  owner
	StorageClass      string
	Initiated         string
	ChecksumAlgorithm object.Algorithm `xml:",omitempty"`
	ChecksumType      string           `xml:",omitempty"`
}

func (x *exchange) listUploads() error {
	l, err := x.listing("max-uploads")
	if err != nil {
		return err
	}
	l.o.After, l.o.Token = x.query.Get("key-marker"), x.query.Get("upload-id-marker")
	var p object.UploadPage
	if l.o.Max > 0 {
		p, err = x.d.cfg.Store.ListUploads(x.ctx, x.bucket, l.o)
	} else {
		_, err = x.d.cfg.Store.Bucket(x.ctx, x.bucket)
	}
	if err != nil {
		return err
	}
	out := uploadsResult{
		Bucket: x.bucket, KeyMarker: l.encode(l.o.After), UploadIDMarker: l.o.Token, Prefix: l.encode(l.o.Prefix), Delimiter: l.encode(l.o.Delimiter),
		EncodingType: l.kind, MaxUploads: l.o.Max, IsTruncated: p.Next != (object.UploadRef{}),
		NextKeyMarker: l.encode(p.Next.Key), NextUploadIDMarker: p.Next.ID,
	}
	for _, u := range p.Uploads {
		out.Uploads = append(out.Uploads, uploadIn{
			l.encode(u.Key), u.ID, x.owner(), x.owner(), standard, stamp(u.Started), u.Checksum.Algorithm, u.Checksum.Type,
		})
	}
	for _, prefix := range p.Prefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{l.encode(prefix)})
	}
	return x.writeXML(http.StatusOK, out)
}
