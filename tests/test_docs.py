"""README.md, queries/knowledge/README.md and the catalog agree."""

from __future__ import annotations

import re

from bot import catalog
from bot.settings import CREDENTIALS
from tests import docs


def test_the_generated_parts_are_up_to_date() -> None:
    assert list(docs.outdated()) == [], "run `make docs`"


def test_every_code_of_a_report_has_a_section() -> None:
    found = catalog.load()
    text = "\n".join(docs.codes(found).values())
    sections = set(re.findall(r"^(?:## |- )([a-z0-9-]+)(?:$|:)", text, re.MULTILINE))
    codes = {
        code
        for table in found.knowledge.values()
        for entry in table.entries
        for code in (entry.code, *(candidate.code for candidate in entry.candidates))
    }
    assert codes - sections == set()


def test_the_readme_names_every_setting() -> None:
    source = (docs.ROOT / "bot" / "settings.py").read_text(encoding="utf-8")
    names = set(re.findall(r'"((?:SIGNALR_BOT|SLACK|AZURE)_[A-Z_]+)"', source)) | set(CREDENTIALS)
    text = docs.README.read_text(encoding="utf-8")
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_the_readme_names_every_family() -> None:
    text = docs.README.read_text(encoding="utf-8")
    families = {entry.cause.value for table in catalog.load().knowledge.values() for entry in table.entries}
    assert {family for family in families if f"`{family}`" not in text} == set()
