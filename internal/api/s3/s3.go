// Package s3 is the S3 endpoint: what `aws s3`, boto3 and every SDK's S3 client speak, on
// the same port as everything else and over any object.Store.
//
// It is a door of its own rather than one of wire's services: S3's requests are streams
// that may be 5 GiB long, its XML is its own, and what a request means hangs on parameters
// of its query. See docs/adr/0006.
//
// # What it takes care of
//
//   - Path style and virtual-host style; signatures in a header or a presigned URL, for any
//     region that is served. Requests without a signature are refused.
//   - Bodies are passed on as they come: never held, always checked. The SHA-256 that was
//     signed, the chunks of an aws-chunked body and their signatures, Content-MD5 and the
//     checksum, also from a trailer, must fit before the store keeps anything.
//   - IAM policies decide, with S3's actions and ARNs. Bucket policies, ACLs and public
//     access are not built: a bucket is its account's, and nobody else's.
//
// What is not built answers NotImplemented and names itself, also where it is a header of
// an operation that is: encryption with keys, object locks, storage classes, versions.
package s3

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/auth"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/object"
)

// Config is what the door needs. All fields but the last three are required.
type Config struct {
	Store object.Store
	// Authenticate proves who has sent a request whose body is read later. hostBucket is
	// the bucket that its host names, if any.
	Authenticate func(r *http.Request, hostBucket string) (auth.Identity, error)
	// Authorize returns nil when a principal may do an action ("s3:GetObject") on a
	// resource, a fault.Denied otherwise. Keys are condition keys; may be nil.
	Authorize func(ctx context.Context, p call.Principal, action, resource string, keys map[string][]string) error
	Regions   []string // that buckets may be made in

	// Shared says that the store doesn't know accounts, and that all of its buckets are for
	// everybody whose policies allow it.
	Shared bool
	// Domains are the hosts below which the first label names a bucket, beside localhost
	// and AWS's own.
	Domains []string
	Logger  *slog.Logger // nil: silent
}

// Door is the endpoint. It is safe for concurrent use.
type Door struct {
	cfg      Config
	log      *slog.Logger
	routes   routes
	handlers map[string]handler
}

// handler answers one operation.
type handler struct {
	action string // of IAM, without "s3:"
	serve  func(*exchange) error
}

// New returns the endpoint.
func New(cfg Config) *Door {
	d := &Door{cfg: cfg, log: cfg.Logger, routes: newRoutes(), handlers: handlers()}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d
}

// handlers lists what is built, each with the action that its callers need.
func handlers() map[string]handler {
	return map[string]handler{
		"AbortMultipartUpload":    {"AbortMultipartUpload", (*exchange).abortUpload},
		"CompleteMultipartUpload": {"PutObject", (*exchange).completeUpload},
		"CopyObject":              {"PutObject", (*exchange).copyObject},
		"CreateBucket":            {"CreateBucket", (*exchange).createBucket},
		"CreateMultipartUpload":   {"PutObject", (*exchange).createUpload},
		"DeleteBucket":            {"DeleteBucket", (*exchange).deleteBucket},
		"DeleteObject":            {"DeleteObject", (*exchange).deleteObject},
		"DeleteObjectTagging":     {"DeleteObjectTagging", (*exchange).deleteTags},
		"DeleteObjects":           {"", (*exchange).deleteObjects}, // asks for each key
		"GetBucketLocation":       {"GetBucketLocation", (*exchange).bucketLocation},
		"GetBucketVersioning":     {"GetBucketVersioning", (*exchange).bucketVersioning},
		"GetObject":               {"GetObject", (*exchange).getObject},
		"GetObjectAttributes":     {"GetObjectAttributes", (*exchange).getAttributes},
		"GetObjectTagging":        {"GetObjectTagging", (*exchange).getTags},
		"HeadBucket":              {"ListBucket", (*exchange).headBucket},
		"HeadObject":              {"GetObject", (*exchange).headObject},
		"ListBuckets":             {"ListAllMyBuckets", (*exchange).listBuckets},
		"ListMultipartUploads":    {"ListBucketMultipartUploads", (*exchange).listUploads},
		"ListObjects":             {"ListBucket", (*exchange).listObjects},
		"ListObjectsV2":           {"ListBucket", (*exchange).listObjectsV2},
		"ListParts":               {"ListMultipartUploadParts", (*exchange).listParts},
		"PutObject":               {"PutObject", (*exchange).putObject},
		"PutObjectTagging":        {"PutObjectTagging", (*exchange).putTags},
		"UploadPart":              {"PutObject", (*exchange).putPart},
		"UploadPartCopy":          {"PutObject", (*exchange).copyPart},
	}
}

// exchange is one request and its response.
type exchange struct {
	d           *Door
	w           http.ResponseWriter
	r           *http.Request
	ctx         context.Context //nolint:containedctx // of the one request
	op          operation
	query       url.Values
	bucket, key string
	call        *call.Call
	payload     *auth.Payload
	presigned   bool
	hostBucket  string
	sent        bool // the response has begun
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		// net/http sees nothing to wait for in an empty body. botocore waits all the same, and
		// takes a final answer in place of the interim one for that of the connection's next request.
		w.WriteHeader(http.StatusContinue)
	}
	x := &exchange{d: d, w: w, r: r, ctx: r.Context()}
	defer x.rescue()
	if err := x.serve(); err != nil {
		x.fail(err)
	}
}

// rescue turns a panic into an error.
func (x *exchange) rescue() {
	p := recover()
	switch p {
	case nil:
		return
	case http.ErrAbortHandler:
		panic(p) //nolint:forbidigo // it is net/http's
	}
	x.d.log.ErrorContext(x.ctx, "panic in the S3 endpoint", "operation", x.op.name, "panic", p, "stack", string(debug.Stack()))
	if x.sent {
		panic(http.ErrAbortHandler) //nolint:forbidigo // what was sent must not look whole
	}
	x.fail(errors.New("panic"))
}

func (x *exchange) serve() error {
	if err := x.parse(); err != nil {
		return err
	}
	id, err := x.d.cfg.Authenticate(x.r, x.hostBucket)
	if err != nil {
		return err
	}
	x.payload, x.presigned = id.Payload, x.r.Header.Get("Authorization") == ""
	if id.Region == "" && len(x.d.cfg.Regions) > 0 { // the older presigned URLs have none
		id.Region = x.d.cfg.Regions[0]
	}
	if x.payload == nil {
		return errors.New("authentication says nothing about the body")
	}
	x.call = &call.Call{
		RequestID: x.requestID(), Service: "s3", Operation: x.op.name, Region: id.Region,
		Account: id.Principal.Account, Principal: id.Principal, Start: time.Now(), Header: x.w.Header(), Revalidate: id.Revalidate,
	}
	x.ctx = call.With(x.ctx, x.call)
	h, ok := x.d.handlers[x.op.name]
	if !ok {
		return notBuilt(x.op.name)
	}
	if h.action != "" {
		if err := x.authorize(h.action, x.bucket, x.key); err != nil {
			return err
		}
	}
	if err := x.refuseUnbuilt(); err != nil {
		return err
	}
	if x.op.name != "CreateBucket" && x.bucket != "" {
		if err := x.owned(x.bucket, "X-Amz-Expected-Bucket-Owner"); err != nil {
			return err
		}
	}
	return h.serve(x)
}

func (x *exchange) requestID() string { return x.w.Header().Get("X-Amzn-Requestid") }

// parse finds out what the request is for.
func (x *exchange) parse() error {
	x.w.Header().Set("X-Amz-Request-Id", x.requestID()) // where S3's clients look
	path := x.r.URL.Path
	var err error
	if x.query, err = url.ParseQuery(x.r.URL.RawQuery); err != nil {
		return object.Errorf(object.InvalidArgument, "The query string is malformed.")
	}
	rest := strings.TrimPrefix(path, "/")
	if x.hostBucket = x.d.hostBucket(x.r.Host); x.hostBucket != "" {
		x.bucket, x.key = x.hostBucket, rest
	} else {
		x.bucket, x.key, _ = strings.Cut(rest, "/")
	}
	at := onService
	switch {
	case x.key != "":
		at = onObject
	case x.bucket != "":
		at = onBucket
	}
	var ok bool
	if x.op, ok = x.d.routes.find(x.r.Method, at, x.query, x.r.Header); !ok {
		if x.r.Method == http.MethodPost && at == onBucket {
			return notBuilt("PostObject")
		}
		return errMethod()
	}
	return nil
}

// hostBucket returns the bucket that a host names, in virtual-host style; empty: none.
func (d *Door) hostBucket(host string) string {
	host = strings.ToLower(host)
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ""
	}
	for _, domain := range slices.Concat(d.cfg.Domains, []string{"localhost", "amazonaws.com"}) {
		rest, ok := strings.CutSuffix(host, "."+domain)
		if !ok {
			continue
		}
		// bucket, bucket.s3 or bucket.s3.region; bare s3 and s3.region name none.
		if i := strings.LastIndex("."+rest+".", ".s3."); i >= 0 {
			return strings.TrimSuffix(("." + rest)[:i], ".")[min(1, i):]
		}
		if i := strings.LastIndex(rest, ".s3-"); i >= 0 { // the older form of regions
			return rest[:i]
		}
		return rest
	}
	return ""
}

// header returns a header's value, or of a presigned request the parameter of its name,
// which is where presigners put headers.
func (x *exchange) header(name string) string {
	if v := x.r.Header.Get(name); v != "" || !x.presigned {
		return v
	}
	for k, v := range x.query {
		if strings.EqualFold(k, name) && len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// authorize asks whether the caller may do an action on a bucket or an object.
func (x *exchange) authorize(action, bucket, key string) error {
	resource := "arn:aws:s3:::" + bucket
	if key != "" {
		resource += "/" + key
	}
	if bucket == "" {
		resource = "*"
	}
	keys := map[string][]string{}
	for _, name := range []string{"prefix", "delimiter", "max-keys"} {
		if key == "" && x.query.Has(name) {
			keys["s3:"+name] = []string{x.query.Get(name)}
		}
	}
	return x.d.cfg.Authorize(x.ctx, x.call.Principal, "s3:"+action, resource, keys)
}

// owned refuses buckets of other accounts, and those whose owner is not the one that a
// header expects.
func (x *exchange) owned(bucket, expect string) error {
	if owner := x.header(expect); owner != "" && owner != x.call.Account {
		return errDenied()
	}
	if x.d.cfg.Shared {
		return nil
	}
	return object.Owned(x.ctx, x.d.cfg.Store, bucket, x.call.Account)
}

// refuseUnbuilt refuses requests that ask for what would otherwise be left out silently.
func (x *exchange) refuseUnbuilt() error {
	for _, h := range []struct{ name, fine string }{
		{"X-Amz-Server-Side-Encryption", ""},
		{"X-Amz-Server-Side-Encryption-Customer-Algorithm", ""},
		{"X-Amz-Object-Lock-Mode", ""},
		{"X-Amz-Object-Lock-Legal-Hold", "OFF"},
		{"X-Amz-Bucket-Object-Lock-Enabled", "false"},
		{"X-Amz-Storage-Class", "STANDARD"},
		{"X-Amz-Acl", "private"},
		{"X-Amz-Grant-Full-Control", ""},
		{"X-Amz-Grant-Read", ""},
		{"X-Amz-Grant-Write", ""},
		{"X-Amz-Write-Offset-Bytes", ""},
	} {
		v := x.header(h.name)
		if v != "" && !strings.EqualFold(v, h.fine) && v != "bucket-owner-full-control" {
			return object.Errorf(object.NotImplemented, "The header %s: %s asks for what is not implemented by Outcrop.", strings.ToLower(h.name), clip(v))
		}
	}
	if v := x.query.Get("versionId"); v != "" && v != "null" {
		return object.Errorf("NoSuchVersion", "The specified version does not exist: objects have no versions here.")
	}
	return nil
}
