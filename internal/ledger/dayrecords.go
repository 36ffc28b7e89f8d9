package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

// insertYield is how many records are inserted, in a tenth of a millisecond, before
// whatever else the process has to do gets its turn.
const insertYield = 16

const insertInvocation = `INSERT INTO invocation (seq, time_ns, request_id, source, attempts, status, outcome,
	error_code, error_kind, error_message, latency_ns, first_token_ns,
	input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, output_images, estimated, cost_nano_usd,
	stream, completeness, metadata) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`

// insertRecords inserts records, and the sources that they refer to.
func (d *dayStore) insertRecords(ctx context.Context, tx *db.Tx, records []Record) (err error) {
	// The driver watches a context that can end with a goroutine for every statement.
	// A batch is short: it need not be interrupted in the middle.
	ctx = context.WithoutCancel(ctx)
	stmt, err := tx.Prepare(ctx, insertInvocation)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	for i := range records {
		r := &records[i]
		source, err := d.sourceID(ctx, tx, r)
		if err == nil {
			err = insertRecord(ctx, stmt, r, source)
		}
		if err != nil {
			return fmt.Errorf("record %d: %w", r.Seq, err)
		}
		if i%insertYield == insertYield-1 {
			runtime.Gosched()
		}
	}
	return nil
}

func insertRecord(ctx context.Context, stmt *sql.Stmt, r *Record, source int64) error {
	var errorCode, errorKind, errorMessage, metadata any // NULL for most
	if r.ErrorCode != "" || r.ErrorMessage != "" || r.ErrorKind != 0 {
		errorCode, errorKind, errorMessage = r.ErrorCode, int64(r.ErrorKind), r.ErrorMessage
	}
	if len(r.Metadata) > 0 {
		text, err := json.Marshal(r.Metadata)
		if err != nil {
			return fmt.Errorf("labels: %w", err)
		}
		metadata = string(text)
	}
	_, err := stmt.ExecContext(ctx, r.Seq, r.Time.UnixNano(), r.RequestID, source, r.Attempts, r.Status, int64(r.Outcome()),
		errorCode, errorKind, errorMessage, int64(r.Latency), int64(r.FirstToken),
		r.InputTokens, r.OutputTokens, r.CacheReadTokens, r.CacheWriteTokens, r.OutputImages, r.Estimated, r.CostNanoUSD,
		r.Stream, int64(r.Completeness), metadata)
	return err
}

// sourceID returns the number of the record's source, which it inserts if it has not
// done so before.
func (d *dayStore) sourceID(ctx context.Context, tx *db.Tx, r *Record) (int64, error) {
	s := sourceOf(r)
	if id, ok := d.sources[s]; ok {
		return id, nil
	}
	id, err := db.One(ctx, tx, db.Value[int64], `INSERT INTO source (account, region, principal, access_key_id, service, operation,
		model, model_id, inference_profile, backend, upstream_model, fidelity) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) RETURNING id`,
		s.account, s.region, s.principal, s.accessKeyID, s.service, s.operation,
		s.model, s.modelID, s.inferenceProfile, s.backend, s.upstreamModel, s.fidelity)
	if err != nil {
		return 0, fmt.Errorf("source: %w", err)
	}
	if len(d.sources) >= maxSources {
		clear(d.sources)
	}
	d.sources[s] = id
	return id, nil
}

// insertFilter notes the request IDs of records that are loaded together.
func insertFilter(ctx context.Context, tx *db.Tx, records []Record) error {
	f := newFilter(len(records))
	for i := range records {
		f.add(records[i].RequestID)
	}
	_, err := tx.Exec(ctx, `INSERT INTO request_filter (first, last, bits) VALUES (?, ?, ?)`,
		records[0].Seq, records[len(records)-1].Seq, []byte(f))
	return err
}

// span is the records from first to last.
type span struct{ first, last int64 }

// spansOf returns where records with a request ID can be.
func (d *dayStore) spansOf(ctx context.Context, requestID string) (spans []span, err error) {
	rows, err := d.db.Query(ctx, `SELECT first, last, bits FROM request_filter ORDER BY first`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var s span
	var bits sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&s.first, &s.last, &bits); err != nil {
			return nil, err
		}
		if filter(bits).has(requestID) {
			spans = append(spans, s)
		}
	}
	return spans, rows.Err()
}

// selectRecords reads what scanRecord scans.
const selectRecords = `SELECT seq, time_ns, request_id, account, region, principal, access_key_id, service, operation,
	model, model_id, inference_profile, backend, upstream_model, fidelity, attempts, status,
	coalesce(error_code, ''), coalesce(error_kind, 0), coalesce(error_message, ''), latency_ns, first_token_ns,
	input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, output_images, estimated, cost_nano_usd,
	stream, completeness, coalesce(metadata, '')
	FROM invocation JOIN source ON source.id = invocation.source `

func scanRecord(row db.Scanner) (r Record, err error) {
	var timeNS, kind, completeness int64
	var metadata string
	err = row.Scan(&r.Seq, &timeNS, &r.RequestID, &r.Account, &r.Region, &r.Principal, &r.AccessKeyID, &r.Service, &r.Operation,
		&r.Model, &r.ModelID, &r.InferenceProfile, &r.Backend, &r.UpstreamModel, (*string)(&r.Fidelity), &r.Attempts, &r.Status,
		&r.ErrorCode, &kind, &r.ErrorMessage, (*int64)(&r.Latency), (*int64)(&r.FirstToken),
		&r.InputTokens, &r.OutputTokens, &r.CacheReadTokens, &r.CacheWriteTokens, &r.OutputImages, &r.Estimated, &r.CostNanoUSD,
		&r.Stream, &completeness, &metadata)
	if err != nil {
		return Record{}, err
	}
	r.Time = time.Unix(0, timeNS).UTC()
	r.ErrorKind, r.Completeness = fault.Kind(kind), Completeness(completeness) //nolint:gosec // written from these types
	if metadata != "" {
		if err := json.Unmarshal([]byte(metadata), &r.Metadata); err != nil {
			return Record{}, fmt.Errorf("labels of record %d: %w", r.Seq, err)
		}
	}
	return r, nil
}

// condition is a part of a WHERE clause, terms that must all hold, and its arguments.
type condition struct {
	terms []string
	args  []any
}

func (c *condition) add(term string, args ...any) {
	c.terms = append(c.terms, term)
	c.args = append(c.args, args...)
}

// maxMerged is up to how many sources are read one by one.
const maxMerged = 16

// records returns the newest records, at most limit, of a request (or of all, when its
// ID is empty) that meet the conditions on their own columns and on their sources'.
func (d *dayStore) records(ctx context.Context, requestID string, own, sources condition, limit int) ([]Record, error) {
	if requestID != "" {
		spans, err := d.spansOf(ctx, requestID)
		if err != nil {
			return nil, err
		}
		of := own.and(sources)
		of.add("request_id = ?", requestID)
		return merge(spans, limit, func(s span) ([]Record, error) {
			return d.newest(ctx, of.and(condition{[]string{"seq BETWEEN ? AND ?"}, []any{s.first, s.last}}), limit)
		})
	}
	if len(sources.terms) == 0 {
		return d.newest(ctx, own, limit)
	}
	ids, err := db.All(ctx, d.db, db.Value[int64],
		`SELECT id FROM source WHERE `+sources.where()+` LIMIT ?`, append(slices.Clone(sources.args), maxMerged+1)...)
	if err != nil {
		return nil, err
	}
	if len(ids) > maxMerged {
		return d.newest(ctx, own.and(sources), limit)
	}
	// A source is found by its index: a model that is seldom called is found without
	// reading the calls of all the others.
	return merge(ids, limit, func(id int64) ([]Record, error) {
		return d.newest(ctx, own.and(condition{[]string{"source = ?"}, []any{id}}), limit)
	})
}

// merge returns the newest, at most limit, of the records that find finds for each part.
func merge[T any](parts []T, limit int, find func(T) ([]Record, error)) ([]Record, error) {
	var all []Record
	for _, p := range parts {
		records, err := find(p)
		if err != nil {
			return nil, err
		}
		all = append(all, records...)
	}
	slices.SortFunc(all, func(a, b Record) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Seq, a.Seq)) })
	return all[:min(limit, len(all))], nil
}

func (d *dayStore) newest(ctx context.Context, c condition, limit int) ([]Record, error) {
	return db.All(ctx, d.db, scanRecord,
		selectRecords+`WHERE `+c.where()+` ORDER BY time_ns DESC, seq DESC LIMIT ?`, append(slices.Clone(c.args), limit)...)
}

// where returns the condition as SQL, which is never empty.
func (c *condition) where() string {
	if len(c.terms) == 0 {
		return "1 = 1"
	}
	return strings.Join(c.terms, " AND ")
}

// and returns a condition that holds where c and other do.
func (c *condition) and(other condition) condition {
	return condition{slices.Concat(c.terms, other.terms), slices.Concat(c.args, other.args)}
}
