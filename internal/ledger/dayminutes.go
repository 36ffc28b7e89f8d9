package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/db"
)

const minuteColumns = `minute, account, region, model, model_id, operation,
	calls, client_errors, server_errors, throttles,
	input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, output_images, cost_nano_usd,
	latency, first_token`

// addMinutes adds records to the day's sums.
func addMinutes(ctx context.Context, tx *db.Tx, records []Record) error {
	sums := make(minuteSums)
	for i := range records {
		sums.at(minuteOf(&records[i])).add(&records[i])
	}
	for key, s := range sums {
		if err := addMinute(ctx, tx, key, s); err != nil {
			return fmt.Errorf("minute %d: %w", key.minute, err)
		}
	}
	return nil
}

// addMinute adds s to the sums that are stored under key.
func addMinute(ctx context.Context, tx *db.Tx, key minuteKey, s *Sums) error {
	where := `WHERE minute = ? AND account = ? AND region = ? AND model = ? AND model_id = ? AND operation = ?`
	old, err := db.One(ctx, tx, scanMinute, `SELECT `+minuteColumns+` FROM minute `+where,
		key.minute, key.series.Account, key.series.Region, key.series.Model, key.series.ModelID, key.series.Operation)
	switch {
	case err == nil:
		s.merge(&old.Sums)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	latency, err := s.Latency.MarshalBinary()
	if err != nil {
		return err
	}
	firstToken, err := s.FirstToken.MarshalBinary()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT OR REPLACE INTO minute (`+minuteColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		key.minute, key.series.Account, key.series.Region, key.series.Model, key.series.ModelID, key.series.Operation,
		s.Calls, s.ClientErrors, s.ServerErrors, s.Throttles,
		s.InputTokens, s.OutputTokens, s.CacheReadTokens, s.CacheWriteTokens, s.OutputImages, s.CostNanoUSD,
		latency, firstToken)
	return err
}

func scanMinute(row db.Scanner) (m storedMinute, err error) {
	var latency, firstToken []byte
	s := &m.Sums
	err = row.Scan(&m.minute, &m.series.Account, &m.series.Region, &m.series.Model, &m.series.ModelID, &m.series.Operation,
		&s.Calls, &s.ClientErrors, &s.ServerErrors, &s.Throttles,
		&s.InputTokens, &s.OutputTokens, &s.CacheReadTokens, &s.CacheWriteTokens, &s.OutputImages, &s.CostNanoUSD,
		&latency, &firstToken)
	if err != nil {
		return storedMinute{}, err
	}
	return m, errors.Join(s.Latency.UnmarshalBinary(latency), s.FirstToken.UnmarshalBinary(firstToken))
}

type storedMinute struct {
	minuteKey
	Sums
}

// minutes adds the day's sums of the minutes [from, to) to into.
func (d *dayStore) minutes(ctx context.Context, from, to int64, into minuteSums) error {
	stored, err := db.All(ctx, d.db, scanMinute,
		`SELECT `+minuteColumns+` FROM minute WHERE minute >= ? AND minute < ?`, from, to)
	for i := range stored {
		into.at(stored[i].minuteKey).merge(&stored[i].Sums)
	}
	return err
}
