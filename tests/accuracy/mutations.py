"""Disturbances of an archive: what real logs suffer, and what takes the evidence away.

A mutation turns the lines of an archive (JSON, one record each) into other lines. Those that only disturb leave the
truth as it was; those that remove evidence say what can then no longer be decided.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from bot.simulator import Told, Truth

Lines = list[str]

# What a question reads; without it nothing can be said.
READS: Mapping[str, tuple[str, ...]] = {
    "why-dropped": ("Connection",),
    "drops": ("Connection",),
    "user": ("Connection",),
    "growth": ("Connection", "Throttling"),
    "servers": ("Connection",),
    "clients": ("Connection",),
    "auth": ("Authorization", "Connection"),
    "throttling": ("Connection", "Throttling"),
    "trace": ("Message",),
    "messages": ("Message",),
    "group-race": ("Message",),
}
_ABOUT_ONE = ("why-dropped", "user", "trace")
_COLLECTION = re.compile(r'"collection":"([^"]*)"')
_TIME = re.compile(r'^\{"time":"([^"]*)"')
_ID = re.compile(r"[A-Za-z0-9_-]{20,}")
_TRACE = re.compile(r"(?<![\w.])\d{9,20}(?!\w|\.\d)")
_ELSEWHERE = timezone(timedelta(hours=5, minutes=30))
# The part of the span after which the log of an archive that "ends early" holds nothing more.
_ENDS_AT = 0.6


def _same(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Mutated:
    """The disturbed lines, the question as it must be asked of them, and whether what it needs is still there.

    `told` changes other texts in the same way: the app server's own log. `decidable` is
    None where the truth is partly gone, so that no answer can be called right or wrong.
    """

    lines: Lines
    ask: Callable[[str], str]
    decidable: Callable[[Truth], bool | None]
    told: Callable[[str], str] = _same


Mutation = Callable[[Lines, Told, random.Random], Mutated]


def _still(_: Truth) -> bool:
    return True


def plain(lines: Lines, told: Told, chance: random.Random) -> Mutated:
    """The archive as it was written."""
    return Mutated(lines, _same, _still)


def shuffled(lines: Lines, told: Told, chance: random.Random) -> Mutated:
    """The same records in any order."""
    return Mutated(chance.sample(lines, len(lines)), _same, _still)


def lost(lines: Lines, told: Told, chance: random.Random) -> Mutated:
    """One record in twenty never arrived."""
    return Mutated([line for line in lines if chance.random() >= 0.05], _same, _still)


def duplicated(lines: Lines, told: Told, chance: random.Random) -> Mutated:
    """One record in ten arrived twice, the second time at the end."""
    return Mutated([*lines, *(line for line in lines if chance.random() < 0.1)], _same, _still)


def elsewhere(lines: Lines, told: Told, chance: random.Random) -> Mutated:
    """The same instants, written in another time zone."""

    def moved(match: re.Match[str]) -> str:
        return f'{{"time":"{datetime.fromisoformat(match[1]).astimezone(_ELSEWHERE).isoformat()}"'

    return Mutated([_TIME.sub(moved, line) for line in lines], _same, _still)


def renamed(lines: Lines, told: Told, chance: random.Random) -> Mutated:
    """Other connection ids, users, groups and tracing ids throughout."""
    names: dict[str, str] = {}
    mask = chance.getrandbits(24) << 34

    def new(name: str) -> str:
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        if name not in names:
            names[name] = "".join(chance.choices(alphabet, k=max(len(name), 8)))
        return names[name]

    records = [json.loads(line) for line in lines]
    for record in records:
        for key in ("connectionId", "userId", "groupName"):
            if record["properties"].get(key):
                record["properties"][key] = new(record["properties"][key])

    def known(text: str) -> str:
        text = _ID.sub(lambda match: names.get(match[0], match[0]), text)
        return _TRACE.sub(lambda match: str(int(match[0]) ^ mask), text)

    for record in records:
        properties = record["properties"]
        if properties["collection"] == "Message":
            properties["message"] = known(properties["message"])
            if properties.get("messageTracingId") is not None:
                properties["messageTracingId"] = int(properties["messageTracingId"]) ^ mask

    def ask(text: str) -> str:
        verb, *words = text.split(" ")
        return " ".join([verb, *(names.get(word) or known(word) for word in words)])

    return Mutated([json.dumps(record) for record in records], ask, _still, known)


def without(families: Sequence[str]) -> Mutation:
    """The archive without some log families."""

    def mutation(lines: Lines, told: Told, chance: random.Random) -> Mutated:
        kept = [line for line in lines if _family(line) not in families]
        return Mutated(kept, _same, lambda truth: not set(READS[verb(truth)]) <= set(families) and None)

    return mutation


def ending_early(lines: Lines, told: Told, chance: random.Random) -> Mutated:
    """The last two fifths of the span are missing: the log stopped."""
    end = told.first + (told.last - told.first) * _ENDS_AT

    def decidable(truth: Truth) -> bool | None:
        if not truth.causes:
            # Nothing wrong in what is there says nothing about what is not; one message or connection may be whole.
            return False if "ok" in truth.verdicts and verb(truth) not in _ABOUT_ONE else None
        first = [cause.first for cause in truth.causes]
        if all(moment is not None and moment > end for moment in first):
            return False
        return None

    return Mutated([line for line in lines if _time(line) < end], _same, decidable)


# The disturbances that leave the truth as it was.
DISTURBED: Mapping[str, Mutation] = {
    "as written": plain,
    "new ids": renamed,
    "shuffled": shuffled,
    "5 % lost": lost,
    "10 % twice": duplicated,
    "another time zone": elsewhere,
}


def removing(told: Told) -> Mapping[str, Mutation]:
    """The mutations that take away what the questions of this scenario rest on."""
    sets = {READS[verb(truth)] for truth in told.truths}
    return {f"without {' and '.join(each)}": without(each) for each in sorted(sets)} | {"ends early": ending_early}


def verb(truth: Truth) -> str:
    """The question of a truth, without its arguments."""
    return truth.ask.split(" ", 1)[0]


def _family(line: str) -> str:
    found = _COLLECTION.search(line)
    return found[1] if found else ""


def _time(line: str) -> datetime:
    found = _TIME.match(line)
    if found is None:
        raise ValueError(f"a record without a time: {line[:80]!r}")
    return datetime.fromisoformat(found[1])
