"""The generated parts of the documentation: `make docs` writes them, tests/test_docs.py holds them to the files.

README.md's command table comes from the headers under queries/; queries/knowledge/README.md and the pages in codes/
beside it, a section for each finding and cause, from the knowledge tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from jinja2 import Template, UndefinedError

from bot import catalog, guide, times
from bot.catalog import Catalog
from bot.knowledge import Entry

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
CODES = ROOT / "queries" / "knowledge" / "README.md"
PAGES = CODES.parent / "codes"
_TABLE = re.compile(r"(<!-- commands -->\n).*?(<!-- /commands -->)", re.DOTALL)
# The causes that the interpreter decides for and no knowledge entry is named after.
DECIDED = {
    "client-network": "The clients of one address or network went silent together: look at what they share.",
    "app-shutdown": "An app server left in good order at that moment: a deployment, a restart or a scale-in.",
    "server-network": "Server connections of several addresses went silent together: look at the network first.",
    "many-networks": "Many clients of several networks went silent within seconds: not each client's own doing.",
}


def readme(text: str, found: Catalog) -> str:
    """README.md's text with its command table made anew."""
    rows = [
        f"| `{guide.usage(each)}` | {each.summary} | {f'the last {times.span_text(each.span)}' if each.span else ''} |"
        for each in found.verbs.values()
    ]
    table = "\n".join(["| command | answers | window unless named |", "| --- | --- | --- |", *rows])
    return _TABLE.sub(lambda match: f"{match[1]}{table}\n{match[2]}", text)


def codes(found: Catalog) -> dict[Path, str]:
    """The pages of finding and cause codes: an index, and one for each knowledge table."""
    index = [
        "# Findings and causes, by code",
        "",
        "Made by `make docs` from the tables in this folder; change those, not these pages. A report's",
        "`findings[].code`, `cause.code`, `rulings[].code` and `candidates[].code` are these.",
        "",
    ]
    pages = {}
    for name, table in sorted(found.knowledge.items()):
        page = [f"# From `{name}.toml`", ""]
        for entry in table.entries:
            page += _section(entry)
        pages[PAGES / f"{name}.md"] = _text(page)
        named = [f"[{entry.code}](codes/{name}.md#{entry.code})" for entry in table.entries]
        index += [f"## From [{name}.toml]({name}.toml)", "", *[f"- {each}" for each in named], ""]
    index += ["## Causes that other records decide", ""]
    for code, meaning in DECIDED.items():
        index += [f"- {code}: {meaning}"]
    page = ["# Causes that stay open", ""]
    for (family, code), said in groupby(sorted(_open(found)), key=lambda each: each[:2]):
        page += [f"## {code}", "", f"Family: {family}.", ""]
        page += [f"- {why} What would decide: {needed}" for _, _, why, needed in said]
        page.append("")
    pages[PAGES / "open_causes.md"] = _text(page)
    index += ["", "Causes that stay open, with what would decide: [open_causes.md](codes/open_causes.md)."]
    return {CODES: _text(index), **pages}


def _text(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def _section(entry: Entry) -> list[str]:
    confidence = f", confidence {entry.confidence}" if entry.confidence else ""
    expected = ", expected" if entry.expected else ""
    lines = [f"## {entry.code}", "", f"*{_words(entry.title)}*: {entry.cause}{confidence}, "
             f"{entry.severity.name.lower()}{expected}.", "", _words(entry.meaning), ""]  # fmt: skip
    lines += [f"- {_words(fix)}" for fix in entry.fixes]
    lines += [f"- See [{link.title}]({link.url})" for link in entry.links]
    return [*lines, ""]


def _open(found: Catalog) -> set[tuple[str, str, str, str]]:
    known = {entry.code for table in found.knowledge.values() for entry in table.entries} | DECIDED.keys()
    return {
        (candidate.family.value, candidate.code, candidate.why, candidate.evidence_needed)
        for table in found.knowledge.values()
        for entry in table.entries
        for candidate in entry.candidates
        if candidate.code not in known
    }


def _words(template: Template) -> str:
    """A text of a knowledge table with its placeholders shown as `<name>`."""
    shown: dict[str, str] = {}
    while True:
        try:
            return template.render(shown)
        except UndefinedError as error:
            # Jinja tells them one by one, and a compiled template no longer lists them.
            name = re.fullmatch(r"'(\w+)' is undefined", str(error.message))
            if name is None or name[1] in shown:
                raise
            shown[name[1]] = f"`<{name[1].replace('_', ' ')}>`"


def outdated() -> Iterator[Path]:
    """The files whose generated part is not what the catalog says."""
    found = catalog.load()
    if readme(README.read_text(encoding="utf-8"), found) != README.read_text(encoding="utf-8"):
        yield README
    pages = codes(found)
    yield from (page for page, text in pages.items() if not page.exists() or page.read_text(encoding="utf-8") != text)
    yield from set(PAGES.glob("*.md")) - pages.keys()


def main() -> None:
    found = catalog.load()
    README.write_text(readme(README.read_text(encoding="utf-8"), found), encoding="utf-8")
    PAGES.mkdir(exist_ok=True)
    for page, text in codes(found).items():
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
