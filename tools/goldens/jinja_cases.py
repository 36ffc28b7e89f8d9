"""The cases of templates.py: what a construct does, on the variables below."""

VARS = {
    "name": "Ada", "empty": "", "nothing": None, "yes": True, "no": False, "one": 1, "two": 2, "minus": -7,
    "half": 0.5, "big": 1e20, "tiny": 1.5e-07, "text": "  The quick\tbrown fox\n jumps  ", "uni": "naïve Ünï “日本語” 🙂 ß",
    "quotes": "it's \"so\" \\ <b>&amp;</b>", "lines": "a\n\nb\r\nc\n", "csv": "a,b,,c", "list": [3, 1, 2], "words": ["pear", "Apple", "fig", "apple"],
    "nested": [[1, [2, 3]], {"a": [{"b": None}]}], "mapping": {"b": 1, "a": "x", "C": [True, None]}, "void": {}, "none_list": [],
    "people": [{"name": "Bo", "age": 30, "home": {"city": "Oslo"}}, {"name": "al", "age": 25, "home": {"city": "Rome"}},
               {"name": "Cy", "age": 30, "home": {"city": "oslo"}}, {"name": "Di", "home": {}}],
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi <|im_end|>"},
                 {"role": "assistant", "content": "Hello!", "tool_calls": [{"id": "x1", "function": {"name": "f", "arguments": {"q": "ü", "n": 1.0}}}]},
                 {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}],
    "tools": [{"type": "function", "function": {"name": "get_weather", "description": "It's \"weather\"", "parameters": {
        "type": "object", "properties": {"city": {"type": "string", "enum": ["Paris", "Zürich"]}, "days": {"type": "integer", "maximum": 14}},
        "required": ["city"]}}}],
    "items": {"items": [1], "get": 2, "keys": 3},
}

# What is printed.
EXPRESSIONS = r"""
name
'a' 'b' "c"
'tab\there \x41\u00e9\U0001F600 \101 \q \' " \\'
1 + 2 * 3 - 4
7 // 2, -7 // 2, 7 % 3, -7 % 3, 7 % -3
7 / 2, 4 / 2, 1 / 3
2 ** 10, 2 ** -1, 2 ** 0.5, 2 ** 3 ** 2
-2 ** 2
- one | abs
-one, +one, - - one
1_000, 0x1F, 0b101, 0o17, 1e3, 1.5, 1_0.5e-3
7.5 // 2, -7.5 // 2, 7.5 % 2, -7.5 % 2
true + true, yes * 3
big, tiny, half, 1e16, 1e15, 123456789.125, 0.1 + 0.2, 1e-5, 100.0, -0.0
'ab' * 3, 3 * 'ab', [1] * 2, 'x' * -1
'a' + 'b' ~ 1 ~ none ~ true ~ 1.0 ~ [1, 'a']
1 * 2 ~ 3, (1 + 2) ~ 3
[1, 2] + [3], (1,) + (2, 3)
(1, 2, (3,)), (), (1)
[1, 'two', none, true, 2.0, {'k': [1]}]
{'a': 1, 2: 'b', none: 3, 'a': 4}
{'x': 1}['x'], {'x': 1}.x, mapping.a, mapping['a']
mapping, nested, people[0]
quotes, [quotes], ["'"], ['"'], ['a\nb\t\\'], [uni]
name == 'Ada', name != 'Ada', 1 == 1.0, 1 == true, '1' == 1, none == none, [1, 2] == [1, 2], {'a': 1} == {'a': 1.0}, (1,) == [1]
1 < 2 < 3, 1 < 3 < 2, 'a' < 'b', [1, 2] < [1, 3], 1 <= 1 >= 1, 'A' < 'a', [1] < [1, 0]
1 in [1, 2], 3 not in [1, 2], 'da' in name, 'z' not in name, 'a' in mapping, 'zz' in mapping, '' in '', 'x' in missing
not yes, not not yes, not 1 == 2, yes and no, yes or no, '' or 'x', 'a' and 'b', none or 0 or [] or 'end', no and 1/0
'a' if yes else 'b', 'a' if no else 'b', ('a' if no), 'a' if no else 'b' if no else 'c'
missing, missing or 'other', missing is defined, (missing | default('d'))
messages[0].missing, messages[0].missing is defined, messages[0]['nope'] is undefined
messages[0].role, messages[0]['role'], messages[-1].role, messages[99] is defined, messages['x'] is defined
list[0], list[-1], list[1:], list[:2], list[::2], list[::-1], list[5:], list[-2:], list[:-1], list[2:0:-1], list[none:2]
name[0], name[-1], name[1:], name[::-1], uni[0:6], uni[::-1], uni[-1], uni[2], name[::2], name[5:2], name[-100:100]
(1, 2, 3)[1:], list[yes], 'abc'[1], text[2:-2]
name.upper(), name.lower(), 'hello world'.title(), 'hELLO wORLD'.capitalize(), 'aBc'.swapcase(), "they're bill's".title()
text.strip(), text.lstrip(), text.rstrip(), 'xxaxx'.strip('x'), 'abcba'.strip('ab'), '<a>'.lstrip('<'), 'a>>'.rstrip('>'), ' a '.strip(none)
csv.split(','), csv.split(',', 1), text.split(), text.split(none, 1), 'a--b--c'.split('--'), ''.split(','), ''.split(), 'abc'.split('x')
csv.rsplit(',', 1), text.rsplit(none, 1), 'a b  c '.rsplit(), 'a--b--c'.rsplit('--', 1)
lines.splitlines(), lines.splitlines(true), ''.splitlines(), 'a\x0bb\x0cc\u2028d\x85e'.splitlines()
'a=b=c'.partition('='), 'a=b=c'.rpartition('='), 'abc'.partition('='), 'abc'.rpartition('=')
name.startswith('A'), name.endswith('da'), name.startswith(('x', 'A')), name.endswith('')
'banana'.find('an'), 'banana'.rfind('an'), 'banana'.find('x'), 'banana'.count('an'), 'banana'.index('n'), 'banana'.find('an', 2), 'ünü'.find('ü', 1), 'banana'.count('')
'banana'.replace('an', '[]'), 'banana'.replace('an', 'x', 1), 'abc'.replace('', '-'), 'abc'.replace('', '-', 2), ''.replace('', 'x'), 'abc'.replace('b', '')
', '.join(words), ''.join([]), '-'.join('abc'), '-'.join(mapping)
'7'.zfill(3), '-7'.zfill(4), 'ab'.ljust(5, '.') ~ '|', 'ab'.rjust(5) ~ '|', 'ab'.center(5, '*'), 'abc'.center(6, '*'), 'abc'.center(2)
'12'.isdigit(), ''.isdigit(), 'ab'.isalpha(), 'a1'.isalnum(), ' \t'.isspace(), 'AB'.isupper(), 'ab1'.islower(), '1'.isupper()
'prefix-x'.removeprefix('prefix-'), 'x.py'.removesuffix('.py'), 'x'.removeprefix('y')
'{} and {}'.format('a', 1), '{1}{0}'.format(1, 2), '{x}-{y.role}'.format(x=1, y=messages[0]), '{{}} {0[a]}'.format(mapping)
'{:>5}|{:<5}|{:^5}|{:*^7}|{:05d}|{:.2f}|{:,}|{:x}|{:#x}|{:+d}|{:%}|{:s}|{!r}|{:5.1f}|'.format('a', 'b', 'c', 'd', 42, 3.14159, 1234567, 255, 255, 5, 0.5, 'e', 'f', 2.25)
'%s %d %5.2f %x %% %r %-4s| %04d %i %e %g' % ('a', 3, 1.5, 255, 'b', 'c', 7, 2.9, 12345.678, 0.0001)
'%s' % name, '%(a)s-%(b)d' % mapping, '%s' % [1], '%c%c' % ('x', 65), '%5s|%.2s' % ('a', 'abc')
mapping.items() | list, mapping.keys() | list, mapping.values() | list, mapping.get('a'), mapping.get('z'), mapping.get('z', 0), items.items() | list, items['items'], items.get('get')
mapping | items | list, missing | items | list
'%s=%s' | format('a', 1), '%(x)s' | format(x=3)
name | upper, name | lower, 'hello WORLD' | capitalize, 'foo-bar (baz) x' | title, 12 | upper
text | trim, 'xxaxx' | trim('x'), 12 | trim, none | trim
name | length, list | length, mapping | count, uni | length, missing | length
list | first, list | last, name | first, none_list | first is defined, 'abc' | last
list | join('-'), list | join, words | join(', '), people | join('/', attribute='name'), 'abc' | join('.'), missing | join
list | sort, words | sort, words | sort(case_sensitive=true), list | sort(reverse=true), people[:3] | sort(attribute='age,name') | map(attribute='name') | list
words | unique | list, words | unique(case_sensitive=true) | list, [1, 1.0, true, 2] | unique | list
list | min, list | max, words | min, none_list | max is defined, people[:3] | max(attribute='age')
list | sum, people[:3] | sum(attribute='age'), [1.5, 2] | sum, none_list | sum, [[1], [2]] | sum(start=[])
list | reverse | list, name | reverse, list | list, name | list, mapping | list
people[:3] | map(attribute='name') | list, people | map(attribute='home.city', default='?') | list, words | map('upper') | list, words | map('replace', 'p', 'q') | list
[1, 0, '', 'a', none] | select | list, list | select('odd') | list, list | reject('gt', 1) | list, list | select('in', [1, 3]) | list
people | selectattr('age') | map(attribute='name') | list, people[:3] | selectattr('age', 'equalto', 30) | map(attribute='name') | list, people | rejectattr('age', 'defined') | map(attribute='name') | list
messages | selectattr('role', 'equalto', 'user') | list | length, messages | rejectattr('role', 'eq', 'system') | map(attribute='role') | join(',')
people[:3] | groupby('home.city'), people[:3] | groupby('age') | map('first') | list
list | batch(2) | list, list | batch(2, 0) | list, [1, 2, 3, 4, 5] | slice(2) | list, [1, 2, 3, 4, 5] | slice(3, 'x') | list
mapping | dictsort, mapping | dictsort(true), {'a': 2, 'b': 1} | dictsort(false, 'value'), {'a': 2, 'b': 1} | dictsort(reverse=true)
missing | default('d'), '' | default('d'), '' | default('d', true), none | default('d'), none | d('d', boolean=true), 0 | default(5, true), missing | default
'3.7' | int, 'x' | int, 'x' | int(9), '0x1f' | int(base=16), 3.99 | int, '42' | int, none | int, ' 12 ' | int, true | int, '1_000' | int
'3.5' | float, 'x' | float, 2 | float, '1e3' | float, 'x' | float(1.5), ' inf ' | float
2.5 | round, 3.5 | round, 2.675 | round(2), 2.1 | round(method='ceil'), 2.9 | round(0, 'floor'), 7 | round, 1234.5 | round(-2), 42.55 | round(1, 'floor')
-3 | abs, -3.5 | abs, true | abs
12 | string, none | string, list | string, true | string, 'x' | string
'a\nb\n\nc' | indent, 'a\nb' | indent(2, true), 'a\n\nb' | indent(2, blank=true), 'a\nb' | indent('> '), 'a\n' | indent, 'x' | indent(first=true)
'banana' | replace('an', 'x'), 'banana' | replace('an', 'x', 1), 12321 | replace(2, 0)
none | select | list, none | selectattr('a') | list
'foo bar baz qux' | truncate(9), 'foo bar baz qux' | truncate(9, true), 'foo bar baz qux' | truncate(11), 'foo bar baz qux' | truncate(11, false, '..', 0)
'a b_c d-e' | wordcount, 'ab' | center(6) ~ '|'
'a b/ü?&' | urlencode
mapping | attr('get') is defined, mapping | attr('a') is defined
mapping | tojson, list | tojson, none | tojson, true | tojson, 1.0 | tojson, 'a"b\\\n\t\u2028é🙂</x>' | tojson, [] | tojson, {} | tojson, (1, 2) | tojson
tools | tojson, tools[0] | tojson(indent=2), mapping | tojson(indent=4), mapping | tojson(separators=(',', ':')), mapping | tojson(sort_keys=true), uni | tojson(ensure_ascii=true), {1: 2, none: 3, true: 4, 1.5: 5} | tojson
nested | tojson(indent=1), [[], {}, [[]]] | tojson(indent=2), mapping | tojson(indent='--'), mapping | tojson(indent=0)
1e20 | tojson, 1.5e-7 | tojson, big | tojson, '\x7f\x01' | tojson, '\x7f\x01é' | tojson(ensure_ascii=true)
name is defined, missing is undefined, none is none, nothing is none, name is string, 1 is string, 1 is number, 1.0 is number, true is number, 1 is integer, true is integer, 1.0 is float
yes is true, no is false, 1 is true, yes is boolean, mapping is mapping, list is mapping, list is sequence, name is sequence, mapping is sequence, 1 is sequence, missing is sequence
list is iterable, name is iterable, mapping is iterable, 1 is iterable, none is iterable, missing is iterable, range is callable, 1 is callable
1 is odd, 2 is even, 9 is divisibleby 3, 9 is divisibleby(4), -1 is odd, 'abc' is lower, 'ABC' is upper, 'aB' is lower
1 is eq 1, 1 is equalto(2), 1 is ne 2, 1 is lt 2, 2 is gt 1, 1 is le 1, 1 is ge 2, 1 is in [1, 2], 'a' is in 'abc', 3 is not in [1], none is sameas none, yes is sameas true, 1 is sameas true
'upper' is filter, 'nope' is filter, 'x' is escaped, not missing is defined, missing is not defined
range(3) | list, range(1, 4) | list, range(10, 0, -3) | list, range(0) | list, range(3)[1], range(5)[1:3] | list, range(3) | length
dict(a=1, b='x'), dict() is mapping
namespace(a=1).a, namespace(a=1).b is defined
strftime_now('%Y-%m-%d %H:%M:%S %b %B %a %A %j %y %p %I %% %d'), strftime_now('%-d %e %F %T %D %R %U %W %u %w')
loop is defined, caller is defined, range is defined, nope is defined
'a' if missing else 'b', missing == missing2, missing != 1, missing ~ 'x', [missing], missing | string, missing | upper, missing | list
1 if true, none, [none, true], (none)
name.upper().lower()[0:2] | upper ~ '!' * 3
messages | map(attribute='role') | join('|'), messages[2].tool_calls[0].function.arguments | tojson
messages[2]['tool_calls'][0]['function']['name'] ~ ':' ~ messages[2].tool_calls[0].id
(messages | last).content | map(attribute='text') | join('+')
messages[1:] | length, messages[::-1][0].role, (messages | selectattr('role', 'eq', 'user') | list)[-1].content | length
'a' < 'b' and 'b' < 'c' or false, (1 if yes else 2) + 3, not (yes and no)
[1, 2, 3,], {'a': 1,}, (1, 2,)
'é' in uni, uni.upper(), uni.find('日'), uni | length, uni.split(' ')
list.index(2), list.count(1), words.index('fig')
"a" "b" 'c' ~ 'd'
1.5.__class__ is defined, name.__class__ is defined, mapping._x is defined
{'a': {'b': {'c': 1}}}.a.b.c, {'a b': 1}['a b'], {1: 'x'}[1], {'1': 'x'}[1] is defined
'x'.join(['a']) ~ 'b' | upper
'%s' % none, '%s' % missing, '%d' % 3.9, '%d' % true
name . upper ( ), list [ 0 ], ( 1 )
1 in (1, 2), 'a' in ('a',), 1 in {1: 2}, none in [none]
[1, 2] | map('string') | map('length') | sum
words | map('first') | join, words | sort | first | upper
{'a': [1]} == {'a': [1.0]}, {'a': 1} == {'b': 1}, {'a': 1} == {'a': 1, 'b': 2}, [[1]] == [[1]], nested == nested, mapping != void
1.5 < 2, 2 > 1.5, 2 >= 2.0, 2 <= 1.5, half == 0.5, -1 < 0.5, true > false, 1 == true, (1, 2) < (1, 3)
dict([['a', 1], ('b', 2)]), dict({'x': 1}, y=2), dict({'x': 1}, x=2)
'%*d|%-*s|%.*f' % (5, 1, 4, 'a', 2, 1.239), '%+d % d' % (1, 2), '%#x %o %X' % (255, 8, 255), '%E %G' % (12345.678, 0.00001)
'inf' | float, '-inf' | float | tojson, 'nan' | float | string
5 | replace(5, 6), none | trim, 3.0 | trim, true | lower
[1, 2].copy() + [3], [2, 1].index(1), ('a', 'b').index('b'), ('a', 'a').count('a')
mapping.copy() | length
'{:>{}}'.replace('{}', '4').format('a'), '{0:<3}|{0:>3}'.format(1), '{:.3}'.format('abcdef'), '{:.3g}|{:e}|{:08.3f}|{:,.2f}'.format(1234.5678, 1.5, -3.14159, 12345.678)
range(5)[::-1] | list, range(3) == range(3), range(10) | select('divisibleby', 3) | list
messages | map(attribute='content') | select('string') | list, messages | map('length') | list
people | sort(attribute='name') | map(attribute='name') | join(','), people[:3] | sort(attribute='age', reverse=true) | map(attribute='name') | join(','), mapping | dictsort(by='key') | first
'a' is in mapping, 5 is in [1, 5], name is sameas name, none is none and not (none is defined and false)
lines | indent, lines | indent(2, blank=true), 'a\r\nb' | indent(1)
'x' ~ [1, {'a': none}] ~ (1,) ~ 1.50
'ß'.title(), 'ǆ'.upper(), 'ΑΣ'.lower(), 'İ'.lower() | length, 'ﬁ' | upper
'tschüß' | capitalize, 'élan vital' | title, 'O\'NEIL' | title
'1,2;3' | replace(',', ';'), 'aXbX'.replace('X', ''), 'x' | replace('', '-')
'%s' | format(none), '%s and %s' | format('a', mapping), '%d%%' | format(5)
"{{ not a tag }}", '{% nor this %}', "{# or this #}"
"""

# Whole templates.
TEMPLATES = {
    "plain": "no tags at all\n",
    "newline_end": "kept\n\n",
    "crlf": "a\r\nb{{ 1 }}\rc\r\n",
    "trim": "{% if yes %}\nA\n{% endif %}\nB {% if yes %} C {% endif %} D\n   {% if no %}\nx\n   {% endif %}\nE\n",
    "lstrip": "  {% set x = 1 %}  {{ x }}\n\t{% set y = 2 %}\n x {% set z = 3 %}{{ x }}{{ y }}{{ z }}\n   {{ x }}\n",
    "lstrip_first": "   {% if yes %}a{% endif %}",
    "signs": "a  {%- if yes -%}  b  {%- endif -%}  c\n {{- 1 -}} \n d {%+ if yes +%}\n e {%+ endif %}\n",
    "plus_end": "{% if yes +%}\nkept\n{% endif +%}\nend",
    "minus_everywhere": " {%- for i in list -%} \n {{- i -}} \n {%- endfor -%} \n",
    "comments": "a{# c #}b\n  {# line #}\nc {#- x -#} d{# {{ 1 }} {% if %} #}e\n{#\n many\n#}\nf",
    "raw": "{% raw %}{{ x }}{% if %}{# #}{% endraw %}|{%- raw -%}  {{ y }}  {%- endraw -%}|\n  {% raw %}\n z\n  {% endraw %}\nend",
    "raw_empty": "a{% raw %}{% endraw %}b",
    "for": "{% for i in list %}{{ loop.index }}/{{ loop.length }}:{{ i }}{{ '' if loop.last else ',' }}{% endfor %}",
    "for_else": "{% for i in none_list %}{{ i }}{% else %}empty{% endfor %}{% for i in missing %}x{% else %}undefined{% endfor %}",
    "for_loop": "{% for i in 'abc' %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.depth }}{{ loop.depth0 }}"
                "{{ loop.previtem | default('-') }}{{ loop.nextitem | default('-') }}{{ loop.cycle('x', 'y') }}{{ loop.changed(i == 'b') }};{% endfor %}",
    "for_unpack": "{% for k, v in mapping.items() %}{{ k }}={{ v }};{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% for k in mapping %}{{ k }}{% endfor %}",
    "for_if": "{% for i in range(10) if i is odd %}{{ loop.index }}:{{ i }} {{ loop.length }}{{ loop.nextitem }},{% endfor %}{% for i in list if i > 9 %}{% else %}none{% endfor %}",
    "for_if_outer": "{% for i in list %}{% for j in list if j != i and loop.index > 1 %}{{ j }}{% endfor %};{% endfor %}",
    "for_nested": "{% for i in list %}{% set outer = loop %}{% for j in 'ab' %}{{ outer.index }}{{ loop.index }}{{ i }}{{ j }} {% endfor %}{% endfor %}",
    "for_scope": "{% set x = 'out' %}{% for i in list %}{{ x }}{% set x = i %}{{ x }} {% endfor %}{{ x }}",
    "for_break": "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "for_ternary": "{% for i in (list if yes else none_list) %}{{ i }}{% endfor %}{% for i in list + [9] %}{{ i }}{% endfor %}{% for i in 1, 2 %}{{ i }}{% endfor %}",
    "for_reversed": "{% for m in messages[::-1] %}{{ m.role }} {% endfor %}{% for m in messages | reverse %}{{ loop.index }}{{ m.role[0] }}{% endfor %}",
    "for_recursive": "{% for n in [{'n': 1, 'c': [{'n': 2, 'c': []}, {'n': 3, 'c': [{'n': 4, 'c': []}]}]}] recursive %}{{ n.n }}@{{ loop.depth }}[{{ loop(n.c) }}]{% endfor %}",
    "for_set_list": "{% set ns = namespace(found=[], s='') %}{% for i in list %}{% set ns.found = ns.found + [i * 2] %}{% set ns.s = ns.s ~ i %}{% endfor %}{{ ns.found }}{{ ns.s }}",
    "if": "{% if no %}a{% elif nothing %}b{% elif one %}c{% else %}d{% endif %}{% if no %}x{% else %}y{% endif %}{% if missing %}z{% endif %}",
    "if_scope": "{% if yes %}{% set v = 1 %}{% endif %}{{ v }}",
    "set": "{% set a = 1 %}{% set b, c = 2, 3 %}{% set d = [a, b] %}{% set (e, f) = (7, 8) %}{{ a }}{{ b }}{{ c }}{{ d }}{{ e }}{{ f }}{% set a = a + 1 %}{{ a }}",
    "set_tuple": "{% set t = 1, 2 %}{{ t }}{% set u = (1,) %}{{ u }}",
    "set_block": "{% set b %}x {{ name }}\n{% endset %}[{{ b }}]{% set c | upper | trim %} y {{ name }} {% endset %}[{{ c }}]",
    "set_block_scope": "{% set x = 1 %}{% set b %}{% set x = 2 %}{{ x }}{% endset %}{{ x }}{{ b }}",
    "namespace": "{% set ns = namespace(a=1, b='x') %}{% for i in list %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}{% set ns.c = [] %}{{ ns.c }}{{ ns.d is defined }}",
    "namespace_dict": "{% set ns = namespace({'q': 1}, r=2) %}{{ ns.q }}{{ ns.r }}{{ ns['q'] }}",
    "macro": "{% macro m(a, b=2, c=a) %}[{{ a }}|{{ b }}|{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=5, a=4) }}{{ m('x', c='z') }}{{ m() }}",
    "macro_text": "{% macro m() %}<{{ name }}>{% endmacro %}{{ m() | upper }}{{ m() ~ '!' }}{{ m() | length }}{{ m.name }}{{ m.arguments }}",
    "macro_var": "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}{{ m() }}",
    "macro_late": "{% macro m() %}{{ later }}{{ list }}{% endmacro %}{% set later = 'L' %}{{ m() }}",
    "macro_recursive": "{% macro f(n) %}{{ n }}{% if n > 0 %},{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "macro_nested": "{% macro outer(x) %}{% macro inner(y) %}{{ x }}{{ y }}{% endmacro %}{{ inner(2) }}{% endmacro %}{{ outer(1) }}",
    "macro_space": "{%- macro m(x) -%}\n  {%- if x -%}\n    yes\n  {%- else -%}\n    no\n  {%- endif -%}\n{%- endmacro -%}\n[{{ m(true) }}{{ m(false) }}]",
    "macro_scope": "{% set v = 1 %}{% macro m() %}{% set v = 2 %}{{ v }}{% endmacro %}{{ m() }}{{ v }}",
    "call": "{% macro m(x) %}<{{ caller(x) }}>{% endmacro %}{% call(y) m(3) %}{{ y }}{{ name }}{% endcall %}{% macro n() %}{{ caller() }}{% endmacro %}{% call n() %}in{% endcall %}",
    "call_args": "{{ dict(**{'a': 1}) }}{{ range(*[1, 3]) | list }}",
    "filter_block": "{% filter upper %}a {{ name }}{% endfilter %}{% filter replace('a', 'b') | upper %}banana{% endfilter %}",
    "with": "{% with a = 1, b = name %}{{ a }}{{ b }}{% endwith %}{{ a }}{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}",
    "generation": "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% set z = 1 %}{% endgeneration %}{{ z }}{% endif %}{% endfor %}",
    "print": "{% print 1, 'a' %}",
    "escape": "{{ quotes | e }}{{ '<a href=\"x\">' | escape }}{{ 'safe' | safe }}",
    "cycler": "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.next() }}{% set j = joiner('; ') %}{% for i in list %}{{ j() }}{{ i }}{% endfor %}",
    "chat": "{{ '<s>' }}{%- for message in messages %}\n    {%- if message['role'] == 'user' and message.content is string %}\n{{ '[INST] ' + message['content'] + ' [/INST]' }}\n"
            "    {%- elif message.role == \"assistant\" %}\n        {{- message.content + '</s>' }}\n        {%- for tc in message.tool_calls %}\n            {{- '\\n' ~ tc.function | tojson }}\n        {%- endfor %}\n    {%- endif %}\n{%- endfor %}\n",
    "unicode_names": "{% set größe = 3 %}{{ größe }}",
    "colon": "{% if yes: %}a{% endif %}{% for i in list: %}{{ i }}{% endfor %}",
    "if_tuple": "{% if 1, %}t{% endif %}",
    "shadow": "{% set range = 5 %}{{ range }}{% for name in list %}{{ name }}{% endfor %}{{ name }}",
    "brace_text": "{ {x} } }} %} #} {",
    "brace_edge": "{{ {'a': {'b': 1}}['a'] }}{{ {} }}{{ '}}' }}{% if '%}' == '%}' %}ok{% endif %}",
    "adjacent": "{{ 1 }}{{ 2 }}{%if yes%}{{3}}{%endif%}",
    "loop_append": "{% set out = [] %}{% for i in list %}{% set out = out + [i] %}{% endfor %}{{ out }}",
    "undefined_loop": "{% for m in nope if false %}{% endfor %}",
    "deep_attr": "{{ messages[2].tool_calls[0]['function'].arguments.q }}{{ messages[0].content[:2] }}",
    "not_in_for": "{% for k in mapping if k not in ['a'] %}{{ k }}{% endfor %}",
    "is_chain": "{% if messages is defined and messages is iterable and messages is not string and messages | length > 0 %}ok{% endif %}",
    "content_parts": "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}{% if c.type == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}{% endfor %}",
    "first_user": "{% set ns = namespace(i=-1) %}{% for m in messages[::-1] %}{% set n = (messages | length - 1) - loop.index0 %}{% if ns.i < 0 and m.role == 'user' %}{% set ns.i = n %}{% endif %}{% endfor %}{{ ns.i }}",
    "split_think": "{% set c = '<think>\\nwhy\\n</think>\\n\\nanswer' %}{{ c.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') }}|{{ c.split('</think>')[-1].lstrip('\\n') }}",
    "json_keys": "{% for t in tools %}{{ t | tojson(indent=4) }}{% endfor %}{% for k, v in tools[0].function.parameters.properties | items %}{{ k }}:{{ v.type }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "elif_many": "{% for i in range(6) %}{% if i == 0 %}a{% elif i == 1 %}b{% elif i == 2 %}c{% elif i == 3 %}d{% else %}e{% endif %}{% endfor %}",
    "strip_inside": "{{- '  x  ' -}}   \n  y",
    "only_space": "   \n  ",
    "empty": "",
    "trim_newlines": "{% set a = 1 %}\n\n{% set b = 2 %}\n\n\nx\n\n{{ a }}\n\n{% if b %}\n\ny\n{% endif %}\n",
    "set_attr_missing": "{{ messages[0].get('nope', 'def') }}{{ messages[0].get('nope') is none }}",
}

# What fails, and on which line.
FAILING = {
    "raise": "a\n{{ raise_exception('No ' ~ name) }}",
    "raise_if": "{% if messages[0].role == 'system' %}\n{{ raise_exception('System role not supported') }}{% endif %}",
    "undefined_attr": "\n{{ missing.x }}", "undefined_item": "{{ missing['x'] }}", "undefined_call": "\n\n{{ missing() }}",
    "undefined_add": "{{ 'a' + missing }}", "undefined_less": "{{ missing < 1 }}", "none_attr_attr": "{{ none.x.y }}",
    "add_types": "{{ 'a' + 1 }}", "add_none": "{{ 'a' + none }}", "list_tuple": "{{ [1] + (2,) }}", "minus_text": "{{ 'a' - 'b' }}",
    "compare_types": "{{ 1 < 'a' }}", "compare_none": "{{ none > 1 }}", "zero": "{{ 1 / 0 }}", "zero_mod": "{{ 1 % 0 }}",
    "in_none": "{{ 'a' in none }}", "in_int_text": "{{ 1 in 'abc' }}", "in_number": "{{ 1 in 5 }}", "loop_none": "{% for i in none %}{% endfor %}", "loop_int": "{% for i in 3 %}{% endfor %}",
    "unpack": "{% for a, b in [1, 2] %}{% endfor %}", "unpack_many": "{% set a, b = [1, 2, 3] %}",
    "call_text": "{{ name() }}", "no_method": "{{ name.nope() }}", "tojson_undefined": "{{ missing | tojson }}", "tojson_function": "{{ range | tojson }}",
    "ns_not": "{% set x = 1 %}{% set x.y = 2 %}", "ns_underscore": "{% set ns = namespace(_a=1) %}",
    "macro_many": "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "macro_unknown": "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", "macro_twice": "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}",
    "length_int": "{{ 3 | length }}", "slice_int": "{{ one[1:] }}", "slice_zero": "{{ list[::0] }}", "slice_text": "{{ list['a':] }}",
    "split_empty": "{{ 'a'.split('') }}", "join_ints": "{{ ','.join([1]) }}", "startswith_int": "{{ 'a'.startswith(1) }}",
    "range_big": "{{ range(1000000) | list | length }}", "unhashable": "{{ {[1]: 2} }}", "sort_mixed": "{{ [1, 'a'] | sort }}", "unary_text": "{{ -'a' }}",
    "format_few": "{{ '%s %s' % ('a',) }}", "format_many": "{{ '%s' % ('a', 'b') }}", "format_type": "{{ '%d' % 'a' }}", "format_index": "{{ '{1}'.format(1) }}",
    "abs_text": "{{ 'a' | abs }}", "sum_text": "{{ ['a'] | sum }}", "items_list": "{{ list | items | list }}", "strftime_none": "{{ strftime_now(none) }}",
    "syntax_end": "{% if yes %}\nx", "syntax_tag": "\n{% nope %}", "syntax_expr": "{{ 1 + }}", "syntax_empty": "{{ }}", "syntax_close": "{{ 1", "syntax_paren": "{{ (1 }}", "syntax_brace": "{{ {1] }}",
    "syntax_string": "{{ 'abc }}", "syntax_char": "{{ a ? b }}", "syntax_assign": "{% set 1 = 2 %}", "syntax_true": "{% set true = 2 %}", "syntax_for": "{% for x y %}{% endfor %}",
    "syntax_endfor": "{% for x in list %}{% endif %}", "syntax_else": "{% else %}", "syntax_comment": "a\n{# never", "syntax_raw": "{% raw %} never", "syntax_args": "{{ f(a=1, 2) }}",
    "syntax_default": "{% macro m(a=1, b) %}{% endmacro %}", "syntax_dot": "{{ a. }}", "syntax_pipe": "{{ a | }}", "syntax_is": "{{ a is }}", "syntax_pct": "{% %}", "syntax_eq": "{{ a = 1 }}",
    "no_filter": "{{ 1 | nope }}", "no_test": "{{ 1 is nope }}", "break_outside": "{% break %}", "index_missing": "{{ list.index(99) }}",
    "macro_depth": "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}", "caller_none": "{% macro m() %}{% endmacro %}{% call m() %}x{% endcall %}",
    "range_none": "{{ range() }}", "range_step": "{{ range(1, 2, 0) }}", "dict_pairs": "{{ dict([1]) }}", "replace_one": "{{ 'a' | replace('a') }}",
    "dictsort_list": "{{ list | dictsort }}", "get_none": "{{ mapping.get() }}", "pow_zero": "{{ 0 ** -1 }}", "less_dict": "{{ mapping < mapping }}",
    "cycle_none": "{% for i in list %}{{ loop.cycle() }}{% endfor %}", "loop_call": "{% for i in list %}{{ loop([1]) }}{% endfor %}", "call_kw_twice": "{{ dict(a=1, **{'a': 2}) }}",
    "call_star_int": "{{ range(*1) }}", "call_star_star": "{{ dict(**1) }}", "int_arg": "{{ 'a'.ljust('b') }}", "fill_two": "{{ 'a'.ljust(5, 'ab') }}",
    "multi_line": "{{ 'a' }}\n{% if yes %}\n{{ 1 / 0 }}\n{% endif %}", "macro_line": "{% macro m() %}\n\n{{ 1 / 0 }}{% endmacro %}\n{{ m() }}",
    "loop_line": "\n{% for i in list %}\n{% set x = i.y.z %}\n{% endfor %}", "elif_line": "{% if no %}\n{% elif 1 / 0 %}\n{% endif %}", "syntax_line": "\n\n{% if %}{% endif %}",
    "append_input": "{{ list.append(1) }}", "update_input": "{{ mapping.update({}) }}",
}

# What the reference's sandbox refuses and templates in use do all the same.
MUTABLE = {
    "append": "{% set l = [] %}{% for i in list %}{% set _ = l.append(i) %}{% endfor %}{{ l }}{{ l.pop() }}{{ l.pop(0) }}{{ l }}",
    "append_loop": "{% set l = [1] %}{{ l.append(2) }}{{ l | length }}{% set m = l + [3] %}{{ l.append(4) }}{{ m }}{{ l }}",
}
