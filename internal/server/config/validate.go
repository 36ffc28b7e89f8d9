package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	variable   = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)
	region     = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	accountID  = regexp.MustCompile(`^[0-9]{12}$`)
	backendID  = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)
	modalities = []string{"TEXT", "IMAGE", "SPEECH", "VIDEO", "EMBEDDING"}
)

// BackendTypes are the values of backends.NAME.type.
var BackendTypes = []string{"openai", "anthropic", "scripted"}

// Embedded is the name of the backend that every Outcrop has: its own models.
const Embedded = "embedded"

// expand replaces ${NAME} where secrets and addresses stand.
func (c *Config) expand(env func(string) (string, bool)) error {
	var problems []error
	fill := func(key string, s *string) {
		*s = variable.ReplaceAllStringFunc(*s, func(m string) string {
			name := m[2 : len(m)-1]
			v, ok := env(name)
			if !ok {
				problems = append(problems, fmt.Errorf("%s: the environment variable %s is not set", key, name))
			}
			return v
		})
	}
	fill("listen", &c.Listen)
	fill("data", &c.Data)
	fill("store", &c.Store)
	secret := string(c.MasterKey)
	fill("master_key", &secret)
	c.MasterKey = Secret(secret)
	fill("models_dir", &c.ModelsDir)
	c.Objects.expand(fill)
	fill("hugging_face", &c.HuggingFace)
	fill("package_index", &c.PackageIndex)
	for _, name := range slices.Sorted(maps.Keys(c.Backends)) {
		b := c.Backends[name]
		if b.Disabled {
			continue
		}
		key := "backends." + name
		fill(key+".base_url", &b.BaseURL)
		fill(key+".api_key", &b.APIKey)
		fill(key+".file", &b.File)
		for h, v := range b.Headers {
			fill(key+".headers."+h, &v)
			b.Headers[h] = v
		}
		c.Backends[name] = b
	}
	return errors.Join(problems...)
}

// Validate reports every rule that the configuration breaks, each with its key.
func (c *Config) Validate() error {
	var p problems
	c.validateListener(&p)
	p.check(accountID.MatchString(c.Account), "account: %q is not an account ID: twelve digits in quotes", c.Account)
	p.check(len(c.Regions) > 0, "regions: name at least one")
	for _, r := range c.Regions {
		p.check(region.MatchString(r), "regions: %q is not a region such as us-east-1", r)
	}
	p.check(slices.Contains(c.Regions, c.DefaultRegion), "default_region: %q is not one of regions", c.DefaultRegion)
	p.check(c.Store == "sqlite" || strings.HasPrefix(c.Store, "postgres://") || strings.HasPrefix(c.Store, "postgresql://"),
		"store: %q is neither sqlite nor postgres://…", redact(c.Store))
	if _, err := c.MasterKey.Bytes(); err != nil {
		p.add("master_key: %w", err)
	}
	p.check(c.Pull == "auto" || c.Pull == "never", "pull: %q is neither auto nor never", c.Pull)
	p.check(c.HuggingFace == "" || isWeb(c.HuggingFace), "hugging_face: %q is not an http or https address", redact(c.HuggingFace))
	p.check(c.PackageIndex == "" || isWeb(c.PackageIndex), "package_index: %q is not an http or https address", redact(c.PackageIndex))
	c.Objects.validate(&p)
	c.Engine.validate(&p)
	p.check(c.Timeout > 0, "timeout: must be positive")
	p.check(c.Ledger.RetentionDays >= 1, "ledger.retention_days: must be at least 1")
	p.check(slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level), "log.level: %q is none of debug, info, warn, error", c.Log.Level)
	p.check(slices.Contains([]string{"text", "json"}, c.Log.Format), "log.format: %q is neither text nor json", c.Log.Format)
	for _, name := range slices.Sorted(maps.Keys(c.Backends)) {
		c.validateBackend(&p, name, c.Backends[name])
	}
	for _, id := range slices.Sorted(maps.Keys(c.Models)) {
		c.validateModel(&p, id, c.Models[id])
	}
	return errors.Join(p...)
}

func (c *Config) validateListener(p *problems) {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		p.add("listen: %q is not host:port, such as 127.0.0.1:4550", c.Listen)
		return
	}
	if c.TLS != nil {
		p.check(c.TLS.Cert != "" && c.TLS.Key != "", "tls: needs both cert and key, the names of PEM files")
		return
	}
	if !Loopback(host) && !c.Insecure {
		p.add("listen: %s is reachable from other machines: give tls: {cert, key}, or insecure: true on a network you trust", c.Listen)
	}
}

// Loopback reports whether host names this machine only.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *Config) validateBackend(p *problems, name string, b Backend) {
	key := "backends." + name
	p.check(backendID.MatchString(name), "%s: a name has lower-case letters, digits, '_', '.' and '-'", key)
	p.check(name != Embedded, "%s: the name is taken by Outcrop's own models", key)
	p.check(slices.Contains(BackendTypes, b.Type), "%s.type: %q is none of %s", key, b.Type, strings.Join(BackendTypes, ", "))
	switch b.Type {
	case "openai":
		p.check(b.BaseURL != "", "%s.base_url: needed, such as http://localhost:8000/v1", key)
	case "anthropic":
		p.check(b.APIKey != "" || b.BaseURL != "" || b.Disabled, "%s.api_key: needed, such as ${ANTHROPIC_API_KEY}", key)
	case "scripted":
		p.check(b.File != "", "%s.file: needed: the YAML file with the replies", key)
	}
	if b.BaseURL != "" {
		p.check(isWeb(b.BaseURL), "%s.base_url: %q is not an http or https address", key, redact(b.BaseURL))
	}
	p.check(b.Timeout >= 0 && b.TTFT >= 0, "%s: time limits cannot be negative", key)
	for _, r := range b.Regions {
		p.check(slices.Contains(c.Regions, r), "%s.regions: %q is not one of regions", key, r)
	}
}

func (c *Config) validateModel(p *problems, id string, m Model) {
	key := "models." + id
	for _, t := range m.Targets {
		backend, model, ok := strings.Cut(t, "/")
		if !ok || model == "" {
			p.add("%s: target %q is not backend/model", key, t)
			continue
		}
		_, known := c.Backends[backend]
		p.check(known || backend == Embedded, "%s: target %q names the backend %q, which backends does not have", key, t, backend)
	}
	for _, r := range m.Regions {
		p.check(slices.Contains(c.Regions, r), "%s.regions: %q is not one of regions", key, r)
	}
	for _, mod := range slices.Concat(m.Input, m.Output) {
		p.check(slices.Contains(modalities, mod), "%s: modality %q is none of %s", key, mod, strings.Join(modalities, ", "))
	}
}

// isWeb reports whether s is an http or https address.
func isWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// redact hides the password of an address.
func redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(unreadable)"
	}
	return u.Redacted()
}

type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		p.add(format, args...)
	}
}
