"""Knowledge tables: what a finding means and what to do, read from queries/knowledge/*.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template, TemplateError

from bot.errors import CatalogError
from bot.model import Candidate, Confidence, Evidence, Family, Finding, Link, Severity
from bot.reasons import Reason

_REQUIRED = {"code": str, "match": list, "cause": str, "severity": str, "title": str, "meaning": str, "fix": list}
_OPTIONAL = {
    "confidence": str, "expected": bool, "connection": str, "reported_error": bool, "links": list,
    "candidates": list,
}  # fmt: skip
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a knowledge table: when it fits, and what it says.

    `confidence` is None when the matched text alone does not carry the cause.
    """

    code: str
    patterns: tuple[re.Pattern[str], ...]
    connection: str
    reported_error: bool | None
    expected: bool
    cause: Family
    confidence: Confidence | None
    severity: Severity
    title: Template
    meaning: Template
    fixes: tuple[Template, ...]
    links: tuple[Link, ...]
    candidates: tuple[Candidate, ...]

    def fits(self, reason: Reason, connection: str) -> bool:
        """Whether this entry is about `reason` on a connection of type `connection` (Client or Server)."""
        if self.connection and self.connection != connection:
            return False
        if self.reported_error is not None and self.reported_error != reason.reports_error:
            return False
        return any(pattern.fullmatch(reason.key) for pattern in self.patterns)

    def finding(
        self, words: Mapping[str, str], evidence: Sequence[Evidence] = (), cause: Family | None = None
    ) -> Finding:
        """This entry as a finding; `words` fills the texts' placeholders, plain and unescaped.

        `cause` replaces the entry's own where other rows say whose it is.
        """
        return Finding(
            code=self.code,
            cause=cause or self.cause,
            severity=self.severity,
            title=self.title.render(words),
            meaning=self.meaning.render(words),
            fixes=tuple(fix.render(words) for fix in self.fixes),
            links=self.links,
            evidence=tuple(evidence),
        )


@dataclass(frozen=True, slots=True)
class Knowledge:
    """One table of entries, in the file's order; the first that fits wins."""

    entries: tuple[Entry, ...]

    def explain(self, reason: Reason, connection: str) -> Entry:
        """The entry for `reason`; the last two entries catch unknown and empty text."""
        for entry in self.entries:
            if entry.fits(reason, connection):
                return entry
        raise LookupError(f"no knowledge entry fits {reason.key!r}: the table lacks its catch-all")

    def __getitem__(self, code: str) -> Entry:
        for entry in self.entries:
            if entry.code == code:
                return entry
        raise KeyError(code)


def default_folder() -> Path:
    """queries/ beside the package in a checkout, inside it when installed from a wheel."""
    package = Path(__file__).parent
    installed = package / "queries"
    return installed if installed.is_dir() else package.parent / "queries"


def load(path: Path) -> Knowledge:
    """The knowledge table in a TOML file. Raises CatalogError naming the file and the entry."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogError(f"{path}: cannot be read as TOML: {error}.") from error
    entries = document.pop("entry", [])
    if document or not isinstance(entries, list) or not entries:
        raise CatalogError(f"{path}: holds [[entry]] tables and nothing else.")
    words = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - plain text; faces escape
    return Knowledge(tuple(_entry(path, number, raw, words) for number, raw in enumerate(entries, 1)))


def _entry(path: Path, number: int, raw: Mapping[str, Any], words: Environment) -> Entry:
    where = f"{path}: entry {number} ({raw.get('code', 'without a code')})"
    for key, kind in _REQUIRED.items():
        if not isinstance(raw.get(key), kind):
            raise CatalogError(f"{where}: lacks {key}, or it is no {kind.__name__}.")
    for key, value in raw.items():
        if key not in _REQUIRED and (key not in _OPTIONAL or not isinstance(value, _OPTIONAL[key])):
            raise CatalogError(f"{where}: does not know {key} = {value!r}.")
    if not _CODE.match(raw["code"]):
        raise CatalogError(f"{where}: a code is kebab-case.")
    try:
        confidence = raw.get("confidence", "")
        return Entry(
            code=raw["code"],
            patterns=tuple(re.compile(pattern, re.DOTALL) for pattern in raw["match"]),
            connection=raw.get("connection", ""),
            reported_error=raw.get("reported_error"),
            expected=raw.get("expected", False),
            cause=Family(raw["cause"]),
            confidence=Confidence(confidence) if confidence else None,
            severity=Severity[raw["severity"].upper()],
            title=words.from_string(raw["title"]),
            meaning=words.from_string(raw["meaning"]),
            fixes=tuple(words.from_string(fix) for fix in raw["fix"]),
            links=tuple(Link(title, url) for title, url in raw.get("links", [])),
            candidates=tuple(
                Candidate(Family(family), code, why, needed) for family, code, why, needed in raw.get("candidates", [])
            ),
        )
    except (ValueError, KeyError, TypeError, re.error, TemplateError) as error:
        raise CatalogError(f"{where}: {error}.") from error
