"""The pages that people read, and the commands on them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
_PROGRAMS = "az|dagster|docker|duckdb|git|kubectl|make|meltano|openssl|pip|pipx|psql|python|tap-mdc-vm[a-z-]*|uv"
_BLOCK_OR_CODE = re.compile(rf"^( *)```(sh|yaml)\n(.*?)^\1```|`((?:{_PROGRAMS}) [^`\n]+)`", re.DOTALL | re.MULTILINE)
_ANSWER = re.compile(r"```sh\n([^`]*?) *```\s+```text\n(.*?) *```", re.DOTALL)


def commands(page: Path) -> list[str]:
    """Return every command that a page tells people to type, from top to bottom, each once and on one line.

    Those are the lines of blocks of shell, the lines ``run:`` of workflows, and inline code that begins with a program
    and has arguments. Inline code with an ellipsis shows a form and is no command.
    """
    found: dict[str, None] = {}
    for block in _BLOCK_OR_CODE.finditer(page.read_text(encoding="utf-8")):
        _, language, lines, inline = block.groups()
        if inline:
            found |= {inline: None} if "…" not in inline else {}
            continue
        for line in _lines(lines) if language == "sh" else lines.splitlines():
            typed = line if language == "sh" else "".join(re.findall(r"^ *(?:- )?run: (?!\|)(.*)", line))
            command = _one_line(typed)
            found |= {command: None} if command else {}
    return list(found)


def _lines(block: str) -> list[str]:
    """Return the lines of a block; one with a quote that isn't closed goes on."""
    lines: list[str] = []
    for line in block.replace("\\\n", " ").splitlines():
        if lines and re.sub(r"(^| )\s*# .*", "", lines[-1]).count("'") % 2:
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return lines


def answers(page: Path) -> dict[str, re.Pattern[str]]:
    """Return what a page says that commands show: a block of text right behind a block of shell, for its last command.

    An ellipsis stands for anything.
    """
    found = {}
    for lines, shown in _ANSWER.findall(page.read_text(encoding="utf-8")):
        text = "".join(f"{line.strip()}\n" for line in shown.splitlines())
        pattern = re.escape(text).replace("…", ".*")
        found[_one_line(lines.replace("\\\n", " ").strip().splitlines()[-1])] = re.compile(pattern, re.DOTALL)
    return found


def _one_line(typed: str) -> str:
    """Return a command without its comment and without blanks that don't count."""
    return re.sub(r"\s+", " ", re.sub(r"(^| )\s*# .*", "", typed)).strip()
