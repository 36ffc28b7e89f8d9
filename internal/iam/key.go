package iam

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/policy"
)

// Kind is what a key is used for.
type Kind string

// The kinds of key.
const (
	Root   Kind = "root"   // signs requests; allowed everything
	SigV4  Kind = "sigv4"  // signs requests
	Bearer Kind = "bearer" // is sent with requests to bedrock and bedrock-runtime
)

// Key describes a key, without its secret.
type Key struct {
	ID        string    `json:"id"`
	Account   string    `json:"account"`
	Name      string    `json:"name"`
	Kind      Kind      `json:"kind"`
	Actions   []string  `json:"actions,omitempty"`   // what it allows: "bedrock:InvokeModel", "bedrock:*"; of root: nil
	Resources []string  `json:"resources,omitempty"` // on which ARNs, with wildcards; of root: nil
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires,omitzero"` // zero: never
	Revoked   time.Time `json:"revoked,omitzero"` // zero: not revoked
}

// ARN returns the principal that the key proves: the account's root, or a user of the
// key's name.
func (k Key) ARN() string {
	if k.Kind == Root {
		return "arn:aws:iam::" + k.Account + ":root"
	}
	return "arn:aws:iam::" + k.Account + ":user/" + k.Name
}

// Status returns "active", "expired" or "revoked".
func (k Key) Status(now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return "expired"
	}
	return "active"
}

// NewKey is a key to create.
type NewKey struct {
	Name      string    // 1 to 64 letters, digits and _+=,.@-; no other usable key may have it
	Kind      Kind      // SigV4 or Bearer
	Actions   []string  // at least one
	Resources []string  // none: every resource
	Expires   time.Time // zero: never
}

// Created is a new key with its secret, which is shown this once.
type Created struct {
	Key
	Secret string // the secret access key, or the bearer token
}

const (
	rootName = "root"
	maxKeys  = 5000 // usable keys of one account
)

var nameFormat = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

func (n NewKey) validate(now time.Time) error {
	switch {
	case n.Kind != SigV4 && n.Kind != Bearer:
		return fault.Errorf(fault.Invalid, "The kind of key must be %s or %s, not %q.", SigV4, Bearer, n.Kind)
	case !nameFormat.MatchString(n.Name) || n.Name == rootName:
		return fault.Errorf(fault.Invalid, "The name %q must be 1 to 64 letters, digits and _+=,.@- and not %q.", n.Name, rootName)
	case len(n.Actions) == 0:
		return fault.Errorf(fault.Invalid, "A key needs at least one action that it allows, such as bedrock:InvokeModel or bedrock:*.")
	case !n.Expires.IsZero() && !n.Expires.After(now):
		return fault.Errorf(fault.Invalid, "The expiry %s is not in the future.", n.Expires.Format(time.RFC3339))
	}
	_, err := policy.NewAllow(n.Actions, n.Resources)
	return err
}

// Create makes a key and returns it with its secret.
func (s *Store) Create(ctx context.Context, n NewKey) (Created, error) {
	if len(n.Resources) == 0 {
		n.Resources = []string{"*"}
	}
	if err := n.validate(s.cfg.Now()); err != nil {
		return Created{}, err
	}
	c := Created{Key: Key{
		ID: newKeyID(n.Kind), Account: s.cfg.Account, Name: n.Name, Kind: n.Kind,
		Actions: slices.Clone(n.Actions), Resources: slices.Clone(n.Resources),
		Created: millis(s.cfg.Now()), Expires: millis(n.Expires),
	}}
	stored := ""
	if n.Kind == Bearer {
		c.Secret = newToken(c.ID, c.Account)
		stored = hashToken(c.Secret)
	} else {
		c.Secret = newSecret()
		stored = s.sealer.seal(c.Secret, c.ID)
	}
	err := s.cfg.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := db.One(ctx, tx, db.Value[int64], `SELECT count(*) FROM iam_key WHERE account = ? AND revoked_ms = 0`, s.cfg.Account)
		if err != nil {
			return err
		}
		if n >= maxKeys {
			return fault.Errorf(fault.QuotaExceeded, "The account has %d keys already: revoke some first.", n)
		}
		return insert(ctx, tx, row{Key: c.Key, userID: newUserID(), secret: stored})
	})
	if fault.Is(err, fault.Conflict) {
		return Created{}, fault.Wrap(fault.Conflict, err, "A key named "+c.Name+" exists already: revoke it first, or choose another name.")
	}
	if err != nil {
		return Created{}, err
	}
	return c, s.reload(ctx)
}

// List returns every key of the account, the revoked ones too, oldest first.
func (s *Store) List(ctx context.Context) ([]Key, error) {
	rows, err := db.All(ctx, s.cfg.DB, scanRow, selectRows+` WHERE account = ? ORDER BY created_ms, id`, s.cfg.Account)
	keys := make([]Key, 0, len(rows))
	for _, r := range rows {
		keys = append(keys, r.Key)
	}
	return keys, err
}

// Revoke ends a key, named by its ID or its name. Requests it signed are refused from the
// next one on, and open streams end when they next ask. Revoking the root key replaces it:
// an account always has one, and credentials.json holds the new one.
func (s *Store) Revoke(ctx context.Context, idOrName string) (Key, error) {
	var revoked row
	err := s.cfg.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		revoked, err = db.One(ctx, tx, scanRow, selectRows+` WHERE account = ? AND (id = ? OR name = ?) AND revoked_ms = 0`, s.cfg.Account, idOrName, idOrName)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.Errorf(fault.NotFound, "There is no usable key %q.", idOrName)
		}
		if err != nil {
			return err
		}
		revoked.Revoked = millis(s.cfg.Now())
		if _, err := tx.Exec(ctx, `UPDATE iam_key SET revoked_ms = ? WHERE id = ?`, revoked.Revoked.UnixMilli(), revoked.ID); err != nil {
			return err
		}
		return bump(ctx, tx)
	})
	if err != nil {
		return Key{}, err
	}
	if revoked.Kind == Root {
		return revoked.Key, s.ensureRoot(ctx)
	}
	return revoked.Key, s.reload(ctx)
}

// row is a key as it is stored.
type row struct {
	Key
	userID string
	secret string // sealed, or a bearer token's hash
}

const selectRows = `SELECT id, account, name, kind, user_id, secret, actions, resources, created_ms, expires_ms, revoked_ms FROM iam_key`

func scanRow(from db.Scanner) (r row, err error) {
	var actions, resources string
	var created, expires, revoked int64
	if err := from.Scan(&r.ID, &r.Account, &r.Name, &r.Kind, &r.userID, &r.secret, &actions, &resources, &created, &expires, &revoked); err != nil {
		return r, err
	}
	if err := errors.Join(json.Unmarshal([]byte(actions), &r.Actions), json.Unmarshal([]byte(resources), &r.Resources)); err != nil {
		return r, err
	}
	r.Created, r.Expires, r.Revoked = fromMillis(created), fromMillis(expires), fromMillis(revoked)
	return r, nil
}

func insert(ctx context.Context, tx *db.Tx, r row) error {
	actions, err := json.Marshal(r.Actions)
	if err != nil {
		return err
	}
	resources, err := json.Marshal(r.Resources)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO iam_key (id, account, name, kind, user_id, secret, actions, resources, created_ms, expires_ms)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.Account, r.Name, string(r.Kind), r.userID, r.secret, string(actions), string(resources), toMillis(r.Created), toMillis(r.Expires)); err != nil {
		return err
	}
	return bump(ctx, tx)
}

// Times are stored in milliseconds, zero as 0.

func toMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// millis rounds t as storing it will.
func millis(t time.Time) time.Time { return fromMillis(toMillis(t)) }
