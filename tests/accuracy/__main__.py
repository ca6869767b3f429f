"""`make accuracy`: every scenario by seeds and mutations; writes RESULTS.md and results.json beside this file.

Exit status 1 when a figure misses its target. `--scenario NAME` (again and again) and `--seeds N` run a part and
write nothing; `--show` lists every answer that was not right.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.simulator import scenarios
from tests.accuracy import mutations, results, running
from tests.accuracy.judging import Answered, Judged

HERE = Path(__file__).parent
PAGE, DATA = HERE / "RESULTS.md", HERE / "results.json"
SEEDS = 3
# What tests/test_accuracy.py runs again each time.
PART, PART_SEED = ("as written",), 1
# What must hold over all answers.
LEAST_RIGHT, MOST_WRONG, LEAST_UNDECIDED, MOST_FALSE_ALARMS = 0.95, 0.02, 0.95, 0.01


def missed(total: results.Sum) -> list[str]:
    """The targets that `total` misses, in words."""
    checks = {
        f"right {total.right} < {LEAST_RIGHT}": (total.right or 0) < LEAST_RIGHT,
        f"wrong {total.wrong} > {MOST_WRONG}": (total.wrong or 0) > MOST_WRONG,
        f"undecided when gone {total.undecided_when_gone} < {LEAST_UNDECIDED}": (
            total.undecided_when_gone is not None and total.undecided_when_gone < LEAST_UNDECIDED
        ),
        f"false alarms {total.false_alarms} > {MOST_FALSE_ALARMS}": (total.false_alarms or 0) > MOST_FALSE_ALARMS,
        f"{total.failed} answers failed": total.failed > 0,
    }
    return [said for said, holds in checks.items() if holds]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy", description="How often the answer is right.")
    parser.add_argument("--scenario", action="append", default=[], help="only this one; may be given again")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many seeds")
    parser.add_argument("--quick", action="store_true", help="only as written and with the evidence removed")
    parser.add_argument("--show", action="store_true", help="list every answer that was not right")
    parser.add_argument("--json", action="store_true", help="the sums as JSON on standard output")
    asked = parser.parse_args(argv)
    names = asked.scenario or list(scenarios.names())
    disturbed = PART if asked.quick else tuple(mutations.DISTURBED)
    seeds = range(1, asked.seeds + 1)
    answers = running.run(names, seeds, disturbed, workers=os.cpu_count() or 1)
    total = results.sum_up(answers)
    part = [
        each for each in answers if each.seed == PART_SEED and each.mutation not in {*mutations.DISTURBED} - {*PART}
    ]
    document = results.to_json(answers, part)
    if asked.show:
        _show(answers)
    if not (asked.scenario or asked.quick or asked.seeds != SEEDS):
        PAGE.write_text(results.page(answers, asked.seeds), encoding="utf-8")
        DATA.write_text(document + "\n", encoding="utf-8")
    print(document if asked.json else results.page(answers, asked.seeds))
    for said in missed(total):
        print(f"Missed: {said}", file=sys.stderr)
    return int(bool(missed(total)))


def _show(answers: Sequence[Answered]) -> None:
    for each in answers:
        if each.judged is not Judged.RIGHT:
            expected = each.expected if each.decidable else f"nothing to be decided ({each.expected})"
            print(
                f"{each.judged:9} {each.scenario} #{each.seed} [{each.mutation}] {each.ask}: said {each.said}; "
                f"expected {expected}",
                file=sys.stderr,
            )


if __name__ == "__main__":
    sys.exit(main())
