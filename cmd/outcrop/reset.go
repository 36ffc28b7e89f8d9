package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/ledger"
)

// resetCmd empties the data folder.
type resetCmd struct {
	location
	Yes bool `help:"Do not ask." short:"y"`
}

// Help says what is kept.
func (resetCmd) Help() string {
	return `Deletes what Outcrop keeps in its data folder: keys, state, objects and the ledger.
outcrop.yaml and files that Outcrop did not make stay. State in PostgreSQL is not touched.`
}

// owned are the names in a data folder that Outcrop makes.
var owned = []string{"credentials.json", "master.key", "outcrop.db", "outcrop.db-wal", "outcrop.db-shm", "objects", "ledger"}

// Run asks and deletes.
func (c *resetCmd) Run(s streams) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	var there []string
	for _, name := range owned {
		if _, err := os.Lstat(filepath.Join(cfg.Data, name)); err == nil {
			there = append(there, name)
		}
	}
	if len(there) == 0 {
		_, err := fmt.Fprintf(s.out, "Nothing of Outcrop's is in %s.\n", cfg.Data)
		return err
	}
	if err := c.confirm(s, cfg.Data, there); err != nil {
		return err
	}
	if err := unused(cfg.Data); err != nil {
		return err
	}
	for _, name := range there {
		if err := os.RemoveAll(filepath.Join(cfg.Data, name)); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(s.out, "Emptied %s.\n", cfg.Data)
	return err
}

func (c *resetCmd) confirm(s streams, dir string, there []string) error {
	if c.Yes {
		return nil
	}
	_, _ = fmt.Fprintf(s.out, "Delete %s in %s? Type yes: ", strings.Join(there, ", "), dir)
	answer, err := bufio.NewReader(s.in).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		return errors.Join(errors.New("nothing was deleted"), ignoreEOF(err))
	}
	return nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// unused reports a server that is using the folder.
func unused(dir string) error {
	ledgerDir := filepath.Join(dir, "ledger")
	if _, err := os.Stat(ledgerDir); err != nil {
		return nil //nolint:nilerr // no ledger: no server has started here
	}
	locked, err := ledger.Locked(ledgerDir)
	if err != nil {
		return err
	}
	if locked {
		return fmt.Errorf("a server is using %s: stop it first", dir)
	}
	return nil
}
