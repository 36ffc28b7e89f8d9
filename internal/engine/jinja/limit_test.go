package jinja

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestHostileTemplates checks that templates which want too much are stopped, and soon.
func TestHostileTemplates(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"endless loops":   "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}",
		"doubling text":   "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
		"doubling lists":  "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
		"shared lists":    "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
		"shared in JSON":  "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s | tojson }}",
		"shared equal":    "{% set n = namespace(s=[1], t=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.s == n.t }}",
		"a list in it":    "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}",
		"JSON of itself":  "{% set l = [] %}{% set _ = l.append(l) %}{{ l | tojson }}",
		"equal itself":    "{% set l = [] %}{% set _ = l.append(l) %}{% set m = [] %}{% set _ = m.append(m) %}{{ l == m }}",
		"appending":       "{% set l = [1] %}{% for a in range(99999) %}{% for b in range(99999) %}{% set _ = l.append(l) %}{% endfor %}{% endfor %}",
		"repeat":          "{{ 'x' * 2000000000 }}",
		"repeat a list":   "{{ [1] * 2000000000 }}",
		"width":           "{{ 'x' | center(2000000000) }}",
		"format":          "{{ '%2000000000d' % 1 }}",
		"format method":   "{{ '{:2000000000}'.format(1) }}",
		"precision":       "{{ '%.2000000000f' % 1 }}",
		"indent":          "{{ 'a\nb' | indent(2000000000) }}",
		"JSON indent":     "{{ [[[[[[1]]]]]] | tojson(indent=200000000) }}",
		"replace":         "{% set s = 'x' * 1000000 %}{{ s | replace('', s) }}",
		"join":            "{% set s = 'x' * 1000000 %}{{ s | join(s) }}",
		"macros":          "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
		"recursive loop":  "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
		"much output":     "{% set s = 'x' * 1000000 %}{% for a in range(99999) %}{{ s }}{% endfor %}",
		"range":           "{{ range(100001) }}",
		"split":           "{% set s = 'a ' * 30000000 %}{% for i in range(99) %}{% set l = s.split() %}{% endfor %}",
		"power":           "{{ 9 ** 9 ** 9 }}",
		"overflow":        "{{ 9223372036854775807 + 1 }}",
		"least quotient":  "{{ (-9223372036854775807 - 1) // -1 }}",
		"deep brackets":   "{{ " + strings.Repeat("(", 100_000) + " }}",
		"deep lists":      "{{ " + strings.Repeat("[", 100_000) + " }}",
		"deep blocks":     strings.Repeat("{% if 1 %}", 100_000),
		"long chain":      "{{ 1" + strings.Repeat("+1", 100_000) + " }}",
		"many filters":    "{{ 1" + strings.Repeat("|abs", 100_000) + " }}",
		"many calls":      "{{ x" + strings.Repeat("()", 100_000) + " }}",
		"many signs":      "{{ " + strings.Repeat("-", 100_000) + "1 }}",
		"many nots":       "{{ " + strings.Repeat("not ", 100_000) + "1 }}",
		"deep targets":    "{% set " + strings.Repeat("(", 100_000) + " = 1 %}",
		"too long":        strings.Repeat("x", maxTemplate+1),
		"slow expression": "{% for a in range(99999) %}{% set x = " + strings.Repeat("1 and ", 1900) + "1 %}{% endfor %}",
		"sorting":         "{% set l = range(99999) | list %}{% for a in l %}{% set x = l | sort %}{% endfor %}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			out, err := renderString(src, nil)
			if err == nil {
				t.Fatalf("made %d bytes", len(out))
			}
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("error is a %T: %v", err, err)
			}
			const patience = 30 * time.Second // on a busy machine; a second otherwise
			if d := time.Since(start); d > patience {
				t.Errorf("took %v: %v", d, err)
			}
		})
	}
}

func TestOptionsBound(t *testing.T) {
	t.Parallel()
	tmpl, err := Parse("{% for i in range(1000) %}{{ 'xxxxxxxxxx' ~ i }}{% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{Steps: 500}, {Bytes: 500}} {
		if _, err := tmpl.Render(nil, o); err == nil {
			t.Errorf("%+v did not stop the rendering", o)
		}
	}
	if _, err := tmpl.Render(nil, Options{}); err != nil {
		t.Error(err)
	}
}

// TestInputStays checks that values can be used by several renderings at once.
func TestInputStays(t *testing.T) {
	t.Parallel()
	v, err := FromJSON([]byte(`{"l": [1, {"a": "b"}]}`), 1)
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]Value{"v": v}
	for _, src := range []string{
		"{{ v.l.append(2) }}", "{{ v.l.pop() }}", "{{ v.update({'a': 1}) }}", "{{ v.l[1].clear() }}",
		"{% set x = v.l + [2] %}{{ x.append(3) }}{% set y = v.l | list %}{{ y.append(4) }}{% set z = v.copy() %}{{ v.l[:].append(1) }}{% set v = 1 %}{{ v }}",
		"{% set ns = namespace(v) %}{% set ns.l = 3 %}{% set d = dict(v, m=1) %}{{ d }}",
	} {
		t.Run(src, func(t *testing.T) {
			t.Parallel()
			_, _ = renderString(src, vars) // an error or not
			if got, _ := renderString("{{ v }}", vars); got != "{'l': [1, {'a': 'b'}]}" {
				t.Errorf("the input became %s", got)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	tmpl, err := Parse("{% if enable_thinking is defined %}{{ ns.a }}{% set b = c %}{% endif %}")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"enable_thinking": true, "c": true, "ns": true, "b": false, "a": false} {
		if got := tmpl.Names(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestStrftimeStays(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 5, 0, 7, 9, 123456000, time.UTC)
	for format, want := range map[string]string{
		"%d %b %Y": "05 Jan 2026", "%-d %-m %-H %-I": "5 1 0 12", "%Q %": "%Q %", "%f": "123456", "%C %G %V %s": "20 2026 02 1767571629",
		"%_d|%n%t": " 5|\n\t", "%c": "Mon Jan  5 00:07:09 2026", "%Z%z": "UTC+0000",
	} {
		if got := strftime(at, format); got != want {
			t.Errorf("%q: %q, want %q", format, got, want)
		}
	}
	if _, err := renderString("{{ strftime_now('%Y') }}", nil); err != nil {
		t.Error(err)
	}
	tmpl, err := Parse("{{ strftime_now is defined }}")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := tmpl.Render(nil, Options{}); err != nil || s[0].Text != "False" {
		t.Errorf("without a clock: %v, %v", s, err)
	}
}

// FuzzTemplate checks that no template crashes or gets past its bounds, and that the
// text of a rendering does not depend on where its input comes from.
func FuzzTemplate(f *testing.F) {
	g := readGoldens(f, "testdata/cases.json")
	for _, c := range g.Cases {
		f.Add(c.Template)
	}
	plain, own := variables(f, g.Vars, 3), variables(f, g.Vars, 0)
	options := Options{Now: goldenTime, Steps: 20_000, Bytes: 1 << 20}
	f.Fuzz(func(t *testing.T, src string) {
		tmpl, err := Parse(src)
		if err != nil {
			mustBeOurs(t, err)
			return
		}
		text := ""
		segments, err := tmpl.Render(plain, options)
		for _, s := range segments {
			text += s.Text
		}
		again, err2 := tmpl.Render(own, options)
		if (err == nil) != (err2 == nil) {
			if strings.Contains(src, "namespace") || strings.Contains(src, "range") { // bounds are met elsewhere
				return
			}
		}
		if err != nil {
			mustBeOurs(t, err)
			return
		}
		for _, s := range again {
			if s.Source != 0 {
				t.Fatalf("%q is from source %d, which there is not", s.Text, s.Source)
			}
			text = strings.TrimPrefix(text, s.Text)
		}
		if err2 == nil && text != "" {
			t.Fatalf("the text differs by %q", text)
		}
		if len(segments) > 0 && len(again) > 1 {
			t.Fatalf("%d segments of one source", len(again))
		}
	})
}

func mustBeOurs(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error is a %T: %v", err, err)
	}
	if e.Line < 1 || e.Message == "" {
		t.Fatalf("error without line or message: %+v", e)
	}
}

func BenchmarkRender(b *testing.B) {
	g := readGoldens(b, "testdata/cases.json")
	vars := variables(b, g.Vars, 1)
	for _, c := range g.Cases {
		if c.Name != "chat" && c.Name != "json_keys" {
			continue
		}
		b.Run(c.Name, func(b *testing.B) {
			tmpl, err := Parse(c.Template)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tmpl.Render(vars, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
