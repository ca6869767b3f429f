"""A part of `make accuracy`: all scenarios with one seed, as written and with their evidence removed."""

from __future__ import annotations

import json
import os

import pytest

from bot.simulator import scenarios
from tests.accuracy import __main__ as accuracy
from tests.accuracy import results, running
from tests.accuracy.judging import Answered

# What an answer or two more may fall behind the stored run before it counts as a step back.
MARGIN = 0.02


@pytest.fixture(scope="module")
def answers() -> list[Answered]:
    return running.run(scenarios.names(), [accuracy.PART_SEED], accuracy.PART, workers=os.cpu_count() or 1)


def test_every_target_holds(answers: list[Answered]) -> None:
    wrong = [each for each in answers if each.judged is not results.Judged.RIGHT]
    assert accuracy.missed(results.sum_up(answers)) == [], wrong


def test_no_figure_falls_behind_the_stored_run(answers: list[Answered]) -> None:
    stored = json.loads(accuracy.DATA.read_text(encoding="utf-8"))["part"]
    now = results.plain(results.sum_up(answers))
    behind = {
        key: (stored[key], now[key])
        for key, sign in {"right": 1, "wrong": -1, "undecided_when_gone": 1, "false_alarms": -1}.items()
        if sign * (stored[key] - now[key]) > MARGIN
    }
    assert behind == {}


def test_the_results_page_is_of_the_scenarios_there_are() -> None:
    stored = json.loads(accuracy.DATA.read_text(encoding="utf-8"))
    assert sorted(stored["scenarios"]) == sorted(scenarios.names())
