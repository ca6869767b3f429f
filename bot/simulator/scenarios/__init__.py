"""The scenarios: one TOML file each, with what happens and what a perfect engineer concludes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from bot.simulator.journal import Noise
from bot.simulator.setting import HUBS, RECONNECT, Habits, Mode, Servers, Strays

T = TypeVar("T")
_SUFFIX = ".toml"
_TABLES = {"story", "size", "service", "clients", "noise", "fault", "truth"}
_FAULT = {"kind", "name", "at", "every"}
_STRAYS = {field.name for field in fields(Strays)}
VERDICTS = ("ok", "finding", "undecided", "no_data")


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is: hours of archive, clients at a usual moment, minutes a page stays open on average.

    `start_hour` is the hour of the day (UTC) that the first hour is as busy as; None for its own. `units` and `tier`
    make the quota: 1,000 connections a unit, 20 on the Free tier. Source: "Azure SignalR Service limits".
    """

    hours: int = 2
    clients: int = 600
    stay: int = 25
    start_hour: int | None = 9
    units: int = 1
    tier: str = "standard"


@dataclass(frozen=True, slots=True)
class Happening:
    """A fault to come: its `kind`, when it begins (`at`, in thousandths of the archive's span, several or one that is
    repeated `every` so many minutes; 0: not), and its parameters."""

    kind: str
    name: str
    at: tuple[int, ...]
    every: int
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TrueCause:
    """One cause that a perfect engineer names; `fault` is the one that knows when, how many, and `shared` what."""

    family: str
    code: str
    fault: str = ""
    owner: str = ""
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrueAnswer:
    """A question and what it should be answered: any of the `verdicts`, every one of the `causes`.

    `ask` has placeholders for facts of faults, `{reload.client}`. `missing` names what would have to be logged when
    the archive cannot decide. `also` are causes ("family/code") that are true too, and need not be named.
    """

    ask: str
    verdicts: tuple[str, ...]
    causes: tuple[TrueCause, ...] = ()
    missing: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    story: str
    size: Size
    servers: Servers
    habits: Habits
    strays: Strays
    noise: Noise
    faults: tuple[Happening, ...]
    truths: tuple[TrueAnswer, ...]


@cache
def names() -> tuple[str, ...]:
    """The names of all scenarios, in alphabetical order."""
    return tuple(
        sorted(each.name.removesuffix(_SUFFIX) for each in files(__package__).iterdir() if each.name.endswith(_SUFFIX))
    )


def load(name: str) -> Scenario:
    """The scenario of that name. Raises ValueError for a name there is not, or a file that cannot be right."""
    if name not in names():
        raise ValueError(f"there is no scenario {name!r}")
    return read(name, files(__package__).joinpath(name + _SUFFIX).read_text(encoding="utf-8"))


def read(name: str, text: str) -> Scenario:
    """The scenario in a file's text. Raises ValueError, naming the table, for anything it does not know."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"scenario {name}: {error}") from error
    try:
        return _scenario(name, tables)
    except (TypeError, ValueError) as error:
        raise ValueError(f"scenario {name}: {error}") from error


def _scenario(name: str, tables: Mapping[str, Any]) -> Scenario:
    if unknown := sorted(set(tables) - _TABLES):
        raise ValueError(f"unknown table or key {unknown[0]}")
    noise = dict(tables.get("noise", {}))
    strays = {key: noise.pop(key) for key in _STRAYS & set(noise)}
    faults = tuple(_happening(each) for each in tables.get("fault", ()))
    scenario = Scenario(
        name,
        str(tables["story"]) if "story" in tables else "",
        _made(Size, "size", tables.get("size", {})),
        _made(Servers, "service", {"regions": 1, "app_servers": 3} | tables.get("service", {})),
        _made(Habits, "clients", {"reloads": 60} | tables.get("clients", {})),
        _made(Strays, "noise", strays),
        _made(Noise, "noise", noise),
        faults,
        tuple(_answer(each) for each in tables.get("truth", ())),
    )
    _check(scenario)
    return scenario


def _happening(table: Mapping[str, Any]) -> Happening:
    at = table.get("at", 500)
    times = tuple(at) if isinstance(at, list) else (at,)
    if not all(isinstance(time, int) and 0 <= time < 1000 for time in times):
        raise ValueError(f"[[fault]]: at is in thousandths of the span, from 0 to 999, not {at!r}")
    kind = str(table["kind"]) if "kind" in table else ""
    parameters = {key: value for key, value in table.items() if key not in _FAULT}
    return Happening(kind, str(table.get("name", kind)), times, int(table.get("every", 0)), parameters)


def _answer(table: Mapping[str, Any]) -> TrueAnswer:
    causes = tuple(_made(TrueCause, "truth", cause) for cause in table.get("causes", ()))
    return _made(TrueAnswer, "truth", {**table, "causes": causes})


def _made(kind: type[T], where: str, table: Mapping[str, Any]) -> T:
    """`kind` with the values of a table; lists become tuples."""
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(table) - set(known)):
        raise ValueError(f"[{where}]: unknown key {unknown[0]}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    for key, value in values.items():
        default = known[key].default
        if default is not MISSING and default is not None and not isinstance(value, type(default)):
            raise ValueError(f"[{where}]: {key} is not a {type(default).__name__}: {value!r}")
    return kind(**values)


def _check(scenario: Scenario) -> None:
    """Raise ValueError for values that fit their types and nothing else."""
    size, servers, habits = scenario.size, scenario.servers, scenario.habits
    told = {fault.name for fault in scenario.faults}
    named = [cause.fault for truth in scenario.truths for cause in truth.causes if cause.fault]
    wrong = [
        (not scenario.story.strip() or "\n" in scenario.story, "the story is one line"),
        (size.hours < 1 or size.clients < 0 or size.stay < 1 or size.units < 1, "sizes are above zero"),
        (size.tier not in ("standard", "free"), f"there is no tier {size.tier!r}"),
        (servers.mode not in set(Mode), f"mode is one of {', '.join(Mode)}"),
        (servers.regions not in (1, 2), "there are 1 or 2 regions"),
        (bool(set(servers.hubs) - set(HUBS)) or not servers.hubs, f"hubs are some of {', '.join(HUBS)}"),
        (habits.reconnect not in RECONNECT, f"reconnect is one of {', '.join(RECONNECT)}"),
        (sum(habits.transports.values()) != 100, "transports are percentages that make 100"),
        (len(told) < len(scenario.faults), "two faults have the same name"),
        (not told.issuperset(named), f"no fault has the name {(set(named) - told or {''}).pop()!r}"),
        (_bad_verdicts(scenario.truths), f"verdicts are some of {', '.join(VERDICTS)}"),
    ]
    for is_wrong, complaint in wrong:
        if is_wrong:
            raise ValueError(complaint)


def _bad_verdicts(truths: Sequence[TrueAnswer]) -> bool:
    return any(not truth.verdicts or set(truth.verdicts) - set(VERDICTS) for truth in truths)
