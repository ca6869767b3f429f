"""Which questions the logs at hand can answer, by the log families each one reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.interpret import Question, coverage
from bot.interpret.coverage import AUTHORIZATION, CONNECTION, MESSAGE, THROTTLING
from bot.interpret.said import count
from bot.model import Coverage, Evidence
from bot.times import span_text

HTTP = "HTTP"
# What each question can't do without, and what makes its answer better. A test holds the verbs to the catalog.
NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "why-dropped": ((CONNECTION,), ()),
    "drops": ((CONNECTION,), ()),
    "user": ((CONNECTION,), (MESSAGE,)),
    "growth": ((CONNECTION,), ()),
    "servers": ((CONNECTION,), ()),
    "clients": ((CONNECTION,), ()),
    "throttling": ((CONNECTION,), (THROTTLING, MESSAGE)),
    "auth": ((AUTHORIZATION,), (CONNECTION,)),
    "messages": ((MESSAGE,), ()),
    "trace": ((MESSAGE,), ()),
    "group-race": ((MESSAGE,), (CONNECTION,)),
    "requests": ((HTTP,), ()),
    "explain": ((), ()),
    "logs": ((), ()),
}
YES, PART, NO = "yes", "in part", "no"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a question can be answered, and why not."""

    verb: str
    can: str
    reads: tuple[str, ...]
    why: str


def held(question: Question, family: str) -> Coverage | None:
    """What a family holds. What the HTTP request log calls itself is not public: any name with "http" in it is it."""
    if family != HTTP:
        return coverage.family(question, family)
    return next((each for each in question.coverage if "http" in each.family.casefold()), None)


def answers(question: Question) -> tuple[Answer, ...]:
    """Every question there is, in the order of NEEDS."""
    return tuple(_answer(question, verb, *needs) for verb, needs in NEEDS.items())


def _answer(question: Question, verb: str, needs: Sequence[str], helps: Sequence[str]) -> Answer:
    reads = (*needs, *helps)
    if lacking := [family for family in needs if held(question, family) is None]:
        why = f"no {lacking[0]} record"
        if lacking == [AUTHORIZATION] and coverage.family(question, CONNECTION):
            return Answer(
                verb,
                PART,
                reads,
                f"{why}; Connection records of the same switch came, so it may be that none was refused",
            )
        return Answer(verb, NO, reads, why)
    holes = [family for family in needs if family != HTTP and coverage.missing(question, family)]
    if holes:
        return Answer(verb, PART, reads, _gone(question, holes[0]))
    if without := [family for family in helps if held(question, family) is None]:
        return Answer(verb, PART, reads, f"without {' and '.join(without)} records")
    return Answer(verb, YES, reads, "")


def _gone(question: Question, family: str) -> str:
    found = coverage.family(question, family)
    gone = sum((gap.span for gap in found.gaps), timedelta()) if found else timedelta()
    return f"{family} records are missing for {span_text(gone)}"


def evidence(found: Sequence[Answer]) -> Evidence:
    """The questions as a table."""
    can, part = sum(answer.can != NO for answer in found), sum(answer.can == PART for answer in found)
    return Evidence(
        "By question",
        f"{can} of {count(len(found), 'question')} can be answered, {part} of them in part.",
        ("Question", "Answer", "Reads", "Why not, or not wholly"),
        tuple((each.verb, each.can, ", ".join(each.reads) or "no log", each.why) for each in found),
        len(found),
        "coverage",
    )
