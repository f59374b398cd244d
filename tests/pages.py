"""The pages that people read, and the commands on them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
_PROGRAMS = "az|dagster|docker|duckdb|git|kubectl|make|meltano|openssl|pip|pipx|psql|python|tap-mdc-vm[a-z-]*|uv"
_BLOCK_OR_CODE = re.compile(rf"^( *)```(sh|yaml)\n(.*?)^\1```|`((?:{_PROGRAMS}) [^`\n]+)`", re.DOTALL | re.MULTILINE)


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
        for line in lines.replace("\\\n", " ").splitlines():
            typed = line if language == "sh" else "".join(re.findall(r"^ *(?:- )?run: (?!\|)(.*)", line))
            command = re.sub(r"\s+", " ", re.sub(r"(^| )\s*# .*", "", typed)).strip()
            found |= {command: None} if command else {}
    return list(found)
