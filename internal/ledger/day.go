package ledger

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"os"

	"github.com/outcrop-ai/outcrop/internal/db"
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

	// sources are numbers of rows of the table source that load has written. Only
	// load uses it, which one goroutine at a time calls.
	sources map[source]int64
}

// maxSources bounds what a dayStore remembers.
const maxSources = 4096

// source is what the calls of one caller to one model have in common. A day's records
// have few different ones, so a row of invocation refers to it and is short.
type source struct {
	account, region, principal, accessKeyID, service, operation        string
	model, modelID, inferenceProfile, backend, upstreamModel, fidelity string
}

func sourceOf(r *Record) source {
	return source{
		account: r.Account, region: r.Region, principal: r.Principal, accessKeyID: r.AccessKeyID,
		service: r.Service, operation: r.Operation, model: r.Model, modelID: r.ModelID,
		inferenceProfile: r.InferenceProfile, backend: r.Backend, upstreamModel: r.UpstreamModel, fidelity: string(r.Fidelity),
	}
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
		return newDay(database), nil
	}
	tables, err := db.One(ctx, database, db.Value[int], `SELECT count(*) FROM sqlite_master WHERE name = 'progress'`)
	if err != nil || tables == 0 {
		return nil, errors.Join(err, database.Close())
	}
	return newDay(database), nil
}

func newDay(database *db.DB) *dayStore {
	return &dayStore{db: database, sources: make(map[source]int64)}
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
		if err := d.insertRecords(ctx, tx, fresh); err != nil {
			return err
		}
		if err := insertFilter(ctx, tx, fresh); err != nil {
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
		clear(d.sources) // it may hold rows that were rolled back
		return 0, err
	}
	return loaded, nil
}

// lastSeq returns the highest number of the day's records, or zero.
func (d *dayStore) lastSeq(ctx context.Context) (int64, error) {
	return db.One(ctx, d.db, db.Value[int64], `SELECT coalesce(max(seq), 0) FROM invocation`)
}
