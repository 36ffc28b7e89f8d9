package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/ledger/segment"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		runVictim(dir)
	}
	goleak.VerifyTestMain(m)
}

// openTest opens a ledger that is closed at the end of the test, in a folder of its
// own unless cfg names one.
func openTest(tb testing.TB, cfg Config) *Ledger {
	tb.Helper()
	if cfg.Dir == "" {
		cfg.Dir = tb.TempDir()
	}
	l, err := Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return l
}

var testTime = time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC)

// testRecord returns a record like those of a busy gateway; i makes it its own.
func testRecord(i int) Record {
	return Record{
		Time:             testTime.Add(time.Duration(i) * time.Millisecond),
		RequestID:        fmt.Sprintf("5b7e2d6c-9f41-4d0e-8a63-%012x", i),
		Account:          "123456789012",
		Region:           "us-east-1",
		Principal:        "arn:aws:iam::123456789012:user/alice",
		AccessKeyID:      "AKIAIOSFODNN7EXAMPLE",
		Service:          "bedrock-runtime",
		Operation:        "Converse",
		Model:            "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
		ModelID:          "anthropic.claude-3-5-sonnet-20241022-v2:0",
		InferenceProfile: "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-5-sonnet-20241022-v2:0",
		Backend:          "gpu",
		UpstreamModel:    "qwen3-32b",
		Fidelity:         llm.Real,
		Attempts:         1,
		Status:           200,
		Latency:          812 * time.Millisecond,
		FirstToken:       212 * time.Millisecond,
		InputTokens:      1200 + i,
		OutputTokens:     300,
		CostNanoUSD:      8_100_000,
	}
}

// otherRecord returns a record that differs from testRecord in every field.
func otherRecord(i int) Record {
	return Record{
		Time:             testTime.Add(time.Duration(i) * time.Millisecond),
		RequestID:        fmt.Sprintf("other-%d", i),
		Account:          "210987654321",
		Region:           "eu-west-1",
		Principal:        "arn:aws:iam::210987654321:root",
		AccessKeyID:      "AKIAI44QH8DHBEXAMPLE",
		Service:          "openai",
		Operation:        "ConverseStream",
		Model:            "amazon.nova-pro-v1:0",
		ModelID:          "amazon.nova-pro-v1:0",
		InferenceProfile: "arn:…:profile/é",
		Backend:          "embedded",
		UpstreamModel:    "outcrop.reader-v1",
		Fidelity:         llm.StandIn,
		Attempts:         3,
		Status:           429,
		ErrorCode:        "ThrottlingException",
		ErrorKind:        fault.Throttled,
		ErrorMessage:     "Too many requests, please wait before trying again.",
		Latency:          3 * time.Millisecond,
		FirstToken:       time.Millisecond,
		InputTokens:      1,
		OutputTokens:     2,
		CacheReadTokens:  3,
		CacheWriteTokens: 4,
		OutputImages:     5,
		Estimated:        true,
		CostNanoUSD:      6,
		Stream:           true,
		Completeness:     Failed,
		Metadata:         map[string]string{"team": "search", "": "no key", "no value": ""},
	}
}

// flush flushes l.
func flush(tb testing.TB, l *Ledger) {
	tb.Helper()
	if err := l.Flush(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// records returns what q selects, from all pages.
func records(tb testing.TB, l *Ledger, q Query) (all []Record) {
	tb.Helper()
	for {
		page, err := l.Records(tb.Context(), q)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, page.Records...)
		if page.Next == "" {
			return all
		}
		q.After = page.Next
	}
}

// requestIDs returns the request IDs of records in the order in which they were
// appended.
func requestIDs(records []Record) []string {
	slices.SortFunc(records, func(a, b Record) int { return int(a.Seq - b.Seq) })
	ids := make([]string, 0, len(records))
	for i := range records {
		ids = append(ids, records[i].RequestID)
	}
	return ids
}

func TestAppendAndRead(t *testing.T) {
	t.Parallel()
	l := openTest(t, Config{})
	var want []Record
	for i := range 5 {
		for _, r := range []Record{testRecord(2 * i), otherRecord(2*i + 1)} {
			l.Append(r)
			want = append(want, r)
		}
	}
	flush(t, l)
	got := records(t, l, Query{Limit: 3})
	for i := range got {
		if i > 0 && got[i].Seq != got[i-1].Seq-1 {
			t.Errorf("record %d has number %d, after %d", i, got[i].Seq, got[i-1].Seq)
		}
	}
	slices.Reverse(want)
	if diff := cmp.Diff(got, want, cmpopts.IgnoreFields(Record{}, "Seq")); diff != "" {
		t.Error(diff)
	}
	if s := l.Status(); s.Lost != 0 || s.Degraded || s.Queued != 0 || s.Loaded != int64(len(want)) {
		t.Errorf("got status %+v", s)
	}
}

// What is appended concurrently is all there, once.
func TestConcurrentAppend(t *testing.T) {
	t.Parallel()
	// The queue is small so that it fills; a busy disk may empty it as late as it likes.
	l := openTest(t, Config{SegmentSize: 64 << 10, QueueLimit: 100, QueueWait: time.Minute, CommitEvery: time.Millisecond, LoadEvery: 5 * time.Millisecond})
	const writers, each = 8, 500
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				l.Append(testRecord(w*each + i))
				if i%100 == 0 {
					l.Status()
					if _, err := l.Minutes(t.Context(), testTime, testTime.Add(time.Hour)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	flush(t, l)
	ids := requestIDs(records(t, l, Query{Limit: maxPage}))
	slices.Sort(ids)
	if got := len(slices.Compact(ids)); got != writers*each || l.Status().Lost != 0 {
		t.Errorf("%d of %d records, %d lost", got, writers*each, l.Status().Lost)
	}
	sums := total(t, l)
	if sums.Calls != writers*each {
		t.Errorf("minutes count %d calls", sums.Calls)
	}
}

// total adds up all minutes.
func total(tb testing.TB, l *Ledger) (sums Sums) {
	tb.Helper()
	minutes, err := l.Minutes(tb.Context(), time.Time{}, time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		tb.Fatal(err)
	}
	for i := range minutes {
		sums.merge(&minutes[i].Sums)
	}
	return sums
}

// Whatever is appended before Close is there at the next start, also what was never
// loaded; what comes after is counted.
func TestCloseLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openTest(t, Config{Dir: dir, LoadEvery: time.Hour, CommitEvery: time.Hour, SegmentSize: 256 << 10})
	const n = 5000
	for i := range n {
		l.Append(testRecord(i))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	l.Append(testRecord(n))
	if got := l.Status().Lost; got != 1 {
		t.Errorf("%d records lost, want the one after Close", got)
	}
	if err := l.Flush(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Flush after Close: got %v, want %v", err, ErrClosed)
	}
	again := openTest(t, Config{Dir: dir})
	flush(t, again)
	ids := requestIDs(records(t, again, Query{Limit: maxPage}))
	if len(ids) != n {
		t.Fatalf("got %d records, want %d", len(ids), n)
	}
	for i, id := range ids {
		if id != testRecord(i).RequestID {
			t.Fatalf("record %d is %s", i, id)
		}
	}
}

func TestOneOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openTest(t, Config{Dir: dir})
	_, err := Open(t.Context(), Config{Dir: dir})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("second Open: got %v, want %v with the owner's number", err, ErrLocked)
	}
	l.Append(testRecord(0))
	flush(t, l)
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Records(t.Context(), Query{})
	if err != nil || len(page.Records) != 1 {
		t.Errorf("reader beside the owner: %d records, %v", len(page.Records), err)
	}
	if err := errors.Join(r.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	openTest(t, Config{Dir: dir})
}

// A crash between loading a segment and deleting it loads nothing twice.
func TestReplayAfterLoad(t *testing.T) {
	t.Parallel()
	dir, kept := t.TempDir(), t.TempDir()
	for round := range 3 {
		l := openTest(t, Config{Dir: dir, SegmentSize: 4 << 10, CommitEvery: time.Hour, LoadEvery: time.Hour})
		flush(t, l) // the loader rests from now on
		for i := range 100 {
			l.Append(testRecord(round*100 + i))
			if i%10 == 0 {
				if err := l.writer.flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := l.writer.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		copyFiles(t, filepath.Join(dir, "segments"), kept)
		flush(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if round > 0 {
			copyFiles(t, kept, filepath.Join(dir, "segments")) // as if never deleted
		}
	}
	l := openTest(t, Config{Dir: dir})
	flush(t, l)
	ids := requestIDs(records(t, l, Query{Limit: maxPage}))
	if got := len(ids); got != 300 {
		t.Errorf("got %d records, want 300", got)
	}
	if got := len(slices.Compact(ids)); got != 300 {
		t.Errorf("got %d different records, want 300", got)
	}
	if got := total(t, l).Calls; got != 300 {
		t.Errorf("minutes count %d calls, want 300", got)
	}
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	ids, err := segment.List(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		data, err := os.ReadFile(segment.Path(from, id))
		if err == nil {
			err = os.WriteFile(segment.Path(to, id), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// When somebody deletes the segments, numbers are still not used twice.
func TestSegmentsDeleted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 3 {
		l := openTest(t, Config{Dir: dir})
		l.Append(testRecord(i))
		flush(t, l)
		if got := len(records(t, l, Query{})); got != i+1 {
			t.Errorf("round %d: %d records", i, got)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "segments")); err != nil {
			t.Fatal(err)
		}
	}
}

// However a segment is damaged, what is read from it was written to it, what comes
// before the damage is read, and the ledger works.
func TestDamagedSegment(t *testing.T) {
	t.Parallel()
	const n = 3
	var data []byte
	ends := make([]int, 0, n)
	for i := range n {
		r := testRecord(i)
		var err error
		if data, err = segment.AppendFrame(data, r.encode(nil)); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, len(data))
	}
	check := func(what string, damaged []byte, at int) {
		t.Helper()
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "segments"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(segment.Path(filepath.Join(dir, "segments"), 1), damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		l := openTest(t, Config{Dir: dir})
		l.Append(testRecord(n))
		flush(t, l)
		var want []string
		whole := 0
		for i, end := range ends {
			if end <= at {
				want = append(want, testRecord(i).RequestID)
				whole = end
			}
		}
		want = append(want, testRecord(n).RequestID)
		if diff := cmp.Diff(requestIDs(records(t, l, Query{})), want); diff != "" {
			t.Errorf("%s at %d: %s", what, at, diff)
		}
		if got, want := l.Status().TornBytes, int64(len(damaged)-whole); got != want {
			t.Errorf("%s at %d: %d torn bytes, want %d", what, at, got, want)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// The frames' own test tries every bit; a database for each would take long.
	for at := 0; at < len(data); at += 29 {
		check("cut", data[:at], at)
		damaged := slices.Clone(data)
		damaged[at] ^= 0x10
		check("flip", damaged, at)
	}
	check("zeros", append(slices.Clone(data), make([]byte, 4096)...), len(data))
}

// A frame whose checksum is right and whose content is no record costs itself only.
func TestForeignFrame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "segments"), 0o700); err != nil {
		t.Fatal(err)
	}
	var data []byte
	first, last := testRecord(0), testRecord(1)
	for _, payload := range [][]byte{first.encode(nil), []byte("something else"), last.encode(nil)} {
		var err error
		if data, err = segment.AppendFrame(data, payload); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(segment.Path(filepath.Join(dir, "segments"), 1), data, 0o600); err != nil {
		t.Fatal(err)
	}
	l := openTest(t, Config{Dir: dir})
	flush(t, l)
	if diff := cmp.Diff(requestIDs(records(t, l, Query{})), []string{first.RequestID, last.RequestID}); diff != "" {
		t.Error(diff)
	}
	if got := l.Status().Lost; got != 1 {
		t.Errorf("%d records lost, want 1", got)
	}
}
