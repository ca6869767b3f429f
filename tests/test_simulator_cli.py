"""Scenarios from the command line and in the demo."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot import demo
from bot.cli import main
from bot.simulator import scenarios
from tests.test_simulator import ROOT


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(list(words))
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_the_list_names_every_scenario_and_its_story(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "simulate", "--list")
    told = [" ".join(line.split()) for line in out.replace("\n  ", " ").splitlines()]
    stories = [f"{name} {scenarios.load(name).story}" for name in scenarios.names()]
    assert (status, told, err) == (0, stories, "")


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "simulate", "--list", "--json")
    assert json.loads(out) == {name: scenarios.load(name).story for name in scenarios.names()}


def test_a_scenario_is_written_and_says_what_to_ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = ("--hours", "3", "--rate", "60", "--start", "2026-03-02T08:00Z")
    status, out, err = run(capsys, "simulate", "--scenario", "scale-out", "--seed", "3", "--out", str(tmp_path), *size)
    asked = [line.split()[1] for line in out.splitlines() if " signalr-bot " in line]
    window = all("--from 2026-03-02T08:0" in line and f"--logs {tmp_path}" in line for line in out.splitlines()[6:])
    assert (status, asked, window, "truth.toml" in out, err) == (0, ["drops", "servers", "growth"], True, True, "")


def test_a_scenario_as_json_tells_the_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "simulate", "--scenario", "scale-in", "--seed", "3", "--out", str(tmp_path), "--json")
    told = json.loads(out)
    [cause] = told["truths"][0]["causes"]
    assert (told["name"], cause["code"], cause["first"][:10]) == ("scale-in", "app-scaled-in", "2026-01-05")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(
            ["simulate", "--out", "x", "--scenario", "Office-Outag"],
            "There is no scenario “Office-Outag”.\n\nDid you mean\n"
            "  signalr-bot simulate --out sample --scenario office-outage\n",
            id="a name with a slip",
        ),
        pytest.param(
            ["demo", "--scenario", "office-outag"],
            "There is no scenario “office-outag”.\n\nDid you mean\n  signalr-bot demo --scenario office-outage\n",
            id="a slip in the demo",
        ),
        pytest.param(
            ["simulate", "--out", "x", "--rate", "60"],
            "--rate belongs to a scenario: name one with --scenario.\n",
            id="a rate without a scenario",
        ),
        pytest.param(
            ["simulate", "--out", "x", "--scenario", "scale-in", "--rate", "1"],
            "The simulator cannot do that: that makes 11 clients at a time; a scenario needs\n300 to 1000000.\n",
            id="too low a rate",
        ),
    ],
)
def test_what_cannot_be_done_is_said(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, *words)
    assert (status, out, err[: len(complaint)]) == (2, "", complaint)


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        pytest.param("\n", None, id="Enter takes the ordinary day"),
        pytest.param("", None, id="the end of the input too"),
        pytest.param("2\n", scenarios.names()[1], id="a number"),
        pytest.param(" Scale-In \n", "scale-in", id="a name"),
        pytest.param("0\n9999\nscale\nscale-out\n", "scale-out", id="asked again after a slip"),
    ],
)
def test_a_newcomer_chooses_what_happens(
    typed: str, chosen: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert demo.choose() == chosen


def test_the_demo_of_a_scenario_answers_a_question_about_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", "demo", "--dir", str(tmp_path), "--scenario", "app-closes-clients"],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    story, _, rest = done.stdout.partition("\n")
    assert (done.returncode, done.stderr, story, "$ signalr-bot " in rest, "\nFINDING:" in rest) == (
        0,
        "",
        scenarios.load("app-closes-clients").story,
        True,
        True,
    )
