"""What the log pipeline of the simulator does to the lines on their way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.simulator.chance import Dice
from bot.simulator.clock import MINUTE, Clock
from bot.simulator.events import RESOURCE_ID, ended, started
from bot.simulator.instances import Instance
from bot.simulator.journal import Journal, Noise
from tests.plays import START, rows_of, stage


def journal(out: Path, noise: Noise) -> list[dict[str, Any]]:
    """What arrives of 2,000 lines, one of two kinds each second and a half."""
    clock = Clock()
    into = Journal(out, START, clock, Dice(1, "pipeline"), noise)
    instance = Instance(0, "westeurope", "0")
    for number in range(2_000):
        event = ended() if number % 2 else started()
        clock.after(number * 1_500, into.write, instance, event, "192.0.2.1", str(number), "")
    clock.run(60 * MINUTE)
    into.close()
    assert into.records == len(rows_of(out))
    return rows_of(out)


@pytest.mark.parametrize(
    ("noise", "least", "most"),
    [
        pytest.param(Noise(late=0), 2000, 2000, id="a quiet pipeline delivers all"),
        pytest.param(Noise(late=1000), 2000, 2000, id="a late line arrives"),
        pytest.param(Noise(lost=100), 1700, 1900, id="a tenth is lost"),
        pytest.param(Noise(lost=1000, late=0), 0, 0, id="everything is lost"),
        pytest.param(Noise(duplicates=1000, late=0), 4000, 4000, id="everything comes twice"),
        pytest.param(Noise(gaps=300), 1000, 1800, id="whole minutes are missing"),
        pytest.param(Noise(without=("Connection",)), 0, 0, id="the family is off"),
    ],
)
def test_what_the_pipeline_does_to_the_lines(tmp_path: Path, noise: Noise, least: int, most: int) -> None:
    assert least <= len(journal(tmp_path, noise)) <= most


@pytest.mark.parametrize(
    ("noise", "fractions"),
    [
        pytest.param(Noise(), {0}, id="whole seconds, as in public records"),
        pytest.param(Noise(milliseconds=True), {0, 500_000}, id="milliseconds"),
    ],
)
def test_the_clock_of_the_log(tmp_path: Path, noise: Noise, fractions: set[int]) -> None:
    assert {row["at"].microsecond for row in journal(tmp_path, noise)} == fractions


@pytest.mark.parametrize(
    ("made", "complaint"),
    [
        pytest.param(lambda: Noise(lost=1001), "lost is a share in thousandths, not 1001", id="more than all"),
        pytest.param(lambda: Noise(least_delay=5), "from 5 to 4 minutes", id="a span that ends before it begins"),
        pytest.param(lambda: Noise(without=("HTTP",)), "no log family 'HTTP'", id="an unknown family"),
    ],
)
def test_what_cannot_be_is_refused(made: Callable[[], object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        made()


def test_the_archive_of_a_scenario_is_all_the_resource_has(tmp_path: Path) -> None:
    staged = stage(tmp_path, "pipeline-noise")
    assert ({row["resourceId"] for row in staged.rows}, len(staged.rows)) == ({RESOURCE_ID}, staged.told.records)
