"""Writes the golden files of internal/engine/jinja and internal/engine/chat with jinja2.

    python templates.py JINJA CHAT

JINJA is internal/engine/jinja/testdata, CHAT internal/engine/chat/testdata.
"""
import datetime
import json
import pathlib
import sys
import traceback

import jinja2
import jinja2.ext
import jinja2.nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

import chat_cases
import jinja_cases

NOW = datetime.datetime(2024, 12, 5, 9, 5, 3)


class Generation(jinja2.ext.Extension):
    """The tag that marks what an assistant wrote: its body is rendered as it is."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


class Namespace(jinja2.utils.Namespace):
    """Refuses names with an underscore before them, as transformers does."""

    def __init__(*args, **kwargs):
        self, rest = args[0], args[1:]
        attrs = dict(*rest, **kwargs)
        for name in attrs:
            if name.startswith("_"):
                raise jinja2.exceptions.SecurityError(name)
        jinja2.utils.Namespace.__init__(self, attrs)


def environment(kind=ImmutableSandboxedEnvironment):
    """jinja2 as transformers sets it up for chat templates."""

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = kind(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals.update(raise_exception=raise_exception, strftime_now=NOW.strftime, namespace=Namespace)
    return env


def line_of(error):
    """The template's line that an error comes from."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == "<template>"]
    return lines[-1] if lines else 0


def render(env, template, variables):
    """What a template makes of variables, or that it fails."""
    try:
        return {"output": env.from_string(template).render(**variables)}
    except RecursionError:
        return {"error": "too deep"}
    except Exception as e:  # whatever it is, the template fails
        out = {"error": str(e), "line": line_of(e)}
        if type(e) is jinja2.exceptions.TemplateError:
            out["raised"] = True
        return out


def cases():
    env, mutable = environment(), environment(SandboxedEnvironment)
    out = []

    def add(name, template, with_env=env):
        out.append({"name": name, "template": template} | render(with_env, template, jinja_cases.VARS))

    for line in jinja_cases.EXPRESSIONS.strip().splitlines():
        add(line, "{{ [%s] }}" % line)
        if "," not in line:
            add("alone: " + line, "{{ %s }}" % line)
    for name, template in jinja_cases.TEMPLATES.items():
        add(name, template)
    for name, template in jinja_cases.FAILING.items():
        add("fails: " + name, template)
    for name, template in jinja_cases.MUTABLE.items():
        add("mutable: " + name, template, mutable)
    unexpected = [c["name"] + ": " + c["error"] for c in out if "error" in c and not c["name"].startswith("fails: ")]
    unexpected += [c["name"] + " does not fail" for c in out if "error" not in c and c["name"].startswith("fails: ")]
    if unexpected:
        sys.exit("\n".join(unexpected))
    return out


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    jinja_dir = pathlib.Path(sys.argv[1])
    write(jinja_dir / "cases.json", {"vars": jinja_cases.VARS, "cases": cases()})
    chat_dir = pathlib.Path(sys.argv[2])
    files = [*chat_dir.glob("templates/*.jinja"), *chat_dir.parent.glob("templates/*.jinja")]
    env = environment()
    write(chat_dir / "prompts.json", chat_cases.prompts(lambda t, v: render(env, t, v), {f.stem: f.read_text() for f in sorted(files)}))
