"""The truth about an archive: what happened in it, and what each question about it should be answered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.simulator.act import Act
from bot.simulator.scenarios import TrueAnswer, TrueCause
from bot.simulator.world import World

TRUTH_FILE = "truth.toml"
_PLACE = re.compile(r"\{([^{}.]+)\.([^{}.]+)\}")


@dataclass(frozen=True, slots=True)
class CauseTold:
    """A cause as it happened: from its first to its last record (aware UTC), and how many client connections it hit.

    `shared` is what those have in common, by "address", "hub", "user" or "region". `owner` is who has to act: app,
    service, network, client or plan. `first` and `last` are None for a state that was there all along.
    """

    family: str
    code: str
    first: datetime | None
    last: datetime | None
    size: int
    shared: Mapping[str, str]
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """A whole command without a window, and its right answer: one of `verdicts`, all of `causes`.

    `missing` names what would have to be logged where the archive cannot decide; `also` are causes ("family/code")
    that are true too, and need not be named.
    """

    ask: str
    verdicts: tuple[str, ...]
    causes: tuple[CauseTold, ...]
    missing: tuple[str, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a scenario's archive holds, and the truth about it.

    `first` and `last` are the times of its oldest and youngest record (aware UTC; `start` for both when there is
    none), `families` the collections that have records. `quota` is how many connections may be open at once.
    """

    name: str
    story: str
    seed: int
    resource_id: str
    first: datetime
    last: datetime
    records: int
    files: int
    families: tuple[str, ...]
    quota: int
    client_connections: int
    server_connections: int
    truths: tuple[Truth, ...]


def truths(answers: tuple[TrueAnswer, ...], acts: Mapping[str, Act], world: World) -> tuple[Truth, ...]:
    """The answers with what the run knows. One about something that hit nobody this time is left out."""
    told = []
    for answer in answers:
        ask = _filled(answer.ask, acts)
        causes = [_cause(cause, acts, world) for cause in answer.causes]
        if ask is not None and None not in causes:
            named = tuple(each for each in causes if each)
            told.append(Truth(ask, answer.verdicts, named, answer.missing, answer.also))
    return tuple(told)


def _filled(text: str, acts: Mapping[str, Act]) -> str | None:
    """The text with its facts; None when one of them did not come about."""
    places = _PLACE.findall(text)
    for name, _ in places:
        if name not in acts:
            raise ValueError(f"no fault has the name {name!r}, which {text!r} asks")
    if not all(key in acts[name].facts for name, key in places):
        return None
    return _PLACE.sub(lambda place: acts[place[1]].facts[place[2]], text)


def _cause(cause: TrueCause, acts: Mapping[str, Act], world: World) -> CauseTold | None:
    if not cause.fault:
        return CauseTold(cause.family, cause.code, None, None, 0, {}, cause.owner)
    act = acts[cause.fault]
    if act.first is None or act.last is None:
        return None
    shared = {key: act.facts[key] for key in cause.shared}
    first, last = world.moment(act.first), world.moment(act.last)
    return CauseTold(cause.family, cause.code, first, last, act.size, shared, cause.owner)


def write(told: Told, out: Path) -> None:
    """Put the truth beside the archive, as TOML, which no archive reader takes for logs."""
    lines = [
        f"name = {_text(told.name)}",
        f"story = {_text(told.story)}",
        f"seed = {told.seed}",
        f"resource_id = {_text(told.resource_id)}",
        f"first = {told.first.isoformat()}",
        f"last = {told.last.isoformat()}",
        f"records = {told.records}",
        f"families = {_texts(told.families)}",
        f"quota = {told.quota}",
    ]
    for truth in told.truths:
        lines += ["", "[[truth]]", f"ask = {_text(truth.ask)}", f"verdicts = {_texts(truth.verdicts)}"]
        lines += [f"missing = {_texts(truth.missing)}", f"also = {_texts(truth.also)}"]
        for cause in truth.causes:
            lines += ["", "[[truth.cause]]", f"family = {_text(cause.family)}", f"code = {_text(cause.code)}"]
            lines += [f"owner = {_text(cause.owner)}", f"size = {cause.size}"]
            if cause.first and cause.last:
                lines += [f"first = {cause.first.isoformat()}", f"last = {cause.last.isoformat()}"]
            shared = ", ".join(f"{_text(key)} = {_text(value)}" for key, value in cause.shared.items())
            lines += [f"shared = {{ {shared} }}"]
    (out / TRUTH_FILE).write_text("\n".join([*lines, ""]), encoding="utf-8")


def _text(text: str) -> str:
    return json.dumps(text)


def _texts(texts: tuple[str, ...]) -> str:
    return "[" + ", ".join(_text(text) for text in texts) + "]"
