"""The nouns every room shares, as frozen values.

All datetimes are aware and in UTC. Texts are plain: each renderer escapes for its own face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

Row = Mapping[str, Any]


class Verdict(StrEnum):
    """What a report concludes; `no_data` is about the logs, never about the service's health."""

    OK = "ok"
    FINDING = "finding"
    UNDECIDED = "undecided"
    NO_DATA = "no_data"
    ERROR = "error"


class Severity(IntEnum):
    """How much a finding matters; the JSON form is the name in lower case."""

    INFO = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4


class Family(StrEnum):
    """Who or what a cause belongs to; a closed list, documented in README.md."""

    QUOTA = "quota"
    LEAK = "leak"
    APP = "app"
    HUB = "hub"
    MODE = "mode"
    SERVICE = "service"
    AUTH = "auth"
    NET = "net"
    CLIENT = "client"
    UPSTREAM = "upstream"
    GROUP = "group"
    UNKNOWN = "unknown"


class Owner(StrEnum):
    """Who can do something about a cause."""

    APP = "app"
    NETWORK = "network"
    SERVICE = "service"
    PLAN = "plan"
    CLIENT = "client"
    UNKNOWN = "unknown"


_OWNERS = {
    Family.QUOTA: Owner.PLAN,
    Family.SERVICE: Owner.SERVICE,
    Family.NET: Owner.NETWORK,
    Family.CLIENT: Owner.CLIENT,
    Family.UNKNOWN: Owner.UNKNOWN,
}


class Confidence(StrEnum):
    """How firmly the rows carry a cause.

    high: a record states it. medium: a record states the ending and other rows point one way.
    low: the ending is stated, several causes remain and this one is only the likeliest.
    """

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Window:
    """The span that was asked about, from `start` to `end`, both included as KQL's `between` does; aware UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for moment in (self.start, self.end):
            if moment.utcoffset() != timedelta(0):
                raise ValueError(f"a window is kept in UTC, got {moment!r}")
        if self.start >= self.end:
            raise ValueError(f"a window starts before it ends, got {self.start} .. {self.end}")

    @property
    def span(self) -> timedelta:
        return self.end - self.start

    @classmethod
    def ending(cls, end: datetime, span: timedelta) -> Window:
        """The window of length `span` that ends at `end` (any aware zone)."""
        end = end.astimezone(UTC)
        return cls(end - span, end)


@dataclass(frozen=True, slots=True)
class Target:
    """The SignalR resource asked about; an empty `resource_id` means every one the engine sees."""

    resource_id: str = ""

    @property
    def name(self) -> str:
        return self.resource_id.rstrip("/").rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows an engine returned: aware UTC datetimes, dynamics parsed, columns named.

    `notes` are sentences about the answer itself (a partial result, unreadable lines).
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One line about the subject: a label and a value ("Lifetime", "12 min 4 s")."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a finding rests on: a sentence, and the rows behind it.

    `rows` may be fewer than `total`; a face that shows fewer still says how many there are. `step` names the query
    (`RanQuery.name`) whose rows these are; "coverage" is what the log families held.
    """

    title: str
    statement: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    total: int = 0
    step: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """The root cause the evidence decides for; `code` is kebab-case and finer than `family`."""

    family: Family
    code: str
    confidence: Confidence

    @property
    def owner(self) -> Owner:
        """Who can do something about it; what is no one else's is the app's."""
        return _OWNERS.get(self.family, Owner.APP)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cause that the evidence leaves open, and what would decide for or against it."""

    family: Family
    code: str
    why: str
    evidence_needed: str


@dataclass(frozen=True, slots=True)
class Scope:
    """How far a finding reaches: `size` things (`unit`, in the plural) between `first` and `last` (aware UTC).

    `shared` is what nearly all of them have in common: an address, a hub, a user, a region.
    """

    size: int
    unit: str
    first: datetime
    last: datetime
    shared: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found: what it means, what to do, and the evidence it rests on."""

    code: str
    cause: Family
    severity: Severity
    title: str
    meaning: str
    fixes: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    scope: Scope | None = None


class Ruled(StrEnum):
    """Whether a cause could be excluded: `out` only where the log that would show it was on and complete."""

    OUT = "ruled_out"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ruling:
    """A cause that was looked for and not found. `log` names the log family that is missing when it is unknown."""

    family: Family
    code: str
    outcome: Ruled
    why: str
    log: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One line or row of bars of a chart: a value for each of its points."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A small chart: 1 to 6 series over 1 to 20 points.

    `unit` names the values ("connections a minute"). `points` are short labels (times in UTC, addresses), and like the
    names of the series no two are the same; a series has a value for each.
    """

    title: str
    unit: str
    points: tuple[str, ...]
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """What these logs cannot show, why, and which log or place would show it."""

    question: str
    reason: str
    where: str
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class NextStep:
    """A ready-made command: `label` starts with a verb and fits a button (30 characters)."""

    label: str
    command: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one log family (the table's `Collection`) holds in the window.

    `gaps` are the spans in which so many records were to be expected that their absence means something.
    """

    family: str
    rows: int
    first: datetime | None
    last: datetime | None
    gaps: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class RanQuery:
    """One query that was run: its KQL as it can be pasted, and where the portal opens it.

    `name` is the step's, "opening" or "coverage"; `engine` is the time spent waiting for the engine.
    """

    name: str
    title: str
    kql: str
    rows: int
    engine: timedelta
    portal_url: str = ""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the rows say.

    `cause` is None when the evidence cannot decide; then `candidates` are ranked, likeliest first. `further` are the
    causes of other things that happened in the window, each with a finding of its own. `rulings` are the causes that
    were looked for and not found. Until `provisional_until` (aware UTC) records may still arrive that change the
    verdict; None when that time is over.
    """

    verdict: Verdict
    headline: str
    cause: Cause | None = None
    further: tuple[Cause, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    facts: tuple[Fact, ...] = ()
    findings: tuple[Finding, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    timeline: Evidence | None = None
    chart: Chart | None = None
    gaps: tuple[Gap, ...] = ()
    next_steps: tuple[NextStep, ...] = ()
    notes: tuple[str, ...] = ()
    provisional_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Conclusion):
    """One answer: a conclusion, and what was asked and run for it.

    `command` repeats the question exactly (the window in UTC). `total` is the time from reading the command to this
    report, `engine` the part of it spent waiting for queries.
    """

    query: str
    command: str
    target: Target
    window: Window
    coverage: tuple[Coverage, ...] = ()
    kql: tuple[RanQuery, ...] = ()
    total: timedelta = timedelta(0)
    engine: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Page:
    """Words that no query stands behind: help, version. `lines` are (left, right) pairs.

    A pair with an empty `left` is a paragraph; otherwise `left` is a command and `right` its meaning.
    """

    title: str
    lines: Sequence[tuple[str, str]] = field(default_factory=tuple)
    next_steps: tuple[NextStep, ...] = ()
