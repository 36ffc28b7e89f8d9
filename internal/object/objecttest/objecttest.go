// Package objecttest is the suite that every object.Store passes: S3's rules, one test
// for each.
package objecttest

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what ETags are
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/object"
)

const account = "123456789012"

// Run holds the stores that open returns, empty ones, to the rules.
func Run(t *testing.T, open func(t *testing.T) object.Store) {
	t.Helper()
	for name, f := range map[string]func(*testing.T, object.Store){
		"buckets":      buckets,
		"put and get":  putAndGet,
		"attributes":   attributes,
		"ranges":       ranges,
		"checks":       checks,
		"conditions":   conditions,
		"copies":       copies,
		"tags":         tags,
		"names":        names,
		"list":         list,
		"list model":   listModel,
		"uploads":      uploads,
		"upload list":  uploadList,
		"upload sums":  uploadSums,
		"concurrent":   concurrent,
		"broken parts": brokenParts,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, open(t))
		})
	}
}

// bucket makes a bucket with a name of its own.
func bucket(t *testing.T, s object.Store) string {
	t.Helper()
	name := fmt.Sprintf("bucket-%016x", rand.Uint64()) //nolint:gosec // two tests need different names
	if err := s.CreateBucket(t.Context(), object.Bucket{Name: name, Owner: account, Region: "us-east-1"}); err != nil {
		t.Fatal(err)
	}
	return name
}

func put(t *testing.T, s object.Store, bucket, key, body string) object.Info {
	t.Helper()
	info, err := s.Put(t.Context(), bucket, key, strings.NewReader(body), object.PutOptions{Size: int64(len(body))})
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
	return info
}

func get(t *testing.T, s object.Store, bucket, key string, o object.GetOptions) (string, *object.Object) {
	t.Helper()
	obj, err := s.Get(t.Context(), bucket, key, o)
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	body, err := io.ReadAll(obj.Body)
	if err := errors.Join(err, obj.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return string(body), obj
}

func want(t *testing.T, what string, err error, code object.Code) {
	t.Helper()
	if !object.Is(err, code) {
		t.Errorf("%s: got %v, want %s", what, err, code)
	}
}

func buckets(t *testing.T, s object.Store) {
	ctx := t.Context()
	name := bucket(t, s)
	if b, err := s.Bucket(ctx, name); err != nil || b.Name != name || b.Region != "us-east-1" {
		t.Errorf("got %+v, %v", b, err)
	}
	want(t, "making it again", s.CreateBucket(ctx, object.Bucket{Name: name, Owner: account, Region: "us-east-1"}), object.BucketAlreadyOwnedByYou)
	want(t, "a bad name", s.CreateBucket(ctx, object.Bucket{Name: "No", Owner: account}), object.InvalidBucketName)
	all, err := s.ListBuckets(ctx, account)
	if err != nil || !slices.ContainsFunc(all, func(b object.Bucket) bool { return b.Name == name && !b.Created.IsZero() }) {
		t.Errorf("%s is not among %v, %v", name, all, err)
	}
	put(t, s, name, "a", "1")
	want(t, "deleting a full one", s.DeleteBucket(ctx, name), object.BucketNotEmpty)
	if err := errors.Join(s.Delete(ctx, name, "a", object.Conditions{}), s.DeleteBucket(ctx, name)); err != nil {
		t.Fatal(err)
	}
	_, err = s.Bucket(ctx, name)
	want(t, "a deleted one", err, object.NoSuchBucket)
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("got kind %v, want not found", fault.KindOf(err))
	}
	want(t, "deleting it again", s.DeleteBucket(ctx, name), object.NoSuchBucket)
	_, err = s.List(ctx, name, object.ListOptions{})
	want(t, "listing it", err, object.NoSuchBucket)
	_, err = s.Put(ctx, name, "a", strings.NewReader("x"), object.PutOptions{Size: 1})
	want(t, "writing to it", err, object.NoSuchBucket)
	_, err = s.Get(ctx, name, "a", object.GetOptions{})
	want(t, "reading from it", err, object.NoSuchBucket)
}

func putAndGet(t *testing.T, s object.Store) {
	name := bucket(t, s)
	large := make([]byte, 3<<20+17)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(large)
	for _, body := range []string{"", "x", "hello", string(large)} {
		for range 2 { // the second replaces the first
			made := put(t, s, name, "k", body)
			sum := md5.Sum([]byte(body)) //nolint:gosec // what ETags are
			if made.ETag != hex.EncodeToString(sum[:]) || made.Size != int64(len(body)) {
				t.Errorf("%d bytes: got %+v", len(body), made)
			}
		}
		got, obj := get(t, s, name, "k", object.GetOptions{})
		if got != body || obj.Size != int64(len(body)) || obj.Length != obj.Size || obj.Key != "k" || obj.Modified.IsZero() {
			t.Errorf("%d bytes: got %d, %+v", len(body), len(got), obj.Info)
		}
		head, err := s.Head(t.Context(), name, "k")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(head, obj.Info); diff != "" {
			t.Errorf("head and get differ (-head +get):\n%s", diff)
		}
	}
	_, err := s.Get(t.Context(), name, "none", object.GetOptions{})
	want(t, "a key that is not there", err, object.NoSuchKey)
	if err := s.Delete(t.Context(), name, "none", object.Conditions{}); err != nil {
		t.Errorf("deleting what is not there: %v", err)
	}
	if err := s.Delete(t.Context(), name, "k", object.Conditions{}); err != nil {
		t.Error(err)
	}
	_, err = s.Head(t.Context(), name, "k")
	want(t, "a deleted key", err, object.NoSuchKey)
}

func attributes(t *testing.T, s object.Store) {
	name := bucket(t, s)
	a := object.Attributes{
		ContentType: "text/x", CacheControl: "no-store", ContentDisposition: "attachment", ContentEncoding: "gzip",
		ContentLanguage: "en", Expires: "Wed, 21 Oct 2015 07:28:00 GMT", Metadata: map[string]string{"a": "1", "b-c": "two"},
	}
	if _, err := s.Put(t.Context(), name, "k", strings.NewReader("x"), object.PutOptions{Attributes: a, Size: 1, Tags: map[string]string{"t": "v"}}); err != nil {
		t.Fatal(err)
	}
	info, err := s.Head(t.Context(), name, "k")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(info.Attributes, a); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
	_, err = s.Put(t.Context(), name, "k", strings.NewReader("x"), object.PutOptions{
		Size: 1, Attributes: object.Attributes{Metadata: map[string]string{"a": strings.Repeat("x", 3000)}},
	})
	want(t, "much metadata", err, object.MetadataTooLarge)
}

func ranges(t *testing.T, s object.Store) {
	name := bucket(t, s)
	put(t, s, name, "k", "0123456789")
	put(t, s, name, "empty", "")
	for _, c := range []struct {
		r    object.Range
		want string
	}{
		{object.Range{First: 0, Last: 0}, "0"},
		{object.Range{First: 2, Last: 4}, "234"},
		{object.Range{First: 7, Last: -1}, "789"},
		{object.Range{First: 7, Last: 100}, "789"},
		{object.Range{First: -3, Last: -1}, "789"},
		{object.Range{First: -30, Last: -1}, "0123456789"},
	} {
		got, obj := get(t, s, name, "k", object.GetOptions{Range: &c.r})
		if got != c.want || obj.Size != 10 || obj.Length != int64(len(c.want)) || !strings.HasPrefix("0123456789"[obj.Offset:], got) {
			t.Errorf("%+v: got %q at %d of %d, want %q", c.r, got, obj.Offset, obj.Size, c.want)
		}
	}
	for key, r := range map[string]object.Range{"k": {First: 10, Last: -1}, "empty": {First: 0, Last: 0}} {
		_, err := s.Get(t.Context(), name, key, object.GetOptions{Range: &r})
		want(t, "a range behind the end", err, object.InvalidRange)
	}
}

func checks(t *testing.T, s object.Store) {
	ctx := t.Context()
	name := bucket(t, s)
	put(t, s, name, "k", "old")
	refused := errors.New("refused")
	for what, body := range map[string]io.Reader{
		"a body that breaks off": io.MultiReader(strings.NewReader("new"), brokenReader{refused}),
		"a body that is refused": strings.NewReader("news"),
	} {
		_, err := s.Put(ctx, name, "k", body, object.PutOptions{Size: 4, Check: func(object.Sums) error { return refused }})
		if !errors.Is(err, refused) {
			t.Errorf("%s: got %v, want its error", what, err)
		}
	}
	_, err := s.Put(ctx, name, "k", strings.NewReader("new"), object.PutOptions{Size: 4})
	if err == nil {
		t.Error("a body that is too short was taken")
	}
	_, err = s.Put(ctx, name, "k", strings.NewReader("new"), object.PutOptions{Size: 2})
	want(t, "a body that is too long", err, object.EntityTooLarge)
	if got, _ := get(t, s, name, "k", object.GetOptions{}); got != "old" {
		t.Errorf("got %q, want what was there before", got)
	}
	_, err = s.Get(ctx, name, "k", object.GetOptions{Check: func(object.Info) error { return refused }})
	if !errors.Is(err, refused) {
		t.Errorf("got %v, want the check's error", err)
	}
	for _, alg := range object.Algorithms() {
		var sums object.Sums
		info, err := s.Put(ctx, name, "sum", strings.NewReader("123456789"), object.PutOptions{
			Size: 9, Checksum: alg, Check: func(s object.Sums) error { sums = s; return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		h := alg.New()
		h.Write([]byte("123456789"))
		if sums.Checksum.Algorithm != alg || !alg.Valid(sums.Checksum.Value) || sums.Size != 9 {
			t.Errorf("%s: got %+v", alg, sums)
		}
		if info.Checksum != sums.Checksum {
			t.Errorf("%s: kept %+v, computed %+v", alg, info.Checksum, sums.Checksum)
		}
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }

func conditions(t *testing.T, s object.Store) {
	ctx := t.Context()
	name := bucket(t, s)
	write := func(body string, c object.Conditions) error {
		_, err := s.Put(ctx, name, "k", strings.NewReader(body), object.PutOptions{Size: int64(len(body)), Conditions: c})
		return err
	}
	want(t, "If-Match of nothing", write("a", object.Conditions{IfMatch: "abc"}), object.NoSuchKey)
	if err := write("a", object.Conditions{IfNoneMatch: "*"}); err != nil {
		t.Fatal(err)
	}
	want(t, "If-None-Match of something", write("b", object.Conditions{IfNoneMatch: "*"}), object.PreconditionFailed)
	info, err := s.Head(ctx, name, "k")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "If-Match of another", write("b", object.Conditions{IfMatch: strings.Repeat("0", 32)}), object.PreconditionFailed)
	if err := write("b", object.Conditions{IfMatch: info.ETag}); err != nil {
		t.Error(err)
	}
	want(t, "deleting another", s.Delete(ctx, name, "k", object.Conditions{IfMatch: info.ETag}), object.PreconditionFailed)
	if got, _ := get(t, s, name, "k", object.GetOptions{}); got != "b" {
		t.Errorf("got %q, want b", got)
	}
}

func copies(t *testing.T, s object.Store) {
	ctx := t.Context()
	from, to := bucket(t, s), bucket(t, s)
	src, err := s.Put(ctx, from, "k", strings.NewReader("body"), object.PutOptions{
		Size: 4, Attributes: object.Attributes{ContentType: "a/b"}, Tags: map[string]string{"t": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if made, err := s.Copy(ctx, to, "c", object.CopyOptions{Bucket: from, Key: "k"}); err != nil || made.ETag != src.ETag {
		t.Fatalf("got %+v, %v", made, err)
	}
	if _, err := s.Copy(ctx, from, "k", object.CopyOptions{Bucket: from, Key: "k", Attributes: &object.Attributes{ContentType: "c/d"}}); err != nil {
		t.Fatalf("onto itself: %v", err)
	}
	if err := s.Delete(ctx, from, "k", object.Conditions{}); err != nil {
		t.Fatal(err)
	}
	got, obj := get(t, s, to, "c", object.GetOptions{})
	if got != "body" || obj.ContentType != "a/b" || obj.TagCount != 1 {
		t.Errorf("got %q, %+v", got, obj.Info)
	}
	_, err = s.Copy(ctx, to, "d", object.CopyOptions{Bucket: from, Key: "k"})
	want(t, "copying what is not there", err, object.NoSuchKey)
	_, err = s.Copy(ctx, to, "d", object.CopyOptions{Bucket: to, Key: "c", Check: func(i object.Info) error {
		if i.ETag != src.ETag {
			t.Errorf("the check saw %+v", i)
		}
		return object.ErrPrecondition()
	}})
	want(t, "a check that fails", err, object.PreconditionFailed)
	if _, err := s.Copy(ctx, to, "e", object.CopyOptions{Bucket: to, Key: "c", Checksum: object.SHA256}); err != nil {
		t.Error(err)
	} else if info, err := s.Head(ctx, to, "e"); err != nil || info.Checksum.Algorithm != object.SHA256 {
		t.Errorf("got %+v, %v", info.Checksum, err)
	}
}

func tags(t *testing.T, s object.Store) {
	ctx := t.Context()
	name := bucket(t, s)
	put(t, s, name, "k", "x")
	for _, set := range []map[string]string{{"a": "1", "b": "2"}, {"a": "3"}, {}} {
		if err := s.SetTags(ctx, name, "k", set); err != nil {
			t.Fatal(err)
		}
		got, err := s.Tags(ctx, name, "k")
		if err != nil || !maps.Equal(got, set) {
			t.Errorf("got %v, %v, want %v", got, err, set)
		}
	}
	many := map[string]string{}
	for i := range 11 {
		many[fmt.Sprint(i)] = ""
	}
	want(t, "eleven tags", s.SetTags(ctx, name, "k", many), object.InvalidTag)
	want(t, "tags of nothing", s.SetTags(ctx, name, "none", nil), object.NoSuchKey)
}

func names(t *testing.T, s object.Store) {
	name := bucket(t, s)
	keys := []string{
		"a", "a/b", "a/", "a//b", "/", "/a", ".", "..", "../x", "a/../b", "./a", "ü/ß", "日本", "with space", "a+b", "a%20b", "a&b=c?d#e", "e\u0301", "\u00e9",
		`back\slash`, "quote\"'<>&", "line\nbreak", strings.Repeat("k", object.MaxKey),
	}
	for _, k := range keys {
		put(t, s, name, k, "of "+k)
	}
	for _, k := range keys {
		if got, _ := get(t, s, name, k, object.GetOptions{}); got != "of "+k {
			t.Errorf("%q: got %q", k, got)
		}
	}
	slices.Sort(keys)
	page, err := s.List(t.Context(), name, object.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range page.Objects {
		got = append(got, o.Key)
	}
	if diff := cmp.Diff(got, keys); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
	_, err = s.Put(t.Context(), name, strings.Repeat("k", object.MaxKey+1), strings.NewReader(""), object.PutOptions{})
	want(t, "a key of 1025 bytes", err, object.KeyTooLong)
}

// listed is a whole listing, page by page.
func listed(t *testing.T, s object.Store, bucket string, o object.ListOptions) (entries []string) {
	t.Helper()
	for {
		page, err := s.List(t.Context(), bucket, o)
		if err != nil {
			t.Fatal(err)
		}
		var of []string
		for _, i := range page.Objects {
			of = append(of, i.Key)
		}
		for _, p := range page.Prefixes {
			of = append(of, p+" *")
		}
		slices.Sort(of)
		entries = append(entries, of...)
		if page.Next == "" {
			return entries
		}
		if o.Max > 0 && len(of) != o.Max {
			t.Errorf("%+v: a page of %d entries", o, len(of))
		}
		o.Token = page.Next
		if len(entries) > 10_000 {
			t.Fatal("the listing does not end")
		}
	}
}

func list(t *testing.T, s object.Store) {
	name := bucket(t, s)
	for _, k := range []string{"a", "b/1", "b/2", "b/c/3", "b0", "d/e/f", "z"} {
		put(t, s, name, k, k)
	}
	for _, c := range []struct {
		o    object.ListOptions
		want string
	}{
		{object.ListOptions{}, "a b/1 b/2 b/c/3 b0 d/e/f z"},
		{object.ListOptions{Delimiter: "/"}, "a b/* b0 d/* z"},
		{object.ListOptions{Prefix: "b/", Delimiter: "/"}, "b/1 b/2 b/c/*"},
		{object.ListOptions{Prefix: "b"}, "b/1 b/2 b/c/3 b0"},
		{object.ListOptions{Prefix: "b", Delimiter: "/"}, "b/* b0"},
		{object.ListOptions{Prefix: "none"}, ""},
		{object.ListOptions{After: "b/2"}, "b/c/3 b0 d/e/f z"},
		{object.ListOptions{After: "b/", Delimiter: "/"}, "b0 d/* z"},
		{object.ListOptions{Delimiter: "/e"}, "a b/1 b/2 b/c/3 b0 d/e* z"},
		{object.ListOptions{After: "zz"}, ""},
	} {
		for limit := range 5 {
			c.o.Max = limit
			got := strings.ReplaceAll(strings.Join(listed(t, s, name, c.o), " "), " *", "*")
			if got != c.want {
				t.Errorf("%+v: got %q, want %q", c.o, got, c.want)
			}
		}
	}
	page, err := s.List(t.Context(), name, object.ListOptions{Max: 1})
	if err != nil || len(page.Objects) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	if o := page.Objects[0]; o.Size != 1 || o.ETag == "" || o.Modified.IsZero() {
		t.Errorf("got %+v", o)
	}
}

// listModel compares listings with what sorting says, of random keys.
func listModel(t *testing.T, s object.Store) {
	name := bucket(t, s)
	r := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // the same keys each time
	text := func(most int) string {
		b := make([]byte, 1+r.IntN(most))
		for i := range b {
			b[i] = "ab/-"[r.IntN(4)]
		}
		return string(b)
	}
	keys := map[string]bool{}
	for range 60 {
		keys[text(6)] = true
	}
	for k := range keys {
		put(t, s, name, k, "")
	}
	for range 60 {
		o := object.ListOptions{Max: 1 + r.IntN(7)}
		if r.IntN(2) == 0 {
			o.Prefix = text(2)
		}
		if r.IntN(2) == 0 {
			o.Delimiter = []string{"/", "-", "/-"}[r.IntN(3)]
		}
		if diff := cmp.Diff(listed(t, s, name, o), model(keys, o)); diff != "" {
			t.Errorf("%+v (-got +want):\n%s", o, diff)
		}
	}
}

func model(keys map[string]bool, o object.ListOptions) (entries []string) {
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		rest, ok := strings.CutPrefix(k, o.Prefix)
		if !ok {
			continue
		}
		entry := k
		if group, _, ok := strings.Cut(rest, o.Delimiter); ok && o.Delimiter != "" {
			entry = o.Prefix + group + o.Delimiter + " *"
		}
		if len(entries) == 0 || entries[len(entries)-1] != entry {
			entries = append(entries, entry)
		}
	}
	slices.SortStableFunc(entries, func(a, b string) int {
		return strings.Compare(strings.TrimSuffix(a, " *"), strings.TrimSuffix(b, " *"))
	})
	return entries
}

func piece(seed byte, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func uploads(t *testing.T, s object.Store) {
	ctx := t.Context()
	name := bucket(t, s)
	u, err := s.CreateUpload(ctx, name, "k", object.UploadOptions{Attributes: object.Attributes{ContentType: "a/b"}})
	if err != nil {
		t.Fatal(err)
	}
	first, second, third := piece(1, object.MinPart), piece(2, object.MinPart+3), piece(3, 100)
	var parts []object.Part
	for _, p := range []struct {
		number int
		body   []byte
	}{{5, third}, {1, second}, {1, first}, {3, second}} { // out of order, one twice
		part, err := s.PutPart(ctx, u.UploadRef, p.number, bytes.NewReader(p.body), object.PutOptions{Size: int64(len(p.body))})
		if err != nil {
			t.Fatal(err)
		}
		sum := md5.Sum(p.body) //nolint:gosec // what ETags are
		if part.ETag != hex.EncodeToString(sum[:]) {
			t.Errorf("got %+v", part)
		}
	}
	for after := 0; ; { // in pages of two
		page, err := s.Parts(ctx, u.UploadRef, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, page...)
		if len(page) < 2 {
			break
		}
		after = page[1].Number
	}
	if len(parts) != 3 || parts[0].Number != 1 || parts[0].Size != object.MinPart || parts[2].Number != 5 {
		t.Fatalf("got %+v", parts)
	}
	_, err = s.Head(ctx, name, "k")
	want(t, "an object before its completion", err, object.NoSuchKey)
	_, err = s.Complete(ctx, u.UploadRef, []object.Part{parts[1], parts[0]}, object.CompleteOptions{})
	want(t, "parts out of order", err, object.InvalidPartOrder)
	_, err = s.Complete(ctx, u.UploadRef, []object.Part{parts[0], {Number: 2, ETag: parts[1].ETag}}, object.CompleteOptions{})
	want(t, "a part that is not there", err, object.InvalidPart)
	info, err := s.Complete(ctx, u.UploadRef, parts, object.CompleteOptions{Conditions: object.Conditions{IfNoneMatch: "*"}})
	if err != nil {
		t.Fatal(err)
	}
	whole := slices.Concat(first, second, third)
	if info.ETag != object.PartsETag(parts) || !strings.HasSuffix(info.ETag, "-3") {
		t.Errorf("got %+v", info)
	}
	got, obj := get(t, s, name, "k", object.GetOptions{})
	if got != string(whole) || obj.ContentType != "a/b" || obj.ETag != info.ETag {
		t.Errorf("got %d bytes, %+v", len(got), obj.Info)
	}
	for _, r := range []object.Range{{First: object.MinPart - 2, Last: object.MinPart + 1}, {First: -101, Last: -1}, {First: 10, Last: 2 * object.MinPart}} {
		offset, length, err := r.Resolve(int64(len(whole)))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := get(t, s, name, "k", object.GetOptions{Range: &r}); got != string(whole[offset:offset+length]) {
			t.Errorf("%+v: got %d bytes", r, len(got))
		}
	}
	if got, obj := get(t, s, name, "k", object.GetOptions{Part: 2}); got != string(second) || obj.Offset != object.MinPart {
		t.Errorf("part 2: got %d bytes at %d", len(got), obj.Offset)
	}
	_, err = s.Complete(ctx, u.UploadRef, parts, object.CompleteOptions{})
	want(t, "completing twice", err, object.NoSuchUpload)
	if _, err := s.Copy(ctx, name, "copy", object.CopyOptions{Bucket: name, Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, name, "k", object.Conditions{}); err != nil {
		t.Fatal(err)
	}
	if got, _ := get(t, s, name, "copy", object.GetOptions{}); got != string(whole) {
		t.Errorf("the copy has %d bytes", len(got))
	}
}

func brokenParts(t *testing.T, s object.Store) {
	ctx := t.Context()
	name := bucket(t, s)
	u, err := s.CreateUpload(ctx, name, "k", object.UploadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var parts []object.Part
	for n := range 2 {
		p, err := s.PutPart(ctx, u.UploadRef, n+1, strings.NewReader("small"), object.PutOptions{Size: 5})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	_, err = s.Complete(ctx, u.UploadRef, parts, object.CompleteOptions{})
	want(t, "a small part that is not the last", err, object.EntityTooSmall)
	_, err = s.PutPart(ctx, u.UploadRef, object.MaxParts+1, strings.NewReader("x"), object.PutOptions{Size: 1})
	want(t, "part 10001", err, object.InvalidArgument)
	refused := errors.New("refused")
	_, err = s.PutPart(ctx, u.UploadRef, 1, strings.NewReader("other"), object.PutOptions{Size: 5, Check: func(object.Sums) error { return refused }})
	if !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	if page, err := s.Parts(ctx, u.UploadRef, 0, 10); err != nil || len(page) != 2 || page[0].ETag != parts[0].ETag {
		t.Errorf("a refused part changed the one there: %+v, %v", page, err)
	}
	if err := s.Abort(ctx, u.UploadRef); err != nil {
		t.Fatal(err)
	}
	want(t, "aborting twice", s.Abort(ctx, u.UploadRef), object.NoSuchUpload)
	_, err = s.PutPart(ctx, u.UploadRef, 1, strings.NewReader("x"), object.PutOptions{Size: 1})
	want(t, "a part of an aborted upload", err, object.NoSuchUpload)
	_, err = s.Parts(ctx, object.UploadRef{Bucket: name, Key: "k", ID: "nonsense"}, 0, 10)
	want(t, "an upload that never was", err, object.NoSuchUpload)
}

func uploadList(t *testing.T, s object.Store) {
	ctx := t.Context()
	name := bucket(t, s)
	var all []object.UploadRef
	for _, k := range []string{"a", "b/1", "b/1", "b/2", "c", "c", "c"} {
		u, err := s.CreateUpload(ctx, name, k, object.UploadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u.UploadRef)
	}
	sorted := func(refs []object.UploadRef) (out []string) {
		for _, r := range refs {
			out = append(out, r.Key+" "+r.ID)
		}
		slices.Sort(out)
		return out
	}
	for limit := 1; limit < 4; limit++ {
		var got []object.UploadRef
		o := object.ListOptions{Max: limit}
		for {
			page, err := s.ListUploads(ctx, name, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range page.Uploads {
				got = append(got, u.UploadRef)
			}
			if page.Next == (object.UploadRef{}) || len(got) > len(all) {
				break
			}
			o.After, o.Token = page.Next.Key, page.Next.ID
		}
		if diff := cmp.Diff(sorted(got), sorted(all)); diff != "" {
			t.Errorf("pages of %d (-got +want):\n%s", limit, diff)
		}
	}
	page, err := s.ListUploads(ctx, name, object.ListOptions{Prefix: "b", Delimiter: "/"})
	if err != nil || len(page.Uploads) != 0 || !slices.Equal(page.Prefixes, []string{"b/"}) {
		t.Errorf("got %+v, %v", page, err)
	}
}

// uploadSums compares checksums of wholes with those computed in one go.
func uploadSums(t *testing.T, s object.Store) {
	ctx := t.Context()
	name := bucket(t, s)
	bodies := [][]byte{piece(4, object.MinPart), piece(5, object.MinPart+1), piece(6, 1)}
	for _, kind := range []object.Checksum{
		{Algorithm: object.CRC64NVME, Type: object.FullObject},
		{Algorithm: object.CRC32, Type: object.FullObject},
		{Algorithm: object.CRC32C, Type: object.FullObject},
		{Algorithm: object.SHA256, Type: object.Composite},
		{Algorithm: object.CRC32, Type: object.Composite},
	} {
		u, err := s.CreateUpload(ctx, name, "k", object.UploadOptions{Checksum: kind})
		if err != nil {
			t.Fatal(err)
		}
		var parts []object.Part
		for n, b := range bodies {
			p, err := s.PutPart(ctx, u.UploadRef, n+1, bytes.NewReader(b), object.PutOptions{Size: int64(len(b)), Checksum: kind.Algorithm})
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, p)
		}
		wrong := object.Checksum{Algorithm: kind.Algorithm, Type: kind.Type, Value: parts[0].Checksum.Value}
		if kind.Type == object.FullObject {
			_, err = s.Complete(ctx, u.UploadRef, parts, object.CompleteOptions{Checksum: wrong})
			want(t, "a wrong checksum", err, object.BadDigest)
		}
		info, err := s.Complete(ctx, u.UploadRef, parts, object.CompleteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		wanted := object.CompositeOf(kind.Algorithm, parts)
		if kind.Type == object.FullObject {
			m := object.NewMeter(bytes.NewReader(slices.Concat(bodies...)), &object.PutOptions{Checksum: kind.Algorithm})
			if _, err := io.Copy(io.Discard, m); err != nil {
				t.Fatal(err)
			}
			wanted = m.Sums().Checksum
		}
		if info.Checksum != wanted {
			t.Errorf("got %+v, want %+v", info.Checksum, wanted)
		}
	}
	_, err := s.CreateUpload(ctx, name, "k", object.UploadOptions{Checksum: object.Checksum{Algorithm: object.SHA1, Type: object.FullObject}})
	want(t, "SHA1 of a whole", err, object.InvalidRequest)
}

// concurrent has writers replace an object under its readers: each read is one write's.
func concurrent(t *testing.T, s object.Store) {
	ctx := t.Context()
	name := bucket(t, s)
	body := func(n int) string { return strings.Repeat(string(rune('a'+n)), 200_000+n) } //nolint:gosec // n is small
	put(t, s, name, "k", body(0))
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for range 8 {
				b := body(n)
				if _, err := s.Put(ctx, name, "k", strings.NewReader(b), object.PutOptions{Size: int64(len(b))}); err != nil {
					t.Errorf("put: %v", err)
				}
			}
		})
		wg.Go(func() {
			for range 15 {
				obj, err := s.Get(ctx, name, "k", object.GetOptions{})
				if err != nil {
					t.Errorf("get: %v", err)
					return
				}
				got, err := io.ReadAll(obj.Body)
				if err := errors.Join(err, obj.Body.Close()); err != nil {
					t.Errorf("read: %v", err)
					return
				}
				sum := md5.Sum(got) //nolint:gosec // what ETags are
				if len(got) == 0 || string(got) != body(int(got[0]-'a')) || hex.EncodeToString(sum[:]) != obj.ETag {
					t.Errorf("got a mixture of %d bytes", len(got))
				}
			}
		})
	}
	wg.Wait()
	// Of many that would be the first, one is.
	won := make(chan int, 8)
	for n := range 8 {
		wg.Go(func() {
			b := fmt.Sprint(n)
			_, err := s.Put(ctx, name, "first", strings.NewReader(b), object.PutOptions{Size: 1, Conditions: object.Conditions{IfNoneMatch: "*"}})
			switch {
			case err == nil:
				won <- n
			case !object.Is(err, object.PreconditionFailed):
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	close(won)
	if len(won) != 1 {
		t.Fatalf("%d writers were the first", len(won))
	}
	if got, _ := get(t, s, name, "first", object.GetOptions{}); got != fmt.Sprint(<-won) {
		t.Errorf("got %q, which is not the winner's", got)
	}
}
