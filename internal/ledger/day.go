package ledger

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// indexBits is how many bits of a sequence number count records in their segment.
const indexBits = 24

// seqOf makes the number of the record at index in a segment.
func seqOf(segment int64, index int) int64 { return segment<<indexBits | int64(index) }

// dayStore is the database of one day.
type dayStore struct {
	db *db.DB
}

// openDay opens the database of a day, creating it when create is set; else it returns
// nil for a file that does not exist or has no tables yet.
func openDay(ctx context.Context, path string, create bool) (*dayStore, error) {
	if !create {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, nil //nolint:nilnil // documented
		}
	}
	// Synced at every commit: what was loaded is deleted from the segments.
	database, err := db.Open(ctx, "sqlite:"+path+"?synchronous=full")
	if err != nil {
		return nil, err
	}
	if create {
		files, err := fs.Sub(migrations, "migrations")
		if err == nil {
			err = database.Migrate(ctx, "ledger", files)
		}
		if err != nil {
			return nil, errors.Join(err, database.Close())
		}
		return &dayStore{database}, nil
	}
	tables, err := db.One(ctx, database, db.Value[int], `SELECT count(*) FROM sqlite_master WHERE name = 'progress'`)
	if err != nil || tables == 0 {
		return nil, errors.Join(err, database.Close())
	}
	return &dayStore{database}, nil
}

// load inserts the records that a segment holds for this day, which come in the order
// of their numbers, and adds them to the minutes. It passes over those that were
// loaded before, and returns how many were not.
func (d *dayStore) load(ctx context.Context, segment int64, records []Record) (loaded int, err error) {
	err = d.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		next, err := db.One(ctx, tx, db.Value[int64], `SELECT next FROM progress WHERE segment = ?`, segment)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		fresh := records
		for len(fresh) > 0 && fresh[0].Seq < seqOf(segment, int(next)) {
			fresh = fresh[1:]
		}
		if loaded = len(fresh); loaded == 0 {
			return nil
		}
		if err := insertRecords(ctx, tx, fresh); err != nil {
			return err
		}
		if err := addMinutes(ctx, tx, fresh); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO progress (segment, next) VALUES (?, ?)
			ON CONFLICT (segment) DO UPDATE SET next = excluded.next`,
			segment, fresh[len(fresh)-1].Seq&(1<<indexBits-1)+1)
		return err
	})
	if err != nil {
		return 0, err
	}
	return loaded, nil
}

// lastSeq returns the highest number of the day's records, or zero.
func (d *dayStore) lastSeq(ctx context.Context) (int64, error) {
	return db.One(ctx, d.db, db.Value[int64], `SELECT coalesce(max(seq), 0) FROM invocation`)
}

// columns are those of invocation that make a Record, in the order of recordArgs and
// scanRecord.
const columns = `seq, time_ns, request_id, account, region, principal, access_key_id, service, operation,
	model, model_id, inference_profile, backend, upstream_model, fidelity, attempts,
	status, error_code, error_kind, error_message, latency_ns, first_token_ns,
	input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, output_images, estimated, cost_nano_usd,
	stream, completeness, metadata`

func insertRecords(ctx context.Context, tx *db.Tx, records []Record) (err error) {
	stmt, err := tx.Prepare(ctx, `INSERT INTO invocation (`+columns+`, outcome)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	// The driver watches a context that can end with a goroutine for every statement.
	// A batch is short: it need not be interrupted in the middle.
	ctx = context.WithoutCancel(ctx)
	for i := range records {
		r := &records[i]
		metadata := ""
		if len(r.Metadata) > 0 {
			text, err := json.Marshal(r.Metadata)
			if err != nil {
				return fmt.Errorf("labels of record %d: %w", r.Seq, err)
			}
			metadata = string(text)
		}
		if _, err := stmt.ExecContext(ctx, r.Seq, r.Time.UnixNano(), r.RequestID, r.Account, r.Region, r.Principal,
			r.AccessKeyID, r.Service, r.Operation, r.Model, r.ModelID, r.InferenceProfile, r.Backend, r.UpstreamModel,
			string(r.Fidelity), r.Attempts, r.Status, r.ErrorCode, int64(r.ErrorKind), r.ErrorMessage, int64(r.Latency),
			int64(r.FirstToken), r.InputTokens, r.OutputTokens, r.CacheReadTokens, r.CacheWriteTokens, r.OutputImages,
			r.Estimated, r.CostNanoUSD, r.Stream, int64(r.Completeness), metadata, int64(r.Outcome())); err != nil {
			return fmt.Errorf("record %d: %w", r.Seq, err)
		}
	}
	return nil
}

func scanRecord(row db.Scanner) (r Record, err error) {
	var timeNS, kind, completeness int64
	var metadata string
	err = row.Scan(&r.Seq, &timeNS, &r.RequestID, &r.Account, &r.Region, &r.Principal,
		&r.AccessKeyID, &r.Service, &r.Operation, &r.Model, &r.ModelID, &r.InferenceProfile, &r.Backend, &r.UpstreamModel,
		(*string)(&r.Fidelity), &r.Attempts, &r.Status, &r.ErrorCode, &kind, &r.ErrorMessage, (*int64)(&r.Latency),
		(*int64)(&r.FirstToken), &r.InputTokens, &r.OutputTokens, &r.CacheReadTokens, &r.CacheWriteTokens, &r.OutputImages,
		&r.Estimated, &r.CostNanoUSD, &r.Stream, &completeness, &metadata)
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
