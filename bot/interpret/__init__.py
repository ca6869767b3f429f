"""Pure readers: what to ask next, and what the rows say.

An interpreter is a module with `asks` and `conclude`. Core calls `asks` with no tables first: what comes back runs
beside the opening query. It calls again with the tables it has so far, runs all that come back side by side, until
none come; then `conclude` reads everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.command import Command
from bot.knowledge import Knowledge
from bot.model import Conclusion, Coverage, Table, Window

__all__ = ["COVERAGE", "OPENING", "Ask", "Conclusion", "Interpreter", "Question", "Tables"]

OPENING = "opening"
COVERAGE = "coverage"


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, when (`now`, aware UTC), and what the log families hold in the window.

    `coverage` is empty before the first round. `logged` is the span the engine's logs are known to cover when the
    window holds no record, None when it cannot tell. `attached` are log lines that came with the question.
    """

    command: Command
    now: datetime
    coverage: tuple[Coverage, ...] = ()
    logged: Window | None = None
    attached: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A step to run: its name, its values, and its window when that is not the question's."""

    step: str
    values: Mapping[str, Any]
    window: Window | None = None


Tables = Mapping[str, Table]


class Interpreter(Protocol):
    """The two functions of a module under bot/interpret/."""

    def asks(self, question: Question, tables: Tables) -> Sequence[Ask]:
        """The steps that can run now, none of which is in `tables` yet; empty when all is asked.

        With empty `tables`: the steps that need nothing of the opening's rows.
        """

    def conclude(self, question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
        """What the rows say. A step missing from `tables` failed; the conclusion leaves its part out."""
