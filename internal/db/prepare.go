package db

import (
	"context"
	"database/sql"
)

// Prepare readies a statement that runs many times in the transaction, which saves
// parsing it each time. The caller closes it before the transaction ends.
func (t *Tx) Prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	stmt, err := t.tx.PrepareContext(ctx, t.engine.bind(query))
	return stmt, classify(err)
}
