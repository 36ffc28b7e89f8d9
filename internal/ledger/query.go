package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// Query selects records. Its zero value selects them all; every field that is set must
// match.
type Query struct {
	From, To time.Time // of Record.Time: from From on, before To

	RequestID string
	Account   string
	Region    string
	ModelID   string // the model that the call resolved to
	Model     string // the model as the caller wrote it
	Operation string
	Principal string
	Backend   string
	Failed    bool // only those whose outcome is not Success

	// Limit is how many records a page holds. Zero: 100; at most 1,000.
	Limit int
	// After continues behind a page: its Next.
	After string
}

// The limits of a page.
const (
	defaultPage = 100
	maxPage     = 1000
)

// Page is a part of the records that a query selects.
type Page struct {
	Records []Record
	Next    string // for Query.After; empty on the last page
}

// Reader answers queries about a ledger. Another process may be writing it. It is safe
// for concurrent use.
type Reader struct {
	days *days
}

// OpenReader opens the ledger in dir for reading only, which needs no lock.
// Whoever opens it closes it.
func OpenReader(dir string) (*Reader, error) {
	r := &Reader{days: newDays(dir)}
	if _, err := r.days.list(); err != nil {
		return nil, err
	}
	return r, nil
}

// Close closes the databases.
func (r *Reader) Close() error { return r.days.close() }

// Records returns the records that q selects, the newest first. Records that are
// appended between two pages do not move the second.
func (r *Reader) Records(ctx context.Context, q Query) (Page, error) {
	limit := q.Limit
	switch {
	case limit == 0:
		limit = defaultPage
	case limit < 0 || limit > maxPage:
		return Page{}, fault.Errorf(fault.Invalid, "ledger: a page has 1 to %d records", maxPage)
	}
	after, err := parseCursor(q.After)
	if err != nil {
		return Page{}, err
	}
	names, err := r.between(q.From, after.cap(q.To))
	if err != nil {
		return Page{}, err
	}
	own, sources := q.conditions()
	if after != nil {
		own.add(`(time_ns, seq) < (?, ?)`, after.timeNS, after.seq)
	}
	var page Page
	for _, name := range slices.Backward(names) {
		err := r.days.use(ctx, name, false, func(d *dayStore) error {
			// One more than the page holds shows whether there is another page.
			records, err := d.records(ctx, q.RequestID, own, sources, limit+1-len(page.Records))
			page.Records = append(page.Records, records...)
			return err
		})
		if err != nil {
			return Page{}, err
		}
		if len(page.Records) > limit {
			page.Records = page.Records[:limit]
			page.Next = cursorOf(&page.Records[limit-1])
			break
		}
	}
	return page, nil
}

// conditions returns what q asks of the records and of their sources, but for the
// request ID, which is looked for in its own way.
func (q *Query) conditions() (own, sources condition) {
	if !q.From.IsZero() {
		own.add("time_ns >= ?", q.From.UnixNano())
	}
	if !q.To.IsZero() {
		own.add("time_ns < ?", q.To.UnixNano())
	}
	if q.Failed {
		own.add("outcome <> 0")
	}
	for _, f := range []struct{ column, value string }{
		{"account", q.Account},
		{"region", q.Region},
		{"model_id", q.ModelID},
		{"model", q.Model},
		{"operation", q.Operation},
		{"principal", q.Principal},
		{"backend", q.Backend},
	} {
		if f.value != "" {
			sources.add(f.column+" = ?", f.value)
		}
	}
	return own, sources
}

// between returns the days that may hold records from From on and before To.
func (r *Reader) between(from, to time.Time) ([]day, error) {
	names, err := r.days.list()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name day) bool {
		return !from.IsZero() && name < dayOf(from) || !to.IsZero() && name > dayOf(to)
	}), nil
}

// cursor is the place of a record in the order of Records.
type cursor struct {
	timeNS, seq int64
}

func cursorOf(r *Record) string {
	return strconv.FormatInt(r.Time.UnixNano(), 36) + "." + strconv.FormatInt(r.Seq, 36)
}

// parseCursor reads what cursorOf wrote; empty text is a nil cursor.
func parseCursor(text string) (*cursor, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // documented
	}
	timeText, seqText, _ := strings.Cut(text, ".")
	timeNS, err := strconv.ParseInt(timeText, 36, 64)
	seq, err2 := strconv.ParseInt(seqText, 36, 64)
	if errors.Join(err, err2) != nil {
		return nil, fault.Errorf(fault.Invalid, "ledger: %q is no place to go on from", text)
	}
	return &cursor{timeNS, seq}, nil
}

// cap returns the earlier of to and the cursor's time; a zero to is no bound.
func (c *cursor) cap(to time.Time) time.Time {
	if c == nil {
		return to
	}
	if at := time.Unix(0, c.timeNS); to.IsZero() || at.Before(to) {
		return at
	}
	return to
}

// Dimension is what totals are kept apart by.
type Dimension uint8

// The dimensions.
const (
	ByModel     Dimension = iota // Record.ModelID
	ByOperation                  // Record.Operation
	ByRegion                     // Record.Region
	ByAccount                    // Record.Account
	ByPrincipal                  // Record.Principal
	ByBackend                    // Record.Backend
	ByMinute                     // the minute of Record.Time, as RFC 3339
	ByDay                        // the day of Record.Time
)

// expression returns the dimension as SQL.
func (d Dimension) expression() (string, error) {
	switch d {
	case ByModel:
		return "model_id", nil
	case ByOperation:
		return "operation", nil
	case ByRegion:
		return "region", nil
	case ByAccount:
		return "account", nil
	case ByPrincipal:
		return "principal", nil
	case ByBackend:
		return "backend", nil
	case ByMinute:
		return "strftime('%Y-%m-%dT%H:%M:00Z', time_ns / 1000000000, 'unixepoch')", nil
	case ByDay:
		return "strftime('%Y-%m-%d', time_ns / 1000000000, 'unixepoch')", nil
	}
	return "", fmt.Errorf("ledger: unknown dimension %d", d)
}

// Total is the sums of the records which have the same key.
type Total struct {
	Key []string // the values of the dimensions asked for, in their order
	Sums
}

// Totals adds up the records that q selects, in order of their keys; Limit and After
// have no meaning here. Without dimensions it returns one total, or none when q
// selects nothing.
//
// It reads every record selected, some 300,000 a second. Over long times Minutes is
// the cheaper one to ask.
func (r *Reader) Totals(ctx context.Context, q Query, by ...Dimension) ([]Total, error) {
	names, err := r.between(q.From, q.To)
	if err != nil {
		return nil, err
	}
	keys := make([]string, 0, len(by))
	for _, d := range by {
		e, err := d.expression()
		if err != nil {
			return nil, err
		}
		keys = append(keys, e)
	}
	key := "''"
	if len(keys) > 0 {
		key = strings.Join(keys, " || char(0) || ")
	}
	own, sources := q.conditions()
	if q.RequestID != "" {
		own.add("request_id = ?", q.RequestID)
	}
	all := own.and(sources)
	query := `SELECT ` + key + `, outcome, latency_ns, first_token_ns, input_tokens, output_tokens,
		cache_read_tokens, cache_write_tokens, output_images, cost_nano_usd
		FROM invocation JOIN source ON source.id = invocation.source WHERE ` + all.where()
	totals := make(map[string]*Sums)
	for _, name := range names {
		err := r.days.use(ctx, name, false, func(d *dayStore) error { return d.addTotals(ctx, totals, query, all.args) })
		if err != nil {
			return nil, err
		}
	}
	return listTotals(totals, len(by)), nil
}

// addTotals adds the rows of a query, a key and the numbers of a record, to totals.
func (d *dayStore) addTotals(ctx context.Context, totals map[string]*Sums, query string, args []any) (err error) {
	rows, err := d.db.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var key []byte
	var r row
	for rows.Next() {
		if err := rows.Scan(&key, &r.outcome, &r.latency, &r.firstToken, &r.input, &r.output,
			&r.cacheRead, &r.cacheWrite, &r.images, &r.cost); err != nil {
			return err
		}
		sums := totals[string(key)]
		if sums == nil {
			sums = new(Sums)
			totals[string(key)] = sums
		}
		sums.addRow(&r)
	}
	return rows.Err()
}

func listTotals(totals map[string]*Sums, dimensions int) []Total {
	list := make([]Total, 0, len(totals))
	for key, sums := range totals {
		t := Total{Sums: *sums}
		if dimensions > 0 {
			t.Key = strings.Split(key, "\x00")
		}
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b Total) int { return slices.Compare(a.Key, b.Key) })
	return list
}

// Records returns the records that q selects, the newest first, as Reader.Records does.
// A record is there about a second after it was appended: see Flush.
func (l *Ledger) Records(ctx context.Context, q Query) (Page, error) {
	return l.reader.Records(ctx, q)
}

// Totals adds up the records that q selects, as Reader.Totals does.
func (l *Ledger) Totals(ctx context.Context, q Query, by ...Dimension) ([]Total, error) {
	return l.reader.Totals(ctx, q, by...)
}
