package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/server/config"
)

// location is the part of the configuration that every verb has to agree on.
type location struct {
	Config string `help:"Configuration file. Default: $OUTCROP_CONFIG, else outcrop.yaml in the data folder." env:"OUTCROP_CONFIG" placeholder:"FILE" type:"path"`
	Listen string `help:"Address to listen on. Default: 127.0.0.1:4550." placeholder:"HOST:PORT"`
	Data   string `help:"Folder of keys, state and the ledger. Default: $OUTCROP_DATA, else ~/.local/share/outcrop." placeholder:"DIR" type:"path"`
}

// load reads the configuration and puts the flags over it.
func (l *location) load() (config.Config, error) {
	c, err := l.read()
	if err != nil {
		return c, err
	}
	if l.Listen != "" {
		c.Listen = l.Listen
	}
	if l.Data != "" {
		c.Data = l.Data
	}
	return c, c.Validate()
}

func (l *location) read() (config.Config, error) {
	if l.Config != "" {
		return config.Load(l.Config)
	}
	data := l.Data
	if data == "" {
		data = config.DefaultData()
	}
	c, err := config.Load(filepath.Join(data, "outcrop.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return config.Default(), nil
	}
	return c, err
}

// regionOr returns the region that a flag names, which has to be one of the configuration's;
// without the flag it is the default.
func regionOr(flag string, c config.Config) (string, error) {
	switch {
	case flag == "":
		return c.DefaultRegion, nil
	case !slices.Contains(c.Regions, flag):
		return "", fmt.Errorf("region %s is not served; those that are: %s", flag, strings.Join(c.Regions, ", "))
	}
	return flag, nil
}

// endpoint returns the URL that clients on this machine use for a listen address.
func endpoint(c config.Config) string {
	scheme := "http"
	if c.TLS != nil {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s", scheme, reachable(c.Listen))
}

// isTerminal reports whether f is a terminal somebody may be reading.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
