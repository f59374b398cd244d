"""Writes what the code says about settings and fields into the files that repeat it.

With ``--check`` it only compares. In a page, what it writes stands between two lines with ``NAME: begin`` and
``NAME: end``; in a plugin definition it is the list ``settings``.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from meltano.core import yaml as meltano_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# The checkout's own, whatever is installed
from tap_mdc_vm import packaged  # noqa: E402
from tap_mdc_vm.settings import CONFIG_SCHEMA  # noqa: E402

SETTINGS: dict[str, dict[str, Any]] = CONFIG_SCHEMA["properties"]
REQUIRED: list[str] = CONFIG_SCHEMA["else"]["required"]

STREAMS = (*packaged.STREAMS, *packaged.EXTRA_STREAMS)
CI_EXAMPLES = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "examples" / "ci").glob("*/*.yml"))]
_KINDS = {"number": "decimal"}
_WORDS = {"id": "ID", "ids": "IDs", "url": "URL", "ca": "CA", "activate": "ACTIVATE"}


def label(name: str) -> str:
    """Return a setting's name as people write it, such as ``Tenant ID`` for ``tenant_id``."""
    return " ".join(_WORDS.get(word, word.capitalize()) for word in name.split("_"))


def meltano_setting(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a setting as Meltano (and MeltanoHub) define one."""
    json_type = schema["type"][0]
    kind = "date_iso8601" if schema.get("format") == "date" else _KINDS.get(json_type, json_type)
    # In the order in which Meltano writes them, when it changes a project
    setting: dict[str, Any] = {"name": name, "kind": "options" if "enum" in schema else kind}
    if "default" in schema:
        setting["value"] = schema["default"]
    setting |= {"label": label(name), "description": schema["description"]}
    if "enum" in schema:
        setting["options"] = [{"label": word, "value": word} for word in schema["enum"]]
    if schema.get("secret"):
        setting["sensitive"] = True
    return setting


def with_settings(text: str, arranged: Callable[[dict[str, Any]], Iterable[str]] = list) -> str:
    """Return a plugin definition in YAML with all settings in its first list of that name.

    They are laid out as Meltano does, so that a command that changes the project rewrites nothing else of it. Text that
    holds the same settings already, in the same order, is returned as it is. ``arranged`` gives the order of the keys
    of a setting.
    """
    settings = [meltano_setting(name, schema) for name, schema in SETTINGS.items()]
    settings = [{key: setting[key] for key in arranged(setting)} for setting in settings]
    found = re.search(r"^( *)settings:\n((?:\1[- ] .*\n)*)", text, re.MULTILINE)
    if not found:
        raise ValueError("there is no list of settings")
    indent, old = found.groups()
    if [list(each.items()) for each in yaml.safe_load(old)] == [list(each.items()) for each in settings]:
        return text
    dumped = meltano_yaml.dump(settings) or ""
    new = "".join(f"{indent}{line}\n" for line in dumped.splitlines())
    return text[: found.start(2)] + new + text[found.end(2) :]


def for_the_hub(text: str) -> str:
    """Return MeltanoHub's definition with all settings, and with its keys in the order of the alphabet, as there."""
    text = with_settings(text, arranged=sorted)
    head, *blocks = re.split(r"^(?=[a-z_]+:)", text, flags=re.MULTILINE)
    return head + "".join(sorted(blocks))


def settings_as_table() -> str:
    """Return all settings as a Markdown table."""
    lines = ["| setting | meaning | default |", "| --- | --- | --- |"]
    for name, schema in SETTINGS.items():
        words = schema | schema.get("items", {})
        choices = ", ".join(f"`{word}`" for word in words.get("enum") or words.get("examples") or [])
        begin = "Known:" if "enum" not in words else "Any of" if "items" in schema else "One of"
        one_of = f" {begin} {choices}." if choices else ""
        if "minimum" in schema:
            one_of += f" From {schema['minimum']} to {schema['maximum']}."
        secret = " **Secret.**" if schema.get("secret") else ""
        required = "required" if name in REQUIRED else ""
        default = f"`{json.dumps(schema['default']).strip(chr(34))}`" if "default" in schema else required
        lines.append(f"| `{name}` | {schema['description']}{one_of}{secret} | {default} |")
    return "\n".join(lines) + "\n"


def fields_as_table(stream: str) -> str:
    """Return a stream's fields as a Markdown table."""
    lines = ["| field | type | meaning |", "| --- | --- | --- |"]
    for name, schema in packaged.schema(stream)["properties"].items():
        kind = schema.get("format") or _json_type(schema)
        if kind == "array":
            kind = f"array of {_json_type(schema['items'])}s"
        lines.append(f"| `{name}` | {kind} | {schema['description']} |")
    return "\n".join(lines) + "\n"


def _json_type(schema: dict[str, Any]) -> str:
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return next(str(kind) for kind in kinds if kind != "null")


def as_block(example: str) -> str:
    """Return a file in YAML as a block of Markdown."""
    return f"```yaml\n{(ROOT / example).read_text(encoding='utf-8')}```\n"


def filled(text: str, name: str, part: str) -> str:
    """Return ``text`` with ``part`` between the two marks of that name."""
    marks = re.compile(
        rf"(^[^\n]*{re.escape(name)}: begin[^\n]*\n).*?(^[^\n]*{re.escape(name)}: end)", re.DOTALL | re.MULTILINE
    )
    if not marks.search(text):
        raise ValueError(f"the marks '{name}: begin' and '{name}: end' are missing")
    return marks.sub(lambda found: found[1] + part + found[2], text)


def written() -> dict[Path, str]:
    """Return each file that repeats settings or fields, with the content that it should have."""
    definitions = {ROOT / "meltano.yml": with_settings, ROOT / "hub" / "tap-mdc-vm.yml": for_the_hub}
    files = {path: laid_out(path.read_text(encoding="utf-8")) for path, laid_out in definitions.items()}
    parts = [("docs/settings.md", "settings", settings_as_table())]
    parts += [("docs/azure-setup.md", example, as_block(example)) for example in CI_EXAMPLES]
    parts += [("docs/streams.md", stream, fields_as_table(stream)) for stream in STREAMS]
    for file, name, part in parts:
        path = ROOT / file
        files[path] = filled(files.get(path) or path.read_text(encoding="utf-8"), name, part)
    return files


def main() -> int:
    """Write the files, or with ``--check`` name those that differ."""
    differing = [path for path, content in written().items() if path.read_text(encoding="utf-8") != content]
    if "--check" in sys.argv[1:]:
        for path in differing:
            print(f"{path.relative_to(ROOT)} differs from the code: run scripts/write_reference.py")
        return 1 if differing else 0
    for path in differing:
        path.write_text(written()[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
