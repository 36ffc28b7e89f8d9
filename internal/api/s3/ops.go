package s3

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// level is what a request's path names.
type level uint8

const (
	onService level = iota
	onBucket
	onObject
)

// operation is one of S3's operations, and how its requests are told from others: by the
// method, what the path names, and what must be in the query, or with "@" in the headers.
type operation struct {
	name, method string
	level        level
	query        string
}

// operations lists all of S3's, as its API reference names them, but for those of
// directory buckets and Object Lambda.
func operations() []operation {
	return []operation{
		{"AbortMultipartUpload", http.MethodDelete, onObject, "uploadId"},
		{"CompleteMultipartUpload", http.MethodPost, onObject, "uploadId"},
		{"CopyObject", http.MethodPut, onObject, "@X-Amz-Copy-Source"},
		{"CreateBucket", http.MethodPut, onBucket, ""},
		{"CreateBucketMetadataConfiguration", http.MethodPost, onBucket, "metadataConfiguration"},
		{"CreateBucketMetadataTableConfiguration", http.MethodPost, onBucket, "metadataTable"},
		{"CreateMultipartUpload", http.MethodPost, onObject, "uploads"},
		{"DeleteBucket", http.MethodDelete, onBucket, ""},
		{"DeleteBucketAnalyticsConfiguration", http.MethodDelete, onBucket, "analytics"},
		{"DeleteBucketCors", http.MethodDelete, onBucket, "cors"},
		{"DeleteBucketEncryption", http.MethodDelete, onBucket, "encryption"},
		{"DeleteBucketIntelligentTieringConfiguration", http.MethodDelete, onBucket, "intelligent-tiering"},
		{"DeleteBucketInventoryConfiguration", http.MethodDelete, onBucket, "inventory"},
		{"DeleteBucketLifecycle", http.MethodDelete, onBucket, "lifecycle"},
		{"DeleteBucketMetadataConfiguration", http.MethodDelete, onBucket, "metadataConfiguration"},
		{"DeleteBucketMetadataTableConfiguration", http.MethodDelete, onBucket, "metadataTable"},
		{"DeleteBucketMetricsConfiguration", http.MethodDelete, onBucket, "metrics"},
		{"DeleteBucketOwnershipControls", http.MethodDelete, onBucket, "ownershipControls"},
		{"DeleteBucketPolicy", http.MethodDelete, onBucket, "policy"},
		{"DeleteBucketReplication", http.MethodDelete, onBucket, "replication"},
		{"DeleteBucketTagging", http.MethodDelete, onBucket, "tagging"},
		{"DeleteBucketWebsite", http.MethodDelete, onBucket, "website"},
		{"DeleteObject", http.MethodDelete, onObject, ""},
		{"DeleteObjectTagging", http.MethodDelete, onObject, "tagging"},
		{"DeleteObjects", http.MethodPost, onBucket, "delete"},
		{"DeletePublicAccessBlock", http.MethodDelete, onBucket, "publicAccessBlock"},
		{"GetBucketAbac", http.MethodGet, onBucket, "abac"},
		{"GetBucketAccelerateConfiguration", http.MethodGet, onBucket, "accelerate"},
		{"GetBucketAcl", http.MethodGet, onBucket, "acl"},
		{"GetBucketAnalyticsConfiguration", http.MethodGet, onBucket, "analytics&id"},
		{"GetBucketCors", http.MethodGet, onBucket, "cors"},
		{"GetBucketEncryption", http.MethodGet, onBucket, "encryption"},
		{"GetBucketIntelligentTieringConfiguration", http.MethodGet, onBucket, "intelligent-tiering&id"},
		{"GetBucketInventoryConfiguration", http.MethodGet, onBucket, "inventory&id"},
		{"GetBucketLifecycleConfiguration", http.MethodGet, onBucket, "lifecycle"},
		{"GetBucketLocation", http.MethodGet, onBucket, "location"},
		{"GetBucketLogging", http.MethodGet, onBucket, "logging"},
		{"GetBucketMetadataConfiguration", http.MethodGet, onBucket, "metadataConfiguration"},
		{"GetBucketMetadataTableConfiguration", http.MethodGet, onBucket, "metadataTable"},
		{"GetBucketMetricsConfiguration", http.MethodGet, onBucket, "metrics&id"},
		{"GetBucketNotificationConfiguration", http.MethodGet, onBucket, "notification"},
		{"GetBucketOwnershipControls", http.MethodGet, onBucket, "ownershipControls"},
		{"GetBucketPolicy", http.MethodGet, onBucket, "policy"},
		{"GetBucketPolicyStatus", http.MethodGet, onBucket, "policyStatus"},
		{"GetBucketReplication", http.MethodGet, onBucket, "replication"},
		{"GetBucketRequestPayment", http.MethodGet, onBucket, "requestPayment"},
		{"GetBucketTagging", http.MethodGet, onBucket, "tagging"},
		{"GetBucketVersioning", http.MethodGet, onBucket, "versioning"},
		{"GetBucketWebsite", http.MethodGet, onBucket, "website"},
		{"GetObject", http.MethodGet, onObject, ""},
		{"GetObjectAcl", http.MethodGet, onObject, "acl"},
		{"GetObjectAttributes", http.MethodGet, onObject, "attributes"},
		{"GetObjectLegalHold", http.MethodGet, onObject, "legal-hold"},
		{"GetObjectLockConfiguration", http.MethodGet, onBucket, "object-lock"},
		{"GetObjectRetention", http.MethodGet, onObject, "retention"},
		{"GetObjectTagging", http.MethodGet, onObject, "tagging"},
		{"GetObjectTorrent", http.MethodGet, onObject, "torrent"},
		{"GetPublicAccessBlock", http.MethodGet, onBucket, "publicAccessBlock"},
		{"HeadBucket", http.MethodHead, onBucket, ""},
		{"HeadObject", http.MethodHead, onObject, ""},
		{"ListBucketAnalyticsConfigurations", http.MethodGet, onBucket, "analytics"},
		{"ListBucketIntelligentTieringConfigurations", http.MethodGet, onBucket, "intelligent-tiering"},
		{"ListBucketInventoryConfigurations", http.MethodGet, onBucket, "inventory"},
		{"ListBucketMetricsConfigurations", http.MethodGet, onBucket, "metrics"},
		{"ListBuckets", http.MethodGet, onService, ""},
		{"ListMultipartUploads", http.MethodGet, onBucket, "uploads"},
		{"ListObjectVersions", http.MethodGet, onBucket, "versions"},
		{"ListObjects", http.MethodGet, onBucket, ""},
		{"ListObjectsV2", http.MethodGet, onBucket, "list-type=2"},
		{"ListParts", http.MethodGet, onObject, "uploadId"},
		{"PutBucketAbac", http.MethodPut, onBucket, "abac"},
		{"PutBucketAccelerateConfiguration", http.MethodPut, onBucket, "accelerate"},
		{"PutBucketAcl", http.MethodPut, onBucket, "acl"},
		{"PutBucketAnalyticsConfiguration", http.MethodPut, onBucket, "analytics"},
		{"PutBucketCors", http.MethodPut, onBucket, "cors"},
		{"PutBucketEncryption", http.MethodPut, onBucket, "encryption"},
		{"PutBucketIntelligentTieringConfiguration", http.MethodPut, onBucket, "intelligent-tiering"},
		{"PutBucketInventoryConfiguration", http.MethodPut, onBucket, "inventory"},
		{"PutBucketLifecycleConfiguration", http.MethodPut, onBucket, "lifecycle"},
		{"PutBucketLogging", http.MethodPut, onBucket, "logging"},
		{"PutBucketMetricsConfiguration", http.MethodPut, onBucket, "metrics"},
		{"PutBucketNotificationConfiguration", http.MethodPut, onBucket, "notification"},
		{"PutBucketOwnershipControls", http.MethodPut, onBucket, "ownershipControls"},
		{"PutBucketPolicy", http.MethodPut, onBucket, "policy"},
		{"PutBucketReplication", http.MethodPut, onBucket, "replication"},
		{"PutBucketRequestPayment", http.MethodPut, onBucket, "requestPayment"},
		{"PutBucketTagging", http.MethodPut, onBucket, "tagging"},
		{"PutBucketVersioning", http.MethodPut, onBucket, "versioning"},
		{"PutBucketWebsite", http.MethodPut, onBucket, "website"},
		{"PutObject", http.MethodPut, onObject, ""},
		{"PutObjectAcl", http.MethodPut, onObject, "acl"},
		{"PutObjectLegalHold", http.MethodPut, onObject, "legal-hold"},
		{"PutObjectLockConfiguration", http.MethodPut, onBucket, "object-lock"},
		{"PutObjectRetention", http.MethodPut, onObject, "retention"},
		{"PutObjectTagging", http.MethodPut, onObject, "tagging"},
		{"PutPublicAccessBlock", http.MethodPut, onBucket, "publicAccessBlock"},
		{"RenameObject", http.MethodPut, onObject, "renameObject"},
		{"RestoreObject", http.MethodPost, onObject, "restore"},
		{"SelectObjectContent", http.MethodPost, onObject, "select&select-type=2"},
		{"UpdateBucketMetadataInventoryTableConfiguration", http.MethodPut, onBucket, "metadataInventoryTable"},
		{"UpdateBucketMetadataJournalTableConfiguration", http.MethodPut, onBucket, "metadataJournalTable"},
		{"UpdateObjectEncryption", http.MethodPut, onObject, "encryption"},
		{"UploadPart", http.MethodPut, onObject, "uploadId&partNumber"},
		{"UploadPartCopy", http.MethodPut, onObject, "uploadId&partNumber&@X-Amz-Copy-Source"},
	}
}

// routes finds operations. Those that ask more of a request come first.
type routes map[string][]operation

func newRoutes() routes {
	r := routes{}
	for _, op := range operations() {
		r[op.method] = append(r[op.method], op)
	}
	for _, ops := range r {
		slices.SortStableFunc(ops, func(a, b operation) int { return asks(b) - asks(a) })
	}
	return r
}

func asks(o operation) int {
	if o.query == "" {
		return 0
	}
	return 1 + strings.Count(o.query, "&")
}

// find returns the operation of a request; ok is false when there is none.
func (r routes) find(method string, at level, query url.Values, h http.Header) (operation, bool) {
	for _, op := range r[method] {
		if op.level == at && op.fits(query, h) {
			return op, true
		}
	}
	return operation{}, false
}

func (o operation) fits(query url.Values, h http.Header) bool {
	if o.query == "" {
		return true
	}
	for want := range strings.SplitSeq(o.query, "&") {
		if name, ok := strings.CutPrefix(want, "@"); ok {
			if h.Get(name) == "" {
				return false
			}
			continue
		}
		name, value, valued := strings.Cut(want, "=")
		if !query.Has(name) || valued && query.Get(name) != value {
			return false
		}
	}
	return true
}

// Model returns S3's operations for the table of what is built.
func Model() *smithy.Service {
	m := &smithy.Service{Name: "s3", SigningName: "s3", SDKID: "S3", Protocols: []string{smithy.RestXML}}
	for _, op := range operations() {
		m.Operations = append(m.Operations, &smithy.Operation{Name: op.name, Method: op.method})
	}
	return m
}

// Built returns the names of the operations that are built.
func Built() map[string]bool {
	built := map[string]bool{}
	for name := range handlers() {
		built[name] = true
	}
	return built
}
