package iam

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/auth"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/policy"
)

// snapshot is every usable key at one moment. It never changes.
type snapshot struct {
	version int64
	keys    map[string]*entry            // by key ID
	tokens  map[[sha256.Size]byte]*entry // bearer keys, by the hash of the token
}

// entry is a key ready for use.
type entry struct {
	credential auth.Credential
	key        Key
	policies   []policy.Policy // none for root, who needs none
}

// AccessKey implements auth.Keys.
func (s *Store) AccessKey(id string) *auth.Credential {
	if e := s.current.Load().keys[id]; e != nil && e.credential.Secret != "" {
		return &e.credential
	}
	return nil
}

// APIKey implements auth.Keys. Tokens are found by their hash, so the time it takes says
// nothing about how much of a wrong token is right.
func (s *Store) APIKey(token string) *auth.Credential {
	if e := s.current.Load().tokens[sha256.Sum256([]byte(token))]; e != nil {
		return &e.credential
	}
	return nil
}

// reload reads every key that is not revoked.
func (s *Store) reload(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := &snapshot{keys: map[string]*entry{}, tokens: map[[sha256.Size]byte]*entry{}}
	var rows []row
	err := s.cfg.DB.View(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if next.version, err = db.One(ctx, tx, db.Value[int64], `SELECT version FROM iam_change WHERE id = 1`); err != nil {
			return err
		}
		rows, err = db.All(ctx, tx, scanRow, selectRows+` WHERE revoked_ms = 0`)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range rows {
		// One damaged row must not keep the others, and revocations, from being seen.
		if err := s.add(next, r); err != nil {
			s.cfg.Logger.Error("keys: a key cannot be used", "id", r.ID, "error", err)
		}
	}
	s.current.Store(next)
	s.reloaded()
	return nil
}

// add prepares a key for use.
func (s *Store) add(to *snapshot, r row) error {
	e := &entry{key: r.Key, credential: auth.Credential{
		ID: r.ID, Expires: r.Expires,
		Principal: call.Principal{ARN: r.ARN(), Account: r.Account, UserID: r.userID, AccessKeyID: r.ID, Root: r.Kind == Root},
	}}
	if r.Kind != Root {
		doc, err := policy.NewAllow(r.Actions, r.Resources)
		if err != nil {
			return err
		}
		e.policies = []policy.Policy{{Name: "key " + r.Name, Document: doc}}
	}
	if r.Kind == Bearer {
		hash, err := hex.DecodeString(r.secret)
		if err != nil || len(hash) != sha256.Size {
			return fmt.Errorf("the stored hash is not one")
		}
		to.tokens[[sha256.Size]byte(hash)] = e
	} else {
		secret, err := s.sealer.open(r.secret, r.ID)
		if err != nil {
			return err
		}
		e.credential.Secret = secret
	}
	to.keys[r.ID] = e
	return nil
}
