package iam

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

const credentialsFile = "credentials.json"

// Credentials is the root key as credentials.json holds it. Its form is what AWS's
// credential_process setting expects, so a profile may read the file as it is.
type Credentials struct {
	Version         int    `json:"Version"` // 1
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string `json:"SecretAccessKey"`
	Account         string `json:"Account"`
}

// ReadCredentials returns the root key of a data folder, with or without a running
// server. It is fault.NotFound when no server was ever started on it.
func ReadCredentials(dir string) (Credentials, error) {
	path := filepath.Join(dir, credentialsFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Credentials{}, fault.Errorf(fault.NotFound, "There is no root key in %s yet: the first start of the server makes it.", dir)
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("read root key: %w", err)
	}
	var c Credentials
	if err := json.Unmarshal(text, &c); err != nil {
		return Credentials{}, fmt.Errorf("read root key: %s: %w", path, err)
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return Credentials{}, fmt.Errorf("read root key: %s has no key in it", path)
	}
	return c, nil
}

// ensureRoot makes the account's root key if there is none, loads the keys, and repairs
// credentials.json.
func (s *Store) ensureRoot(ctx context.Context) error {
	err := s.cfg.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := db.One(ctx, tx, db.Value[string], `SELECT id FROM iam_key WHERE account = ? AND kind = ? AND revoked_ms = 0`, s.cfg.Account, string(Root))
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		id := newKeyID(Root)
		return insert(ctx, tx, row{
			Key:    Key{ID: id, Account: s.cfg.Account, Name: rootName, Kind: Root, Created: millis(s.cfg.Now())},
			userID: s.cfg.Account, secret: s.sealer.seal(newSecret(), id),
		})
	})
	if err != nil && !fault.Is(err, fault.Conflict) { // a conflict: another server made it first
		return err
	}
	if err := s.reload(ctx); err != nil {
		return err
	}
	return s.writeCredentials()
}

// writeCredentials puts the root key into credentials.json, unless it is there.
func (s *Store) writeCredentials() error {
	for _, e := range s.current.Load().keys {
		if e.key.Kind != Root || e.key.Account != s.cfg.Account {
			continue
		}
		want := Credentials{Version: 1, AccessKeyID: e.key.ID, SecretAccessKey: e.credential.Secret, Account: s.cfg.Account}
		if have, err := ReadCredentials(s.cfg.Dir); err == nil && have == want {
			return nil
		}
		text, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			return err
		}
		return replaceFile(filepath.Join(s.cfg.Dir, credentialsFile), append(text, '\n'))
	}
	return errors.New("the stored root key cannot be used")
}
