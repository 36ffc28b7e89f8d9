// Package job runs durable jobs: work that outlives the process that began it, such as
// the ingestion of a data source or a batch of model calls.
//
// A product room registers a Kind with the function that does the work and enqueues jobs
// of it; this package knows no kind itself, nor what a payload or a checkpoint means. It
// has no schedule (who wants work at an hour enqueues it with NotBefore), no results
// beyond the last checkpoint, and no order between jobs but the one below.
//
// # States
//
//	            Enqueue
//	               │
//	               ▼     claim (fair, by priority)
//	┌───────▶ ┌────────┐ ─────────────────────────▶ ┌─────────┐ ──┐ lease over: another claim,
//	│         │ queued │                            │ running │   │ one more attempt
//	│ retry   └────────┘ ◀───────────────────────── └─────────┘ ◀─┘
//	│ later     │          graceful stop: released,   │  │  │
//	│           │ Cancel   the attempt not counted    │  │  └─ Run returned nil ──▶ succeeded
//	│           ▼                                     │  │
//	│       cancelled ◀── Cancel, then Run returned ──┘  └─ error ──┬─ attempts left ─┐
//	│                                                               └─ none ──▶ failed│
//	└─────────────────────────────────────────────────────────────────────────────────┘
//
// succeeded, failed and cancelled are final. Finished jobs are forgotten after
// Config.Retention.
//
// # What holds
//
//   - A job that Enqueue returned is in the database: it is run until it has a final
//     state, whatever happens to processes.
//   - While a job runs its process holds a lease of 15 s and renews it every 5 s. After a
//     kill -9 any process on the same database takes the job over once the lease is over,
//     at most 15 s and a poll (about one second) later.
//   - A job may be run more than once, but a holder that lost it can change nothing: every
//     write of a Run is fenced by the turn, a number that grows with each claim. A kind
//     whose effects commit together with its checkpoint (Run.CheckpointTx) and whose end
//     is noted in Kind.Settled therefore has each effect once.
//   - An attempt that fails is repeated after a growing pause, at most Kind.MaxAttempts
//     times in a row without a checkpoint that says something new. A process that died
//     counts as a failed attempt, so a job that kills its process ends as failed; a
//     graceful stop does not count.
//   - Cancel ends a waiting job at once. The context of a running one ends with the cause
//     ErrCancelled, at once in the same process and within about a second in another.
//   - When Queue.Run is stopped it claims no more, ends the contexts of its runs with the
//     cause ErrStopping, waits for them and gives their jobs back, to be taken up by
//     others at once. Leases are renewed meanwhile.
//
// # Who is next
//
// Jobs whose holder died come first; then the highest priority; within it the account
// with the fewest running jobs, of those the one served least recently, and of its jobs
// the oldest. So an account that enqueues a thousand jobs does not delay the first job
// of another by more than those that run. Lower priorities wait for as long as higher
// ones are there: priorities are for product rooms to choose, not for their clients.
// Between processes that claim at the same moment the choice is as fair as what each saw.
//
// # Database
//
// One table, in SQLite or PostgreSQL (see package db), the same statements on both; on
// PostgreSQL a claim adds FOR UPDATE SKIP LOCKED, so processes do not wait for each
// other. Choosing the next job costs one index probe per account and kind that waits, not
// a walk over the backlog.
//
// A job enqueued here is noticed at once. What other processes do (enqueue, cancel, die)
// is noticed by asking the database about once a second, at a random phase. That is
// short beside jobs, costs idle replicas next to nothing, and needs no listening
// connection, which a pooler in front of PostgreSQL could not give.
//
// Leases on PostgreSQL are counted on the server's clock, so replicas whose clocks differ
// agree.
package job
