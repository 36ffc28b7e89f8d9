package job

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
)

// clock tells the time that all processes on one database agree on, in milliseconds:
// the server's on PostgreSQL, the machine's on SQLite, which no other machine shares.
type clock struct {
	local    func() time.Time
	offsetMS atomic.Int64 // the server's clock minus ours
}

func (c *clock) now() int64 { return c.local().UnixMilli() + c.offsetMS.Load() }

// sync measures the offset, to half of a round trip.
func (c *clock) sync(ctx context.Context, d *db.DB) error {
	if d.Engine() != db.PostgreSQL {
		return nil
	}
	before := c.local()
	server, err := db.One(ctx, d, db.Value[int64], `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)`)
	if err != nil {
		return err
	}
	c.offsetMS.Store(server - before.Add(c.local().Sub(before)/2).UnixMilli())
	return nil
}
