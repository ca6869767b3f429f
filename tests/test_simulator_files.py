"""What the simulator writes as a whole: sizes, bytes, places, and what it refuses."""

from __future__ import annotations

import ast
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from bot.simulator import write_archive
from tests.test_simulator import ROOT, START, blobs, digest


def test_connections_is_about_how_many_client_connections_there_are(tmp_path: Path) -> None:
    ratios = {}
    for connections, hours in ((2_000, 1), (2_000, 48), (12_000, 1), (30_000, 2), (30_000, 200)):
        written = write_archive(tmp_path, seed=3, connections=connections, hours=hours, start=START)
        ratios[connections, hours] = written.client_connections / connections
    assert {key: ratio for key, ratio in ratios.items() if not 0.85 < ratio < 1.15} == {}


def test_the_same_arguments_give_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    program = (
        "import sys; from datetime import *; from pathlib import Path; from bot.simulator import write_archive;"
        "write_archive(Path(sys.argv[1]), seed=5, connections=2000, hours=2,"
        " start=datetime(2026, 3, 2, 8, tzinfo=timezone.utc))"
    )
    digests = set()
    for hash_seed in ("1", "2"):
        out = tmp_path / hash_seed
        environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", program, str(out)], env=environment, check=True)
        digests.add(digest(out))
    assert len(digests) == 1


def test_another_seed_gives_other_bytes(tmp_path: Path) -> None:
    digests = set()
    for seed in (0, 1, -1):
        write_archive(tmp_path / str(seed), seed=seed, connections=2_000, hours=1, start=START)
        digests.add(digest(tmp_path / str(seed)))
    assert len(digests) == 3


def test_the_start_is_its_full_hour_in_utc(tmp_path: Path) -> None:
    local = datetime(2026, 3, 2, 10, 47, 5, tzinfo=timezone(timedelta(hours=2)))
    for name, start in (("utc", START), ("local", local)):
        write_archive(tmp_path / name, seed=5, connections=2_000, hours=1, start=start)
    assert digest(tmp_path / "local") == digest(tmp_path / "utc")


def test_a_second_archive_replaces_the_first_and_nothing_else(tmp_path: Path) -> None:
    other = tmp_path / "insights-logs-alllogs" / "resourceId=" / "SUBSCRIPTIONS" / "mine.json"
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    write_archive(tmp_path, seed=5, connections=2_000, hours=30, start=START)
    written = write_archive(tmp_path, seed=5, connections=2_000, hours=2, start=START)
    assert (len(blobs(tmp_path)), other.read_text()) == (written.files + 1, "{}")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"connections": 1_999}, "connections must be from 2000", id="too few connections"),
        pytest.param({"connections": 5_000_001}, "to 5000000, not 5000001", id="too many connections"),
        pytest.param({"hours": 0}, "hours must be from 1 to 744, not 0", id="no hours"),
        pytest.param({"hours": 745}, "hours must be from 1 to 744, not 745", id="more than a month"),
        pytest.param({"start": START.replace(tzinfo=None)}, "needs a time zone", id="a naive start"),
    ],
)
def test_sizes_it_cannot_simulate_are_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    arguments: dict[str, Any] = {"seed": 1, "connections": 2_000, "hours": 1, "start": START, **change}
    with pytest.raises(ValueError, match=complaint):
        write_archive(tmp_path, **arguments)
    assert blobs(tmp_path) == []


def test_the_simulator_knows_nothing_of_the_bot() -> None:
    names = set()
    for path in (ROOT / "bot" / "simulator").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=aliases):
                    names |= {alias.name for alias in aliases}
                case ast.ImportFrom(module=module, level=level):
                    names.add("." * level + (module or ""))
    assert {
        name for name in names if name.startswith((".", "bot", "handlers")) and not name.startswith("bot.simulator")
    } == set()
