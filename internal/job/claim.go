package job

import (
	"context"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/db"
)

// candidate is a job that may be claimed as long as it is in this turn.
type candidate struct {
	id   string
	turn int64
}

const (
	// maxCandidates bounds how far down the order a claim looks when others are faster.
	maxCandidates = 16
	// maxLooks bounds how often it looks again.
	maxLooks = 4
)

// wanted says which jobs may be claimed: those of the kinds, except the listed ones.
type wanted struct {
	kinds  []string // at least one
	except []string // job IDs
}

// claim makes the next job owner's until lease and returns it; ok is false when there is
// none.
func (s store) claim(ctx context.Context, owner string, w wanted, now, lease int64) (j Job, ok bool, err error) {
	for range maxLooks {
		all, err := s.candidates(ctx, w, now)
		if err != nil {
			return Job{}, false, err
		}
		for _, c := range all {
			took, err := s.take(ctx, c, owner, now, lease)
			if err != nil {
				return Job{}, false, err
			}
			if took {
				j, err := s.get(ctx, s.db, c.id)
				return j, err == nil, err
			}
		}
		if len(all) == 0 {
			break
		}
	}
	return Job{}, false, nil
}

// take claims one candidate unless somebody else was faster.
func (s store) take(ctx context.Context, c candidate, owner string, now, lease int64) (bool, error) {
	query := `UPDATE job SET state = 'running', owner = ?, lease_ms = ?, started_ms = ?, turn = turn + 1, attempt = attempt + 1
		WHERE id = (SELECT id FROM job WHERE id = ? AND turn = ?
			AND (state = 'queued' AND due_ms <= ? OR state = 'running' AND lease_ms <= ?)`
	if s.db.Engine() == db.PostgreSQL {
		query += ` FOR UPDATE SKIP LOCKED`
	}
	return changed(s.db.Exec(ctx, query+`)`, owner, lease, now, c.id, c.turn, now, now))
}

// candidates lists who may be next, best first: jobs whose lease is over, then the first
// job of each account that waits.
func (s store) candidates(ctx context.Context, w wanted, now int64) ([]candidate, error) {
	abandoned, err := s.abandoned(ctx, w, now)
	if err != nil || len(abandoned) == maxCandidates {
		return abandoned, err
	}
	waiting, err := s.waiting(ctx, w, now)
	return append(abandoned, waiting...), err
}

func (s store) abandoned(ctx context.Context, w wanted, now int64) ([]candidate, error) {
	args := appendAll(appendAll([]any{now}, w.kinds), w.except)
	return db.All(ctx, s.db, scanCandidate, `SELECT id, turn FROM job
		WHERE state = 'running' AND lease_ms <= ? AND kind IN (`+marks(len(w.kinds))+`)`+but("id", w.except)+`
		ORDER BY priority DESC, lease_ms, id LIMIT ?`, append(args, maxCandidates)...)
}

// waiting steps from account to account by the index instead of reading every job that
// waits ("loose index scan"), and probes for the first due job of each.
func (s store) waiting(ctx context.Context, w wanted, now int64) ([]candidate, error) {
	args := appendAll(append(appendAll(nil, w.kinds), now), w.except)
	list := `SELECT CAST(? AS TEXT) AS kind` + strings.Repeat(` UNION ALL SELECT CAST(? AS TEXT)`, len(w.kinds)-1)
	return db.All(ctx, s.db, scanCandidate, `
		WITH RECURSIVE waiting (kind, account) AS (
			SELECT k.kind, (SELECT min(j.account) FROM job j WHERE j.state = 'queued' AND j.kind = k.kind)
			FROM (`+list+`) k
			UNION ALL
			SELECT w.kind, (SELECT min(j.account) FROM job j WHERE j.state = 'queued' AND j.kind = w.kind AND j.account > w.account)
			FROM waiting w WHERE w.account IS NOT NULL
		)
		SELECT j.id, j.turn
		FROM waiting w JOIN job j ON j.id = (
			SELECT h.id FROM job h
			WHERE h.state = 'queued' AND h.kind = w.kind AND h.account = w.account AND h.due_ms <= ?`+but("h.id", w.except)+`
			ORDER BY h.priority DESC, h.id LIMIT 1)
		ORDER BY j.priority DESC,
			(SELECT count(*) FROM job r WHERE r.state = 'running' AND r.account = j.account),
			(SELECT COALESCE(max(s.started_ms), 0) FROM job s WHERE s.account = j.account),
			j.id
		LIMIT ?`, append(args, maxCandidates)...)
}

// but is a condition that leaves the IDs out.
func but(column string, except []string) string {
	if len(except) == 0 {
		return ""
	}
	return ` AND ` + column + ` NOT IN (` + marks(len(except)) + `)`
}

func scanCandidate(row db.Scanner) (c candidate, err error) {
	err = row.Scan(&c.id, &c.turn)
	return c, err
}
