package jinja

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// marked renders with what is not the template's own in brackets with its source.
func marked(tb testing.TB, src string, vars map[string]Value) string {
	tb.Helper()
	t, err := Parse(src)
	if err != nil {
		tb.Fatalf("%s: %v", src, err)
	}
	segments, err := t.Render(vars, Options{Now: goldenTime})
	if err != nil {
		tb.Fatalf("%s: %v", src, err)
	}
	var b strings.Builder
	for i, s := range segments {
		if i > 0 && segments[i-1].Source == s.Source || s.Text == "" {
			tb.Errorf("%s: segment %d is empty or of the same source as the one before", src, i)
		}
		if s.Source == 0 {
			b.WriteString(s.Text)
		} else {
			fmt.Fprintf(&b, "[%d:%s]", s.Source, s.Text)
		}
	}
	return b.String()
}

// TestSources checks that what comes from outside is known as such, whatever is done
// to it.
func TestSources(t *testing.T) {
	t.Parallel()
	vars := map[string]Value{
		"a": String("user", 1), "b": String(" two words ", 2), "o": String("own", 0), "n": Int(5),
		"l":     List(String("x", 1), String("y", 2), String("z", 0)),
		"d":     (&Dict{}).Set("k", String("v", 3)).Set("own", String("w", 0)),
		"mixed": Join(Segment{Text: "aa|", Source: 0}, Segment{Text: "bb|", Source: 1}, Segment{Text: "cc", Source: 2}),
	}
	f := func(src, want string) {
		t.Helper()
		if diff := cmp.Diff(want, marked(t, src, vars)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", src, diff)
		}
	}
	f("<s>{{ a }}</s>", "<s>[1:user]</s>")
	f("{{ '<s>' + a + '</s>' }}", "<s>[1:user]</s>")
	f("{{ '<s>' ~ a ~ n ~ o }}", "<s>[1:user]5own")
	f("{{ a + b }}", "[1:user][2: two words ]")
	f("{{ mixed }}", "aa|[1:bb|][2:cc]")
	f("{{ mixed[1:4] }}|{{ mixed[::-1] }}|{{ mixed[0] }}{{ mixed[-1] }}", "a|[1:b]|[2:cc][1:|bb]|aa|a[2:c]")
	f("{{ mixed | upper }}{{ mixed.lower() }}", "AA|[1:BB|][2:CC]aa|[1:bb|][2:cc]")
	f("{{ mixed | title }}{{ mixed | capitalize }}", "[2:Aa|bb|ccAa|bb|cc]")
	f("{{ mixed.split('|') | join('+') }}", "aa+[1:bb]+[2:cc]")
	f("{{ mixed | replace('b', o) }}{{ mixed | replace('|', a) }}", "aa|ownown[1:|][2:cc]aa[1:userbbuser][2:cc]")
	f("{{ b | trim }}{{ b.strip() }}{{ ('<' ~ b ~ '>').strip('<>') }}", "[2:two wordstwo words two words ]")
	f("{{ a * 2 }}{{ mixed * 2 }}", "[1:useruser]aa|[1:bb|][2:cc]aa|[1:bb|][2:cc]")
	f("{{ l | join(',') }}", "[1:x],[2:y],z")
	f("{{ l }}", "[[1:'x'], [2:'y'], 'z']")
	f("{{ d | tojson }}", `[3:{"k": "v", "own": "w"}]`)
	f("{{ {'k': 'v', 'n': n} | tojson }}", `{"k": "v", "n": 5}`)
	f("{{ {'k': a, 'm': mixed} | tojson }}", `[2:{"k": "user", "m": "aa|bb|cc"}]`)
	f("{{ [o] | tojson }}", `["own"]`)
	f("{{ (d | tojson)[1:4] }}", `[3:"k"]`)
	f("{{ '%s-%s' | format(a, o) }}{{ '%s' % a }}{{ '{}/{}'.format(a, 1) }}", "[1:user]-own[1:useruser]/1")
	f("{{ a | indent(2, true) }}{{ 'p\nq' | indent(a) }}", "  [1:user]p\n[1:user]q")
	f("{{ a | center(8) }}{{ a.ljust(6, '.') }}", "  [1:user]  [1:user]..")
	f("{{ a | e }}{{ a | string }}{{ a | safe }}", "[1:useruseruser]")
	f("{{ a | default('x') }}{{ missing | default(a) }}", "[1:useruser]")
	f("{% for c in mixed %}{{ c }}.{% endfor %}", "a.a.|.[1:b].[1:b].[1:|].[2:c].[2:c].")
	f("{% set x %}<{{ a }}>{% endset %}{{ x }}{% filter upper %}{{ a }}!{% endfilter %}", "<[1:user]>[1:USER]!")
	f("{% macro m(x) %}({{ x }}){% endmacro %}{{ m(a) ~ m('t') }}", "([1:user])(t)")
	f("{% set ns = namespace(x=a) %}{% set ns.x = ns.x + '!' %}{{ ns.x }}", "[1:user]!")
	f("{{ d.k }}{{ d['k'] }}{{ d.get('k') }}{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "[3:vvv]k=[3:v];own=w;")
	f("{{ a if a == 'user' else o }}{{ (a ~ o)[2:6] }}", "[1:userer]ow")
	f("{{ mixed.partition('|') | join('/') }}{{ mixed.rsplit('|', 1)[0] }}", "aa/|/[1:bb|][2:cc]aa|[1:bb]")
	f("{{ l | map('upper') | join }}{{ l | first }}{{ l | last }}{{ l | sort | first }}", "[1:X][2:Y]Z[1:x]z[1:x]")
	f("{{ strftime_now('%Y') }}{{ strftime_now(a) }}", "2024[1:user]")
	f("{{ 'text with spaces here' | truncate(9) }}{{ ('<s>' ~ b) | truncate(8, true, '…', 0) }}", "text...<s>[2: two]…")
}

func TestFromJSON(t *testing.T) {
	t.Parallel()
	f := func(in, want string) {
		t.Helper()
		v, err := FromJSON([]byte(in), 7)
		if err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		if got := marked(t, "{{ v | tojson }}", map[string]Value{"v": v}); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
	f(`{"b":1,"a":[true,null,"x"]}`, `[7:{"b": 1, "a": [true, null, "x"]}]`)
	f(`[18446744073709551615, -9223372036854775808, 1.0, 1e2, 0.1]`, `[7:[18446744073709551615, -9223372036854775808, 1.0, 100.0, 0.1]]`)
	f(`{"a":1,"b":2,"a":3}`, `[7:{"a": 3, "b": 2}]`)
	f(`[]`, `[7:[]]`)
	f(`{}`, `[7:{}]`)
	for _, bad := range []string{"", "{", `{"a"}`, "[1] 2", "nope", strings.Repeat("[", 300) + strings.Repeat("]", 300)} {
		if _, err := FromJSON([]byte(bad), 1); err == nil {
			t.Errorf("%.20q was read", bad)
		}
	}
}
