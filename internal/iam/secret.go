package iam

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
)

const (
	masterKeyFile = "master.key"
	masterKeySize = 32
)

// sealer encrypts secrets under the master key. Each is bound to its key's ID, so that
// sealed texts cannot be exchanged between rows.
type sealer struct{ aead cipher.AEAD }

// openSealer finds the master key that the database belongs to, making one at the first
// start.
func openSealer(ctx context.Context, c Config) (*sealer, error) {
	want, err := db.One(ctx, c.DB, db.Value[string], `SELECT fingerprint FROM iam_master WHERE id = 1`)
	first := errors.Is(err, sql.ErrNoRows)
	if err != nil && !first {
		return nil, err
	}
	key := c.MasterKey
	if key == nil {
		if key, err = readMasterKey(c.Dir, first); err != nil {
			return nil, err
		}
	}
	if first {
		if want, err = adopt(ctx, c.DB, fingerprint(key)); err != nil {
			return nil, err
		}
	}
	if fingerprint(key) != want {
		return nil, fmt.Errorf("the secrets in the database are sealed under another master key: copy %s from the data folder of the server that made them", masterKeyFile)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead}, nil
}

// adopt makes a master key the database's own, unless another server was faster, and
// returns the fingerprint of the one that is.
func adopt(ctx context.Context, d *db.DB, fingerprint string) (string, error) {
	var winner string
	err := d.Update(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if _, err = tx.Exec(ctx, `INSERT INTO iam_master (id, fingerprint) VALUES (1, ?) ON CONFLICT (id) DO NOTHING`, fingerprint); err != nil {
			return err
		}
		winner, err = db.One(ctx, tx, db.Value[string], `SELECT fingerprint FROM iam_master WHERE id = 1`)
		return err
	})
	return winner, err
}

// fingerprint tells master keys apart and says nothing about them.
func fingerprint(key []byte) string {
	sum := sha256.Sum256(append([]byte("outcrop master key\x00"), key...))
	return hex.EncodeToString(sum[:8])
}

func (s *sealer) seal(secret, keyID string) string {
	sealed := s.aead.Seal(nil, nil, []byte(secret), []byte(keyID)) //nolint:gosec // G407: this AEAD makes its own random nonce and takes none
	return base64.StdEncoding.EncodeToString(sealed)
}

func (s *sealer) open(sealed, keyID string) (string, error) {
	text, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", errors.New("the sealed secret is not base64")
	}
	secret, err := s.aead.Open(nil, nil, text, []byte(keyID))
	if err != nil {
		return "", errors.New("the sealed secret was changed, or sealed under another master key")
	}
	return string(secret), nil
}

// readMasterKey reads the file, which holds the key in hex, and makes it first if it may.
func readMasterKey(dir string, create bool) ([]byte, error) {
	path := filepath.Join(dir, masterKeyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		fresh := make([]byte, masterKeySize)
		_, _ = rand.Read(fresh) // never fails, see its documentation
		if err := createFile(path, []byte(hex.EncodeToString(fresh)+"\n")); err != nil {
			return nil, fmt.Errorf("write master key: %w", err)
		}
		text, err = os.ReadFile(path) // another process may have made it first
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read master key: the database has secrets sealed under one and %s is not there: copy it from the data folder of the server that made them", path)
	}
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != masterKeySize {
		return nil, fmt.Errorf("%s does not hold %d bytes in hex", path, masterKeySize)
	}
	return key, nil
}

// createFile makes a whole file appear at path, unless there is one already.
func createFile(path string, content []byte) error {
	tmp, err := writeTemp(path, content)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp) }()
	// Unlike a rename, a link does not replace what another process has put there.
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// replaceFile makes path hold content, whole at any moment.
func replaceFile(path string, content []byte) error {
	tmp, err := writeTemp(path, content)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return syncDir(filepath.Dir(path))
}

// writeTemp writes content beside path and returns the file's name. os.CreateTemp makes
// files that only their owner may read.
func writeTemp(path string, content []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// staleAfter is how old a temporary file is when nobody can still be writing it.
const staleAfter = time.Minute

// removeStale removes the temporary files that killed processes left beside path. They
// may hold secrets. Failing to is no reason not to start.
func removeStale(path string, now time.Time) {
	names, err := filepath.Glob(path + ".tmp*")
	if err != nil {
		return
	}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && now.Sub(info.ModTime()) > staleAfter {
			_ = os.Remove(name)
		}
	}
}

// warnExposed tells whoever runs the server that others can read a file with secrets, as
// after a careless copy.
func (s *Store) warnExposed(path string) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		s.cfg.Logger.Warn("others can read a file with secrets: chmod 600 it", "file", path, "mode", info.Mode().Perm())
	}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// The prefixes of IDs, as AWS has them.
const (
	accessKeyPrefix = "AKIA"
	bearerPrefix    = "ACCA" // service-specific credentials
	userPrefix      = "AIDA"
	tokenPrefix     = "ABSK"
)

func newKeyID(k Kind) string {
	if k == Bearer {
		return bearerPrefix + randomText(16)
	}
	return accessKeyPrefix + randomText(16)
}

func newUserID() string { return userPrefix + randomText(17) }

// randomText returns n characters of base32: letters and the digits 2 to 7.
func randomText(n int) string {
	raw := make([]byte, (n*5+7)/8)
	_, _ = rand.Read(raw) // never fails, see its documentation
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)[:n]
}

// newSecret returns 240 random bits in the 40 characters that AWS's secrets have.
func newSecret() string {
	raw := make([]byte, 30)
	_, _ = rand.Read(raw) // never fails, see its documentation
	return base64.StdEncoding.EncodeToString(raw)
}

// newToken returns a bearer token in the form of AWS's long-term Bedrock keys.
func newToken(id, account string) string {
	name := "BedrockAPIKey-" + strings.ToLower(id[len(bearerPrefix):][:4]) + "-at-" + account
	return tokenPrefix + base64.StdEncoding.EncodeToString([]byte(name+":"+newSecret()))
}

// hashToken is how a token is stored. It has 240 random bits, so it needs no slow hash.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
