"""The answers summed up: one table for all, one row for each scenario, and the same as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, median
from typing import Any

from tests.accuracy.judging import Answered, Judged


@dataclass(frozen=True, slots=True)
class Sum:
    """What a set of answers comes to; shares from 0 to 1, None where there is nothing to divide.

    `right`, `wrong`, `partly` and `abstained` are of the answers whose truth was there to be found;
    `undecided_when_gone` of those whose evidence was not. `precision` is how many of the abstentions were called for,
    `recall` how many of those called for were made. `false_alarms` are of the answers about healthy traffic.
    `size_error` is the median relative error of a cause's size, `first_event_s` that of its first event in seconds.
    """

    answers: int
    right: float | None
    wrong: float | None
    partly: float | None
    abstained: float | None
    failed: int
    undecided_when_gone: float | None
    precision: float | None
    recall: float | None
    false_alarms: float | None
    healthy: int
    size_error: float | None
    first_event_s: float | None
    milliseconds: float | None
    rows: float | None


def sum_up(answers: Sequence[Answered]) -> Sum:
    """All of `answers` in one row."""
    there = [each for each in answers if each.decidable]
    gone = [each for each in answers if not each.decidable]
    healthy = [each for each in there if each.healthy]
    judged = Counter(each.judged for each in there)
    kept_quiet = sum(each.judged is Judged.RIGHT for each in gone)
    needless = judged[Judged.ABSTAINED]
    sizes = [each.size_error for each in answers if each.size_error is not None]
    moments = [abs(each.late_s) for each in answers if each.late_s is not None]
    return Sum(
        answers=len(answers),
        right=_share(judged[Judged.RIGHT], len(there)),
        wrong=_share(judged[Judged.WRONG], len(there)),
        partly=_share(judged[Judged.PARTLY], len(there)),
        abstained=_share(needless, len(there)),
        failed=sum(each.judged is Judged.FAILED for each in answers),
        undecided_when_gone=_share(kept_quiet, len(gone)),
        precision=_share(kept_quiet, kept_quiet + needless),
        recall=_share(kept_quiet, len(gone)),
        false_alarms=_share(sum(each.alarm for each in healthy), len(healthy)),
        healthy=len(healthy),
        size_error=median(sizes) if sizes else None,
        first_event_s=median(moments) if moments else None,
        milliseconds=mean(each.milliseconds for each in answers) if answers else None,
        rows=mean(each.rows for each in answers) if answers else None,
    )


def by_scenario(answers: Iterable[Answered]) -> dict[str, Sum]:
    """A row for each scenario, in order."""
    found: dict[str, list[Answered]] = {}
    for each in answers:
        found.setdefault(each.scenario, []).append(each)
    return {name: sum_up(mine) for name, mine in sorted(found.items())}


def plain(total: Sum) -> dict[str, Any]:
    """A sum as JSON; without times, since no two machines agree on them."""
    return {
        key: round(value, 4) if isinstance(value, float) else value
        for key, value in asdict(total).items()
        if key != "milliseconds"
    }


def to_json(answers: Sequence[Answered], part: Sequence[Answered]) -> str:
    """Everything the page shows as JSON, one line for each sum; `part` are the answers that every test run repeats."""
    scenarios = [f"  {json.dumps(name)}: {_line(total)}" for name, total in by_scenario(answers).items()]
    lines = [f'"all": {_line(sum_up(answers))}', f'"part": {_line(sum_up(part))}', '"scenarios": {\n']
    return "{" + ",\n ".join(lines) + ",\n".join(scenarios) + "\n }}"


def _line(total: Sum) -> str:
    return json.dumps(plain(total))


def page(answers: Sequence[Answered], seeds: int) -> str:
    """RESULTS.md."""
    total = sum_up(answers)
    lines = [
        "# How often the answer is right",
        "",
        "Written by `make accuracy`. Every scenario of the simulator is written with several seeds, disturbed (new",
        "ids, shuffled, records lost or delivered twice, another time zone), and asked about; then its evidence is",
        "removed (a log family off, the last two fifths of the span missing) and it is asked again. The simulator",
        "tells the truth; it knows nothing of the queries and the knowledge that answer.",
        "",
        "A *wrong* answer names a cause that is not true, or says that all is well when it is not. *Abstained* is an",
        "`undecided` where the truth was there to be found.",
        "",
        f"{len(by_scenario(answers))} scenarios, {seeds} seeds, {total.answers:,} answers.",
        "",
        "| What | All |",
        "|---|---|",
        f"| Right, of those whose truth was there | {_percent(total.right)} |",
        f"| Wrong | {_percent(total.wrong)} |",
        f"| One of two causes left out | {_percent(total.partly)} |",
        f"| Abstained without need | {_percent(total.abstained)} |",
        f"| Undecided where the evidence was removed or never there | {_percent(total.undecided_when_gone)} |",
        f"| Abstention: precision, recall | {_percent(total.precision)}, {_percent(total.recall)} |",
        f"| False alarms on healthy traffic ({total.healthy:,} answers) | {_percent(total.false_alarms)} |",
        f"| Size of the cause, median error | {_percent(total.size_error)} |",
        f"| First event of the cause, median error | {_number(total.first_event_s)} s |",
        f"| Rows fetched for an answer, mean | {_number(total.rows)} |",
        f"| Time of an answer on the machine that wrote this, mean | {_number(total.milliseconds)} ms |",
        "",
        "| Scenario | Answers | Right | Wrong | Partly | Abstained | Undecided when gone | Size error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {each.answers} | {_percent(each.right)} | {_percent(each.wrong)} | {_percent(each.partly)} "
        f"| {_percent(each.abstained)} | {_percent(each.undecided_when_gone)} | {_percent(each.size_error)} |"
        for name, each in by_scenario(answers).items()
    ]
    return "\n".join([*lines, ""])


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
