package config

import (
	"fmt"
	"slices"
	"time"
)

// Engine says how models run inside the binary.
type Engine struct {
	Threads int `yaml:"threads"` // zero: one per core
	// Memory bounds what loaded models take together; zero: 80 % of the machine's.
	Memory Bytes `yaml:"memory"`
	// Idle is how long a model stays in memory after its last call; zero: for good.
	Idle time.Duration `yaml:"idle"`
	// Context is the most tokens of a conversation, its answer included.
	Context int `yaml:"context"`
	// Cache bounds a model's cached keys and values, CacheType is their type: f16, q8_0.
	Cache     Bytes  `yaml:"cache"`
	CacheType string `yaml:"cache_type"`
	// Quantize makes models stored as floats smaller: "", q8_0, q4_0.
	Quantize string `yaml:"quantize"`
	// Sequences is how many requests a model works on at once, Queue how many more of
	// one account wait.
	Sequences int `yaml:"sequences"`
	Queue     int `yaml:"queue"`
	// KeepPacked stores weights once more as the processor wants them, beside the
	// models, for a faster next start.
	KeepPacked bool `yaml:"keep_packed"`
}

func defaultEngine() Engine {
	return Engine{
		Idle: 15 * time.Minute, Context: 8192, Cache: 1 << 30, CacheType: "f16",
		Sequences: 8, Queue: 64, KeepPacked: true,
	}
}

func (e *Engine) validate(p *problems) {
	within := func(key string, n, low, high int) {
		p.check(n >= low && n <= high, "engine.%s: %d is not between %d and %d", key, n, low, high)
	}
	within("threads", e.Threads, 0, 1024)
	within("context", e.Context, 64, 1<<20)
	within("sequences", e.Sequences, 1, 1024)
	within("queue", e.Queue, 1, 1<<16)
	p.check(e.Idle >= 0, "engine.idle: cannot be negative")
	p.check(e.Cache >= 1<<20, "engine.cache: %d bytes are less than 1MiB", e.Cache)
	one := func(key, value string, of ...string) {
		if slices.Contains(of, value) {
			return
		}
		p.add("engine.%s: %q is none of %s", key, value, quoted(of))
	}
	one("cache_type", e.CacheType, "f16", "q8_0")
	one("quantize", e.Quantize, "", "q8_0", "q4_0")
}

func quoted(list []string) (out string) {
	for i, s := range list {
		if i > 0 {
			out += ", "
		}
		out += fmt.Sprintf("%q", s)
	}
	return out
}
