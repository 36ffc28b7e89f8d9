package job

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

// store is the table. Its methods take the time as a parameter and start nothing.
type store struct{ db *db.DB }

const columns = `id, account, kind, COALESCE(unique_key, ''), priority, state, cancel_ms, attempt, turn,
	done, total, message, error, created_ms, due_ms, started_ms, finished_ms`

const selectJob = `SELECT ` + columns + `, payload, checkpoint FROM job `

func scanJob(row db.Scanner) (Job, error) { return scan(row, true) }

// scanListed scans a row of columns alone.
func scanListed(row db.Scanner) (Job, error) { return scan(row, false) }

func scan(row db.Scanner, whole bool) (j Job, err error) {
	var cancelled, created, due, started, finished int64
	dest := []any{
		&j.ID, &j.Account, &j.Kind, &j.Key, &j.Priority, &j.State, &cancelled, &j.Attempt, &j.Turn,
		&j.Progress.Done, &j.Progress.Total, &j.Progress.Message, &j.Error, &created, &due, &started, &finished,
	}
	if whole {
		dest = append(dest, &j.Payload, &j.Checkpoint)
	}
	err = row.Scan(dest...)
	j.Payload, j.Checkpoint = filled(j.Payload), filled(j.Checkpoint)
	j.CancelRequested = cancelled != 0
	j.Created, j.Due, j.Started, j.Finished = fromMS(created), fromMS(due), fromMS(started), fromMS(finished)
	return j, err
}

// fromMS is the zero time for 0.
func fromMS(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// insert adds a job, unless one with its key exists.
func (s store) insert(ctx context.Context, q db.Querier, id string, spec Spec, now int64) (inserted bool, err error) {
	due := now
	if !spec.NotBefore.IsZero() {
		due = max(now, spec.NotBefore.UnixMilli())
	}
	return changed(q.Exec(ctx, `INSERT INTO job (id, account, kind, unique_key, priority, state, payload, checkpoint, created_ms, due_ms)
		VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?) ON CONFLICT (account, kind, unique_key) DO NOTHING`,
		id, spec.Account, spec.Kind, sql.NullString{String: spec.Key, Valid: spec.Key != ""}, spec.Priority,
		blob(spec.Payload), []byte{}, now, due))
}

// filled is b, nil when empty: the databases differ in how they return that.
func filled(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// blob is b, never nil: the columns are NOT NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (s store) byKey(ctx context.Context, q db.Querier, spec Spec) (Job, error) {
	return db.One(ctx, q, scanJob, selectJob+`WHERE account = ? AND kind = ? AND unique_key = ?`, spec.Account, spec.Kind, spec.Key)
}

func (s store) get(ctx context.Context, q db.Querier, id string) (Job, error) {
	j, err := db.One(ctx, q, scanJob, selectJob+`WHERE id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return j, &fault.Error{Kind: fault.NotFound, Message: "The job does not exist.", Resource: id}
	}
	return j, err
}

// list returns at most limit jobs, newest first, below the ID before where it is not empty.
func (s store) list(ctx context.Context, f Filter, limit int) ([]Job, error) {
	query, args := `SELECT `+columns+` FROM job WHERE account = ?`, []any{f.Account}
	add := func(clause string, arg any) { query, args = query+clause, append(args, arg) }
	if f.Kind != "" {
		add(` AND kind = ?`, f.Kind)
	}
	if f.State != "" {
		add(` AND state = ?`, string(f.State))
	}
	if f.Before != "" {
		add(` AND id < ?`, f.Before)
	}
	add(` ORDER BY id DESC LIMIT ?`, limit)
	return db.All(ctx, s.db, scanListed, query, args...)
}

// requestCancel notes that a job is to be cancelled. One that waits is made due, so that
// whoever knows its kind settles it.
func (s store) requestCancel(ctx context.Context, q db.Querier, id string, now int64) error {
	_, err := q.Exec(ctx, `UPDATE job SET cancel_ms = ?, due_ms = CASE WHEN state = 'queued' THEN ? ELSE due_ms END
		WHERE id = ? AND cancel_ms = 0 AND state IN ('queued', 'running')`, now, now, id)
	return err
}

// renew keeps the leases of the jobs that owner still holds.
func (s store) renew(ctx context.Context, owner string, ids []string, lease int64) error {
	if len(ids) == 0 {
		return nil
	}
	args := appendAll([]any{lease, owner}, ids)
	_, err := s.db.Exec(ctx, `UPDATE job SET lease_ms = ? WHERE owner = ? AND state = 'running' AND id IN (`+marks(len(ids))+`)`, args...)
	return err
}

// held is what the table says of a job that runs here.
type held struct {
	id     string
	turn   int64
	cancel bool
}

func (s store) held(ctx context.Context, owner string) ([]held, error) {
	scan := func(row db.Scanner) (h held, err error) {
		var cancelled int64
		err = row.Scan(&h.id, &h.turn, &cancelled)
		h.cancel = cancelled != 0
		return h, err
	}
	return db.All(ctx, s.db, scan, `SELECT id, turn, cancel_ms FROM job WHERE state = 'running' AND owner = ?`, owner)
}

// progress and the statements below are fenced: they change nothing, and return ErrLost,
// unless the job is still in the turn that the caller holds.
func (s store) progress(ctx context.Context, id string, turn int64, p Progress) error {
	return fenced(s.db.Exec(ctx, `UPDATE job SET done = ?, total = ?, message = ? WHERE id = ? AND turn = ? AND state = 'running'`,
		p.Done, p.Total, p.Message, id, turn))
}

// checkpoint starts the count of attempts anew when it says something new.
func (s store) checkpoint(ctx context.Context, q db.Querier, id string, turn int64, data []byte) error {
	return fenced(q.Exec(ctx, `UPDATE job SET attempt = CASE WHEN checkpoint = ? THEN attempt ELSE 1 END, checkpoint = ?
		WHERE id = ? AND turn = ? AND state = 'running'`, blob(data), blob(data), id, turn))
}

// release gives a job back whose attempt does not count.
func (s store) release(ctx context.Context, id string, turn int64, p Progress, now int64) error {
	return fenced(s.db.Exec(ctx, `UPDATE job SET state = 'queued', attempt = attempt - 1, owner = '', lease_ms = 0, due_ms = ?,
		done = ?, total = ?, message = ? WHERE id = ? AND turn = ? AND state = 'running'`, now, p.Done, p.Total, p.Message, id, turn))
}

// retry gives j back after an attempt that failed with the error it holds now.
func (s store) retry(ctx context.Context, q db.Querier, j Job, due int64) error {
	return fenced(q.Exec(ctx, `UPDATE job SET state = 'queued', owner = '', lease_ms = 0, due_ms = ?, error = ?,
		done = ?, total = ?, message = ? WHERE id = ? AND turn = ? AND state = 'running'`, due, j.Error,
		j.Progress.Done, j.Progress.Total, j.Progress.Message, j.ID, j.Turn))
}

// finish gives j, as it was read, the final state, error and progress that it holds now.
func (s store) finish(ctx context.Context, q db.Querier, j Job, from State, now int64) error {
	return fenced(q.Exec(ctx, `UPDATE job SET state = ?, error = ?, owner = '', lease_ms = 0, finished_ms = ?,
		done = ?, total = ?, message = ? WHERE id = ? AND turn = ? AND state = ?`,
		string(j.State), j.Error, now, j.Progress.Done, j.Progress.Total, j.Progress.Message, j.ID, j.Turn, string(from)))
}

// sweep deletes at most limit jobs that finished before the given time.
func (s store) sweep(ctx context.Context, before int64, limit int) (deleted int64, err error) {
	res, err := s.db.Exec(ctx, `DELETE FROM job WHERE id IN (
		SELECT id FROM job WHERE finished_ms > 0 AND finished_ms < ? ORDER BY finished_ms LIMIT ?)`, before, limit)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func changed(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func fenced(res sql.Result, err error) error {
	if ok, err := changed(res, err); err != nil || ok {
		return err
	}
	return ErrLost
}

func appendAll(args []any, values []string) []any {
	for _, v := range values {
		args = append(args, v)
	}
	return args
}

// marks returns n parameters for an IN list.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
