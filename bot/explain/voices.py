"""Who speaks in text that fits no known line: the names of SignalR's own classes, loggers and files tell.

What such a text says stays unknown, so it is never a cause: it is undecided with the usual suspects of its side, and
ordinary only where a logger's level says so and no word speaks of trouble. Read from
queries/knowledge/explain/voices.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from bot.errors import CatalogError
from bot.explain.lines import flat
from bot.explain.matching import Line, Match
from bot.explain.templates import VOICES, Entry, Role, read_entry
from bot.knowledge import default_folder
from bot.model import Severity

_SEARCHED = 200_000
_TEXT = "none; only names in it are known"
_KINDS = ("trouble", "calm", "elsewhere")


@dataclass(frozen=True, slots=True)
class Voice:
    """One side of SignalR: `names` are found in what it writes, `entry` is what can be said of any line of it."""

    names: re.Pattern[str]
    entry: Entry


@dataclass(frozen=True, slots=True)
class Voices:
    """All voices, the first that fits wins. `elsewhere` are words of compilers and package managers: no voice then."""

    trouble: re.Pattern[str]
    calm: re.Pattern[str]
    elsewhere: re.Pattern[str]
    all: tuple[Voice, ...]


@cache
def shared() -> Voices:
    """The voices of the running program, read at their first use."""
    return load(default_folder() / "knowledge" / "explain")


def load(folder: Path) -> Voices:
    """The voices in `folder`. Raises CatalogError naming the file for anything it does not understand."""
    path = folder / VOICES
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        said = {kind: "|".join(document.pop(kind)) for kind in _KINDS}
        trouble = re.compile(said["trouble"], re.IGNORECASE)
        calm = re.compile(rf"(?<![a-z])(?:{said['calm']})(?![a-z])", re.IGNORECASE)
        elsewhere = re.compile(said["elsewhere"])
        voices = tuple(_voice(f"{path}: voice {number}", raw) for number, raw in enumerate(document.pop("voice"), 1))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, re.error) as error:
        raise CatalogError(f"{path}: cannot be read as voices: {error}.") from error
    if document:
        raise CatalogError(f"{path}: does not know {', '.join(document)}.")
    return Voices(trouble, calm, elsewhere, voices)


def voiced(lines: Sequence[Line], text: str, known: Voices) -> list[Line]:
    """`lines` of the paste `text`, none of which was recognised, the first that tells of trouble given its voice."""
    text = text[:_SEARCHED]
    voice = next((each for each in known.all if each.names.search(text)), None)
    if voice is None or not lines or known.elsewhere.search(text):
        return list(lines)
    place = next((place for place, (record, _) in enumerate(lines) if known.trouble.search(record.message)), None)
    entry = voice.entry
    if place is None:
        if known.calm.search(text) is None:
            return list(lines)
        place, entry = 0, _ordinary(entry)
    record = lines[place][0]
    match = Match(entry, _TEXT, flat(record.message), {}, record)
    return [*lines[:place], (record, (match,)), *lines[place + 1 :]]


def _ordinary(entry: Entry) -> Entry:
    return replace(
        entry, role=Role.NORMAL, severity=Severity.INFO, meaning=f"{entry.meaning} Its level speaks of no trouble."
    )


def _voice(where: str, raw: dict[str, object]) -> Voice:
    names = raw.pop("names")
    if not isinstance(names, list) or not names:
        raise CatalogError(f"{where}: lacks a list of names.")
    return Voice(re.compile("|".join(names)), read_entry(where, {**raw, "role": Role.SYMPTOM.value, "match": [_TEXT]}))
