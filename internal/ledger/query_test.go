package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// sample returns records of three days around midnight, in the order of their times,
// which differ in all that can be asked for.
func sample() []Record {
	var all []Record
	for i := range 60 {
		r := testRecord(0)
		if i%3 == 0 {
			r = otherRecord(0)
		}
		r.Time = time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC).Add(time.Duration(i/2) * 70 * time.Minute)
		r.RequestID = fmt.Sprint("request-", i)
		r.Principal = fmt.Sprint("arn:aws:iam::123456789012:user/", i%24)
		r.Latency = time.Duration(i+1) * time.Millisecond
		all = append(all, r)
	}
	return all
}

func TestQuery(t *testing.T) {
	t.Parallel()
	l := openTest(t, Config{})
	all := sample()
	for i := range all {
		l.Append(all[i])
	}
	flush(t, l)
	from, to := all[10].Time, all[40].Time
	for name, c := range map[string]struct {
		q    Query
		want func(*Record) bool
	}{
		"all":       {Query{}, func(*Record) bool { return true }},
		"request":   {Query{RequestID: "request-17"}, func(r *Record) bool { return r.RequestID == "request-17" }},
		"unknown":   {Query{RequestID: "request-99"}, func(*Record) bool { return false }},
		"from":      {Query{From: from}, func(r *Record) bool { return !r.Time.Before(from) }},
		"to":        {Query{To: to}, func(r *Record) bool { return r.Time.Before(to) }},
		"time":      {Query{From: from, To: to}, func(r *Record) bool { return !r.Time.Before(from) && r.Time.Before(to) }},
		"nothing":   {Query{From: to, To: from}, func(*Record) bool { return false }},
		"account":   {Query{Account: "210987654321"}, func(r *Record) bool { return r.Account == "210987654321" }},
		"region":    {Query{Region: "us-east-1"}, func(r *Record) bool { return r.Region == "us-east-1" }},
		"model":     {Query{ModelID: "amazon.nova-pro-v1:0"}, func(r *Record) bool { return r.ModelID == "amazon.nova-pro-v1:0" }},
		"as asked":  {Query{Model: testRecord(0).Model}, func(r *Record) bool { return r.Model == testRecord(0).Model }},
		"operation": {Query{Operation: "Converse"}, func(r *Record) bool { return r.Operation == "Converse" }},
		"principal": {Query{Principal: all[1].Principal}, func(r *Record) bool { return r.Principal == all[1].Principal }},
		"backend":   {Query{Backend: "embedded"}, func(r *Record) bool { return r.Backend == "embedded" }},
		"failed":    {Query{Failed: true}, func(r *Record) bool { return r.Outcome() != Success }},
		"together": {Query{Region: "us-east-1", Principal: all[1].Principal, From: from}, func(r *Record) bool {
			return r.Region == "us-east-1" && r.Principal == all[1].Principal && !r.Time.Before(from)
		}},
	} {
		var want []string
		for i := range all {
			if c.want(&all[i]) {
				want = append(want, all[i].RequestID)
			}
		}
		slices.Reverse(want)
		for _, limit := range []int{0, 1, 7, len(want), maxPage} {
			c.q.Limit = limit
			var got []string
			for _, r := range records(t, l, c.q) {
				got = append(got, r.RequestID)
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("%s, %d a page: %s", name, limit, diff)
			}
		}
	}
	for _, q := range []Query{{Limit: -1}, {Limit: maxPage + 1}, {After: "?"}, {After: "1.?"}, {After: "1"}} {
		if _, err := l.Records(t.Context(), q); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: got %v, want invalid", q, err)
		}
	}
}

// Records that arrive between two pages do not move the second one.
func TestPagesStandStill(t *testing.T) {
	t.Parallel()
	l := openTest(t, Config{})
	for i := range 4 {
		l.Append(testRecord(i))
	}
	flush(t, l)
	first, err := l.Records(t.Context(), Query{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	l.Append(testRecord(9))
	flush(t, l)
	second, err := l.Records(t.Context(), Query{Limit: 2, After: first.Next})
	if err != nil {
		t.Fatal(err)
	}
	got := requestIDs(second.Records)
	if diff := cmp.Diff(got, []string{testRecord(0).RequestID, testRecord(1).RequestID}); diff != "" {
		t.Error(diff)
	}
	if second.Next != "" {
		t.Errorf("a page after the last: %q", second.Next)
	}
}

func TestTotals(t *testing.T) {
	t.Parallel()
	l := openTest(t, Config{})
	all := sample()
	for i := range all {
		l.Append(all[i])
	}
	flush(t, l)
	value := map[Dimension]func(*Record) string{
		ByModel:     func(r *Record) string { return r.ModelID },
		ByOperation: func(r *Record) string { return r.Operation },
		ByRegion:    func(r *Record) string { return r.Region },
		ByAccount:   func(r *Record) string { return r.Account },
		ByPrincipal: func(r *Record) string { return r.Principal },
		ByBackend:   func(r *Record) string { return r.Backend },
		ByMinute:    func(r *Record) string { return r.Time.Format("2006-01-02T15:04:00Z") },
		ByDay:       func(r *Record) string { return r.Time.Format(time.DateOnly) },
	}
	for _, by := range [][]Dimension{nil, {ByModel}, {ByOperation}, {ByRegion, ByPrincipal}, {ByAccount}, {ByBackend}, {ByMinute}, {ByDay, ByModel}} {
		for _, q := range []Query{{}, {From: all[5].Time, Region: "us-east-1"}} {
			want := make(map[string]*Sums)
			for i := range all {
				r := &all[i]
				if r.Time.Before(q.From) || q.Region != "" && q.Region != r.Region {
					continue
				}
				var key []string
				for _, d := range by {
					key = append(key, value[d](r))
				}
				text := fmt.Sprint(key)
				if want[text] == nil {
					want[text] = new(Sums)
				}
				want[text].add(r)
			}
			totals, err := l.Totals(t.Context(), q, by...)
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range totals {
				w := want[fmt.Sprint(got.Key)]
				if w == nil {
					t.Errorf("by %v: unexpected total %v", by, got.Key)
					continue
				}
				if diff := cmp.Diff(numbers(&got.Sums), numbers(w)); diff != "" {
					t.Errorf("by %v %v: %s", by, got.Key, diff)
				}
			}
			if len(totals) != len(want) {
				t.Errorf("by %v: %d totals, want %d", by, len(totals), len(want))
			}
		}
	}
	if _, err := l.Totals(t.Context(), Query{}, Dimension(99)); err == nil {
		t.Error("an unknown dimension is no error")
	}
}

// numbers returns everything that sums say, for comparing.
func numbers(s *Sums) []any {
	list := []any{
		s.Calls, s.Succeeded(), s.ClientErrors, s.ServerErrors, s.Throttles, s.InputTokens, s.OutputTokens,
		s.CacheReadTokens, s.CacheWriteTokens, s.OutputImages, s.CostNanoUSD, s.Latency.Count(), s.FirstToken.Count(),
	}
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 1} {
		list = append(list, s.Latency.Quantile(q), s.FirstToken.Quantile(q))
	}
	return append(list, s.Latency.Sum(), s.FirstToken.Sum())
}

// Minutes are the same whether they come from memory, from the databases or from both,
// and after any number of starts.
func TestMinutes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var all []Record
	want := make(minuteSums)
	for i := range 300 {
		r := testRecord(i)
		if i%7 == 0 {
			r = otherRecord(i)
		}
		// Calls of up to three minutes over five hours, before and after midnight.
		r.Time = time.Date(2026, 11, 22, 21, 30, 0, 0, time.UTC).Add(time.Duration(i) * time.Minute)
		r.Latency = time.Duration(i%10) * 20 * time.Second
		if i%50 == 0 {
			r.ModelID, r.Model = "", fmt.Sprint("nonsense-", i)
		}
		all = append(all, r)
		want.at(minuteOf(&r)).add(&r)
	}
	clock := func() time.Time { return all[len(all)-1].Time }
	for part := range 3 {
		l := openTest(t, Config{Dir: dir, now: clock})
		for _, r := range all[part*100 : (part+1)*100] {
			l.Append(r)
		}
		flush(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	l := openTest(t, Config{Dir: dir, now: clock})
	check := func(what string) {
		t.Helper()
		for _, c := range []struct{ from, to time.Time }{
			{all[0].Time, clock().Add(time.Hour)},
			{clock().Add(-time.Hour), clock().Add(time.Hour)},
			{clock().Add(-4 * time.Hour), clock().Add(-2 * time.Hour)},
			{clock().Add(-4*time.Hour + time.Second), clock().Add(-2*time.Hour + time.Second)},
			{all[0].Time, all[0].Time},
		} {
			got, err := l.Minutes(t.Context(), c.from, c.to)
			if err != nil {
				t.Fatal(err)
			}
			var expected []Minute
			for _, m := range want.list() {
				if !m.Start.Before(c.from) && m.Start.Before(c.to) {
					expected = append(expected, m)
				}
			}
			compareMinutes(t, fmt.Sprint(what, c), got, expected)
		}
	}
	flush(t, l)
	check("restored")
	late := testRecord(1)
	late.Time = clock()
	l.Append(late)
	want.at(minuteOf(&late)).add(&late)
	if err := l.writer.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("in memory")
	flush(t, l)
	check("loaded")
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	got, err := r.Minutes(t.Context(), time.Time{}, clock().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	compareMinutes(t, "reader", got, want.list())
}

func compareMinutes(t *testing.T, what string, got, want []Minute) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d minutes, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if !got[i].Start.Equal(want[i].Start) || got[i].Series != want[i].Series {
			t.Errorf("%s: got %v %v, want %v %v", what, got[i].Start, got[i].Series, want[i].Start, want[i].Series)
		} else if diff := cmp.Diff(numbers(&got[i].Sums), numbers(&want[i].Sums)); diff != "" {
			t.Errorf("%s: %v %v: %s", what, got[i].Start, got[i].Series, diff)
		}
	}
}

// A clock that jumps, either way, moves no record and loses none.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var offset atomic.Int64 // of the clock
	now := func() time.Time { return testTime.Add(time.Duration(offset.Load())) }
	var want []string
	for part := range 2 {
		l := openTest(t, Config{Dir: dir, now: now, RetentionDays: -1})
		for i, jump := range []time.Duration{0, time.Minute, -time.Hour, 48 * time.Hour, -72 * time.Hour, time.Second} {
			offset.Add(int64(jump))
			r := testRecord(0)
			r.Time = time.Time{} // the ledger's clock
			r.RequestID = fmt.Sprint(part, "-", i)
			l.Append(r)
			flush(t, l)
			want = append(want, r.RequestID)
			if got := total(t, l).Calls; got != int64(len(want)) {
				t.Errorf("jump %v: minutes count %d calls, want %d", jump, got, len(want))
			}
		}
		got := records(t, l, Query{})
		if !slices.IsSortedFunc(got, func(a, b Record) int { return b.Time.Compare(a.Time) }) {
			t.Error("the newest record is not the first")
		}
		if diff := cmp.Diff(requestIDs(got), want); diff != "" {
			t.Error(diff)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		days int
		want []string
	}{
		{0, []string{"2026-10-23", "2026-11-20", "2026-11-22"}}, // 30 days before today
		{2, []string{"2026-11-20", "2026-11-22"}},
		{1, []string{"2026-11-22"}},
		{-1, []string{"2025-01-01", "2026-10-22", "2026-10-23", "2026-11-20", "2026-11-22"}},
	} {
		dir := t.TempDir()
		old := openTest(t, Config{Dir: dir, now: func() time.Time { return testTime }, RetentionDays: -1})
		for i, text := range []string{"2026-11-22", "2025-01-01", "2026-10-22", "2026-10-23", "2026-11-20"} {
			r := testRecord(i)
			day, err := time.Parse(time.DateOnly, text)
			if err != nil {
				t.Fatal(err)
			}
			r.Time = day.Add(12 * time.Hour)
			old.Append(r)
		}
		flush(t, old)
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		l := openTest(t, Config{Dir: dir, now: func() time.Time { return testTime }, RetentionDays: c.days})
		flush(t, l)
		var got []string
		for _, r := range records(t, l, Query{}) {
			got = append(got, r.Time.Format(time.DateOnly))
		}
		slices.Reverse(got)
		if diff := cmp.Diff(got, c.want); diff != "" {
			t.Errorf("retention of %d days: %s", c.days, diff)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "ledger-*"))
		if err != nil || len(files) != len(c.want) {
			t.Errorf("retention of %d days: files %v, %v", c.days, files, err)
		}
	}
}

// Only the owner may read what the ledger keeps.
func TestPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ledger")
	l := openTest(t, Config{Dir: dir})
	l.Append(testRecord(0))
	flush(t, l)
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
