"""The texts that `explain` knows, read strictly from queries/knowledge/explain/*.toml.

A template is a log text with holes: `{name}` stands for one word, `{name*}` for any text, an empty one too. Case,
quotes, full stops, commas and colons do not count, nor how much white space there is. An entry for HTTP statuses
names them (`status = ["404 Not Found"]`), and its file the `forms` in which any status is written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from bot.errors import CatalogError
from bot.knowledge import default_folder
from bot.model import Candidate, Cause, Confidence, Family, Link, Severity

LEARN = "https://learn.microsoft.com/azure/azure-signalr/"
# A hole's longest text: more than any id, URL or exception message, little enough to keep matching cheap.
WORD_MOST, TEXT_MOST = 400, 3_000
# Letters in its fixed words from which on a template is found inside other text too, not only as a whole line.
_TELLING = 20

SIGNS, VOICES = "signs.toml", "voices.toml"
_KINDS = ("ours", "names", "others")
_HOLE = re.compile(r"\{(\w+)(\*?)\}")
_WORD = re.compile(r"[a-z]{3,}|\d{3,}")
_QUOTES = str.maketrans("", "", "'\"`\u2018\u2019\u201c\u201d")
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_KEYS: Mapping[str, type] = {
    "code": str, "match": list, "speaker": str, "leg": str, "role": str, "cause": str, "confidence": str,
    "severity": str, "title": str, "meaning": str, "fix": list, "doc": str, "candidates": list, "next": list,
    "connection": str, "detail": str, "after": list, "within": bool, "evidence": str, "general": bool, "status": list,
}  # fmt: skip
_REQUIRED = ("code", "match", "speaker", "leg", "role", "title", "meaning")


class Role(StrEnum):
    """What a line is in the chain of events; `normal` is no trouble at all."""

    CAUSE = "cause"
    SYMPTOM = "symptom"
    CONSEQUENCE = "consequence"
    NORMAL = "normal"


class Speaker(StrEnum):
    """Who writes such a line."""

    SERVICE = "Azure SignalR Service"
    APP_SERVER = "the app server's SDK"
    CLIENT = "the client"
    SENDER = "the REST or Functions sender"
    WEB = "a web server or gateway on the way"
    UNKNOWN = "the text does not tell"


@dataclass(frozen=True, slots=True)
class Template:
    """One text, of `size` characters outside its holes.

    A line must hold all `words`; `whole` matches all of a line, `part` stands inside of one. `part` is None for a text
    too short to be recognised inside other text.
    """

    text: str
    size: int
    words: frozenset[str]
    whole: re.Pattern[str]
    part: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of line and what it means.

    `connection` limits it to records of that ConnectionType. `detail` is the hole whose text is explained in turn.
    `after` are the codes of entries whose line, seen beside this one, is its cause. `next` are command lines with
    holes, the best first. `evidence` is what would decide when `cause` is None. `general` words are written by many
    programs, so they decide for a cause only where the text is surely about SignalR.
    """

    code: str
    templates: tuple[Template, ...]
    speaker: Speaker
    leg: str
    role: Role
    cause: Cause | None
    severity: Severity
    title: str
    meaning: str
    fixes: tuple[str, ...]
    links: tuple[Link, ...]
    candidates: tuple[Candidate, ...]
    next: tuple[str, ...]
    connection: str
    detail: str
    after: tuple[str, ...]
    evidence: str
    general: bool


@dataclass(frozen=True, slots=True)
class Signs:
    """What shows whose a text in lower case is: `ours` are SignalR's addresses, `names` its names, `others` those of
    other programs.
    """

    ours: re.Pattern[str]
    names: re.Pattern[str]
    others: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Book:
    """All entries, an index from each template's rarest word to it, the signs of `signs.toml`, and the numbers that any
    template has in its fixed text.
    """

    entries: Mapping[str, Entry]
    index: Mapping[str, tuple[tuple[Template, Entry], ...]]
    signs: Signs
    numbers: frozenset[str]

    def possible(self, text: str) -> list[tuple[Template, Entry]]:
        """The templates all of whose words `text` holds: the longest first, then those for one type of connection."""
        words = _words(text)
        found = [pair for word in words & self.index.keys() for pair in self.index[word] if pair[0].words <= words]
        return sorted(found, key=lambda pair: (-pair[0].size, not pair[1].connection, pair[1].code))


@cache
def shared() -> Book:
    """The book of the running program, read at its first use."""
    return load(default_folder() / "knowledge" / "explain")


def load(folder: Path) -> Book:
    """The book in `folder`. Raises CatalogError naming the file and the entry for anything it does not understand."""
    entries: dict[str, Entry] = {}
    signs = _signs(folder / SIGNS)
    for path in sorted(folder.glob("*.toml")):
        for entry in _read(path) if path.name not in (SIGNS, VOICES) else ():
            if entry.code in entries:
                raise CatalogError(f"{path}: the code {entry.code} is there twice.")
            entries[entry.code] = entry
    for entry in entries.values():
        if unknown := [code for code in entry.after if code not in entries]:
            raise CatalogError(f"{folder}: {entry.code} comes after {unknown[0]}, which is no entry.")
    texts = (_HOLE.sub(" ", template.text) for entry in entries.values() for template in entry.templates)
    return Book(entries, _index(entries.values()), signs, frozenset(re.findall(r"\d+", " ".join(texts))))


def compiled(text: str, *, within: bool | None = None) -> Template:
    """The template of `text`. Raises ValueError for one that could match anything."""
    words = _words(_HOLE.sub("0", text))
    if re.search(r"[^\W\d_]{3,}\{\w+\*?\}|\{\w+\*?\}[^\W\d_]{3,}", text):
        raise ValueError(f"{text!r} has a hole beside a letter, so its words are not sure to be found")
    if not words:
        raise ValueError(f"{text!r} holds no word of three letters")
    telling = sum(map(len, words)) >= _TELLING if within is None else within
    pattern = _pattern(text)
    return Template(
        text=text,
        size=len(_HOLE.sub("", text)),
        words=words,
        whole=re.compile(rf"{pattern}[\s.,:;!'\])]*\Z", re.IGNORECASE | re.DOTALL),
        part=re.compile(rf"(?<![^\W_]){pattern}(?![^\W_])", re.IGNORECASE | re.DOTALL) if telling else None,
    )


def _words(text: str) -> frozenset[str]:
    """The words and numbers of three characters and more in `text`; a quotation mark inside does not divide one."""
    return frozenset(_WORD.findall(text.lower().translate(_QUOTES)))


def _pattern(text: str) -> str:
    """`text` as a regular expression that looks at every character a bounded number of times.

    Between two texts of any length the first place that fits is the one, and is not reconsidered (an atomic group):
    hostile text cannot make the holes share it out in every possible way. Only the last one may look further.
    """
    parts = _HOLE.split(text.rstrip(" .:;,!"))
    done, open_part = "", ""
    for position in range(0, len(parts), 3):
        open_part += _literal(parts[position])
        if position + 1 == len(parts):
            break
        name, anything = parts[position + 1 : position + 3]
        if anything:
            is_last = position + 3 == len(parts) - 1 and not parts[-1].strip(" .:;,!'")
            done += f"(?>{open_part})" if done else open_part
            open_part = f"'?(?P<{name}>.{{0,{TEXT_MOST}}}{'' if is_last else '?'})'?"
        else:
            open_part += rf"'?(?P<{name}>\S{{0,{WORD_MOST}}})'?"
    return done + open_part


def _literal(text: str) -> str:
    def piece(match: re.Match[str]) -> str:
        if match["space"]:
            return " "
        return "'?" if match["quote"] else "[.,:;!]?" if match["stop"] else re.escape(match[0])

    return re.sub(r"(?P<space>\s+)|(?P<quote>['\"])|(?P<stop>[.,:;!])|.", piece, text)


def _index(entries: Iterable[Entry]) -> dict[str, tuple[tuple[Template, Entry], ...]]:
    pairs = [(template, entry) for entry in entries for template in entry.templates]
    counts: dict[str, int] = {}
    for template, _ in pairs:
        for word in template.words:
            counts[word] = counts.get(word, 0) + 1
    index: dict[str, list[tuple[Template, Entry]]] = {}
    for template, entry in pairs:
        rarest = min(template.words, key=lambda word: (counts[word], -len(word), word))
        index.setdefault(rarest, []).append((template, entry))
    return {word: tuple(found) for word, found in index.items()}


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogError(f"{path}: cannot be read as TOML: {error}.") from error


def _signs(path: Path) -> Signs:
    raw = _document(path).get("signs", {})
    try:
        return Signs(**{name: re.compile(rf"(?<![a-z0-9])(?:{_lowered('|'.join(raw[name]))})") for name in _KINDS})
    except (KeyError, TypeError, re.error) as error:
        raise CatalogError(f"{path}: lacks a list of regular expressions: {error}.") from error


def _lowered(pattern: str) -> str:
    """`pattern` in lower case, but for its classes such as \\S: many times faster than one that ignores case."""
    return re.sub(r"\\.|[A-Z]+", lambda part: part[0] if part[0][0] == "\\" else part[0].lower(), pattern)


def _read(path: Path) -> Iterator[Entry]:
    document = _document(path)
    lines, defaults = document.pop("line", []), document.pop("defaults", {})
    forms = document.pop("forms", [])
    if document or not isinstance(lines, list) or not lines or not isinstance(defaults, dict):
        raise CatalogError(f"{path}: holds forms, [defaults] and [[line]] tables and nothing else.")
    for number, raw in enumerate(lines, 1):
        written = list(dict.fromkeys([*raw.get("match", []), *_statuses(raw.get("status", []), forms)]))
        where = f"{path}: line {number} ({raw.get('code', 'without a code')})"
        yield read_entry(where, {**defaults, **raw, "match": written})


def _statuses(statuses: Sequence[str], forms: Sequence[str]) -> Iterator[str]:
    """Each HTTP status ("404 Not Found") in each of the forms in which programs write it."""
    for status in statuses:
        number, _, phrase = status.partition(" ")
        for form in forms:
            yield form.replace("<status>", number).replace("<phrase>", phrase)


def read_entry(where: str, raw: Mapping[str, Any]) -> Entry:
    """The entry that the TOML table `raw` describes; `where` begins each CatalogError."""
    if missing := [key for key in _REQUIRED if not raw.get(key)]:
        raise CatalogError(f"{where}: lacks {missing[0]}.")
    for key, value in raw.items():
        if key not in _KEYS or not isinstance(value, _KEYS[key]):
            raise CatalogError(f"{where}: does not know {key} = {value!r}.")
    if not _CODE.match(raw["code"]):
        raise CatalogError(f"{where}: a code is kebab-case.")
    try:
        role = Role(raw["role"])
        entry = Entry(
            code=raw["code"],
            templates=tuple(compiled(text, within=raw.get("within")) for text in raw["match"]),
            speaker=Speaker[raw["speaker"].upper().replace("-", "_")],
            leg=raw["leg"],
            role=role,
            cause=_cause(raw.get("cause", ""), raw.get("confidence", "")),
            severity=Severity[raw.get("severity", "info" if role is Role.NORMAL else "warning").upper()],
            title=raw["title"],
            meaning=raw["meaning"],
            fixes=tuple(raw.get("fix", ())),
            links=_links(raw.get("doc", "")),
            candidates=tuple(_candidate(each) for each in raw.get("candidates", ())),
            next=tuple(raw.get("next", ())),
            connection=raw.get("connection", ""),
            detail=raw.get("detail", ""),
            after=tuple(raw.get("after", ())),
            evidence=raw.get("evidence", ""),
            general=raw.get("general", False),
        )
    except (ValueError, KeyError, TypeError, re.error) as error:
        raise CatalogError(f"{where}: {error}.") from error
    if role is not Role.NORMAL and entry.cause is None and not entry.candidates:
        raise CatalogError(f"{where}: decides for a cause, or lists candidates.")
    return entry


def _cause(text: str, confidence: str) -> Cause | None:
    if not text:
        return None
    family, _, code = text.partition("/")
    return Cause(Family(family), _kebab(code), Confidence(confidence))


def _candidate(raw: Sequence[str]) -> Candidate:
    text, why, needed = raw
    family, _, code = text.partition("/")
    return Candidate(Family(family), _kebab(code), why, needed)


def _kebab(code: str) -> str:
    if not _CODE.match(code):
        raise ValueError(f"a cause is family/code in kebab-case, not {code!r}")
    return code


def _links(page: str) -> tuple[Link, ...]:
    if not page:
        return ()
    name = page.rpartition("#")[2].removeprefix("signalr-").replace("-", " ")
    return (Link(f"Microsoft Learn: {name}", LEARN + page),)
