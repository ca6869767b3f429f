"""The command line, run as a person runs it, on an archive that the simulator wrote."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot import __version__
from bot.cli import main
from bot.simulator import Written, write_archive

ROOT = Path(__file__).parent.parent
START = datetime(2026, 1, 5, 6, tzinfo=UTC)
NOW = "2026-01-05T12:00Z"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Written]:
    place = tmp_path_factory.mktemp("archive")
    return place, write_archive(place, seed=3, connections=2_000, hours=6, start=START)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("SIGNALR_BOT_", "SLACK_", "AZURE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLUMNS", "80")


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = main(argv)
    caught = capsys.readouterr()
    return status, caught.out, caught.err


def dropped(written: Written) -> str:
    return next(e.connection_id for e in written.examples if e.fault_code not in ("healthy", "still-open"))


def asked(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in ("query", "verdict", "window")}


def test_an_answer_is_one_json_document(written: tuple[Path, Written], capsys: pytest.CaptureFixture[str]) -> None:
    place, archive = written
    status, out, err = run(capsys, "why-dropped", dropped(archive), "8h", "--json", "--logs", str(place), "--now", NOW)
    assert (status, asked(json.loads(out)), err) == (
        0,
        {
            "query": "why-dropped",
            "verdict": "finding",
            "window": {"from": "2026-01-05T04:00:00Z", "to": "2026-01-05T12:00:00Z"},
        },
        "",
    )


def test_a_finding_can_fail_the_command(written: tuple[Path, Written], capsys: pytest.CaptureFixture[str]) -> None:
    place, archive = written
    line = ("why-dropped", dropped(archive), "--fail-on-finding", f"--logs={place}", f"--now={NOW}")
    assert run(capsys, *line)[0] == 1


def test_text_starts_with_the_verdict_and_steps_can_be_run(
    written: tuple[Path, Written], capsys: pytest.CaptureFixture[str]
) -> None:
    place, archive = written
    _, out, _ = run(capsys, "--logs", str(place), "--now", NOW, "why-dropped", dropped(archive))
    steps = [line for line in out.splitlines() if line.startswith("    signalr-bot ")]
    assert (out.split(":")[0], {line.endswith(f" --logs {place}") for line in steps}) == ("FINDING", {True})


def test_logs_that_are_not_there_end_the_command_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "why-dropped", "abc", "--logs", "nowhere/at/all")
    assert (status, out.split(":")[0], err) == (3, "ERROR", "")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (
            ["why-dropped"],
            "why-dropped needs a connection id.\n\nThis works\n  signalr-bot why-dropped",
        ),
        (
            ["why-droped", "abc"],
            "There is no subcommand “why-droped”.\n\nDid you mean\n  signalr-bot why-dropped abc\n",
        ),
        (["why-dropped", "abc"], "No logs to ask: neither an archive on disk nor a Log Analytics"),
        (["why-dropped", "abc", "--logs"], "--logs needs a value.\n"),
        (["why-dropped", "abc", "--logs", "--kql"], "--logs needs a value.\n"),
        (["why-dropped", "abc", "--help=x"], "--help takes no value.\n"),
        (["why-dropped", "abc", "--now", "9999-12-31T23:59:59Z"], "--now: That is further ahead than any log goes"),
        (["why-dropped", "abc", "--now", "1970-01-01T00:00Z"], "That is further back than any log goes"),
        (["why-dropped", "abc", "--now", "soon"], "--now: “soon” is not a time I can read.\n"),
        (["simulate"], "signalr-bot simulate: the following arguments are required: --out.\n"),
        (
            ["simulate", "--out", "x", "--hours", "0"],
            "The simulator cannot do that: hours must be from 1 to 744, not 0.\n",
        ),
        (["prompt"], "The prompt needs a terminal.\n"),
    ],
)
def test_bad_usage_ends_with_2_and_words_on_stderr(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, *argv)
    assert (status, out, err[: len(said)]) == (2, "", said)


def test_bad_usage_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "why-droped", "abc", "--json")
    error = json.loads(out)["error"]
    assert (status, error["message"], error["suggestions"], err) == (
        2,
        "There is no subcommand “why-droped”.",
        ["why-dropped abc", "drops 2h"],
        "",
    )


@pytest.mark.parametrize("words", [["why-dropped", "abc"], ["why-dropped", "abc", "--json"]], ids=["text", "JSON"])
def test_a_time_zone_that_does_not_exist_is_said_once(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}\n")
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", *words, "--logs", str(tmp_path), "--now", "14:05"],
        cwd=ROOT, env={**os.environ, "TZ": "UTC+3"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    said = "TZ=UTC+3 is no time zone with a name like Europe/Berlin; times are read and shown in UTC.\n"
    assert done.stderr == said


def test_ctrl_c_is_quiet(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bot.guide.version", interrupted)
    assert run(capsys, "version") == (130, "", "")


def test_a_mistake_of_ours_is_one_sentence_with_an_id(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.guide.version", lambda: 1 / 0)
    status, _, err = run(capsys, "version")
    assert (status, err.split("(")[0], err.split(": ")[1].split(")")[0]) == (
        3,
        "Something went wrong inside the bot ",
        "ZeroDivisionError",
    )


@pytest.mark.parametrize("word", ["version", "--version"])
def test_the_version(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, word) == (0, f"signalr-bot {__version__}\n", "")


def test_help_names_every_subcommand_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys)
    named = [line.split()[0] for line in out.splitlines() if line.startswith("  ") and line[2] != " "]
    wanted = {
        "why-dropped",
        "simulate",
        "demo",
        "prompt",
        "serve",
        "--logs",
        "--now",
        "--json",
        "--fail-on-finding",
    }
    assert (status, wanted - set(named)) == (0, set())


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, trees = [], []
    for name in ("one", "two"):
        out = tmp_path / name
        told.append(run(capsys, "simulate", "--out", str(out), "--seed", "5", "--connections", "2000")[0])
        trees.append({path.relative_to(out): path.read_bytes() for path in out.rglob("*.json")})
    assert (told, trees[0] == trees[1], len(trees[0]) > 0) == ([0, 0], True, True)


def test_the_demo_answers_and_ends_without_a_terminal(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", "demo", "--dir", str(tmp_path / "a & $(b)")],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    shown = done.stdout.split("\n\n")
    assert (
        done.returncode,
        done.stderr,
        shown[1].startswith("$ signalr-bot why-dropped "),
        {shlex.split(line)[-1] for line in done.stdout.splitlines() if " signalr-bot why-dropped " in line},
        shown[2][:8],
    ) == (
        0,
        "",
        True,
        {str(tmp_path / "a & $(b)")},
        "FINDING:",
    )


def test_a_reader_that_leaves_early_is_no_failure() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "help"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)


def test_neither_help_nor_version_loads_an_engine_or_slack() -> None:
    code = "import sys, bot.cli; bot.cli.main(['help']); print(*{m.split('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert loaded & {"duckdb", "duckdb_kql", "azure", "slack_bolt", "aiohttp", "prompt_toolkit"} == set()
