"""An answer held against the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from bot.model import Report, Severity, Verdict
from bot.simulator import CauseTold, Truth
from tests.accuracy import mutations

_ABSTAINED = (Verdict.UNDECIDED, Verdict.NO_DATA)


class Judged(StrEnum):
    """What an answer was: `partly` names no wrong cause and leaves one of several out."""

    RIGHT = "right"
    PARTLY = "partly"
    ABSTAINED = "abstained"
    WRONG = "wrong"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer, judged.

    `decidable` says whether the truth was there to be found; `alarm` is a finding that wakes somebody, `healthy` that
    nothing was wrong. `size_error` is the relative error of the main cause's size and `late_s` that of its first
    event in seconds, both None where the answer gives none.
    """

    scenario: str
    seed: int
    mutation: str
    ask: str
    decidable: bool
    healthy: bool
    judged: Judged
    alarm: bool
    said: str
    expected: str
    size_error: float | None
    late_s: float | None
    rows: int
    milliseconds: float

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def judge(report: Report, truth: Truth, *, decidable: bool, scenario: str, seed: int, mutation: str) -> Answered:
    """The answer `report` gave where `truth` was to be said; `decidable` is False when its evidence was removed."""
    said = {(cause.family.value, cause.code) for cause in (report.cause, *report.further) if cause is not None}
    true = {(cause.family, cause.code) for cause in truth.causes}
    expects_abstention = not decidable or set(truth.verdicts) <= {each.value for each in _ABSTAINED}
    alarm = report.verdict is Verdict.FINDING and any(each.severity >= Severity.WARNING for each in report.findings)
    healthy = not truth.causes and Verdict.OK in truth.verdicts
    size_error, late_s = _scope(report, truth) if decidable else (None, None)
    return Answered(
        scenario=scenario,
        seed=seed,
        mutation=mutation,
        ask=mutations.verb(truth),
        decidable=not expects_abstention,
        healthy=healthy,
        judged=_judged(report, truth, said, true, expects_abstention),
        alarm=alarm,
        said=f"{report.verdict}: {', '.join(sorted('/'.join(each) for each in said)) or '-'}",
        expected=f"{'/'.join(truth.verdicts)}: {', '.join(sorted('/'.join(each) for each in true)) or '-'}",
        size_error=size_error,
        late_s=late_s,
        rows=sum(ran.rows for ran in report.kql),
        milliseconds=report.total.total_seconds() * 1000,
    )


def _judged(
    report: Report, truth: Truth, said: set[tuple[str, str]], true: set[tuple[str, str]], expects_abstention: bool
) -> Judged:
    if report.verdict is Verdict.ERROR:
        return Judged.FAILED
    if expects_abstention:
        # A cause named all the same, or a clean bill, claims what nobody can know.
        return Judged.RIGHT if report.verdict in _ABSTAINED and not said else Judged.WRONG
    if report.verdict in _ABSTAINED and not said:
        return Judged.RIGHT if report.verdict.value in truth.verdicts else Judged.ABSTAINED
    named = said - {tuple(each.split("/")) for each in truth.also}
    if named - true or report.verdict.value not in truth.verdicts:
        return Judged.WRONG
    return Judged.RIGHT if said >= true else Judged.PARTLY


def _scope(report: Report, truth: Truth) -> tuple[float | None, float | None]:
    main = max((cause for cause in truth.causes if cause.first is not None), key=lambda c: c.size, default=None)
    if main is None or main.first is None or not main.size:
        return None, None
    for scope in _scopes(report, main):
        return abs(scope.size - main.size) / main.size, (scope.first - main.first).total_seconds()
    return None, None


def _scopes(report: Report, cause: CauseTold) -> Iterator[Any]:
    for finding in report.findings:
        if finding.code == cause.code and finding.cause.value == cause.family and finding.scope is not None:
            yield finding.scope
