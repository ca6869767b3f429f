"""Pure readers: what to ask next, and what the rows say.

An interpreter is a module with `asks` and `conclude`. Core calls `asks` with the tables it has so far, runs all that
come back side by side, and calls again until none come; then `conclude` reads everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bot.command import Command
from bot.knowledge import Knowledge
from bot.model import (
    Candidate,
    Cause,
    Coverage,
    Evidence,
    Fact,
    Finding,
    Gap,
    NextStep,
    Table,
    Verdict,
    Window,
)

OPENING = "opening"


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, when (`now`, aware UTC), and what the log families hold in the window.

    `logged` is the span the engine's logs are known to cover, None when it cannot tell.
    """

    command: Command
    now: datetime
    coverage: tuple[Coverage, ...]
    logged: Window | None


@dataclass(frozen=True, slots=True)
class Ask:
    """A step to run: its name, its values, and its window when that is not the question's."""

    step: str
    values: Mapping[str, Any]
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What an interpreter makes of the rows; the fields are those of `bot.model.Report`."""

    verdict: Verdict
    headline: str
    cause: Cause | None = None
    candidates: tuple[Candidate, ...] = ()
    facts: tuple[Fact, ...] = ()
    findings: tuple[Finding, ...] = ()
    timeline: Evidence | None = None
    gaps: tuple[Gap, ...] = ()
    next_steps: tuple[NextStep, ...] = ()
    notes: tuple[str, ...] = field(default=())


Tables = Mapping[str, Table]


class Interpreter(Protocol):
    """The two functions of a module under bot/interpret/."""

    def asks(self, question: Question, tables: Tables) -> Sequence[Ask]:
        """The steps that can run now, none of which is in `tables` yet; empty when all is asked."""

    def conclude(self, question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
        """What the rows say. A step missing from `tables` failed; the conclusion leaves its part out."""
