"""Start-up time and peak memory of the command, against an interpreter that does nothing and against duckdb."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench import Row

RUNS = 7
COMMAND = (sys.executable, "-m", "bot.cli")
NOTHING = (sys.executable, "-c", "pass")
DUCKDB = (sys.executable, "-c", "import duckdb, duckdb_kql")


@dataclass(frozen=True, slots=True)
class Cost:
    """One process: wall-clock seconds and peak resident memory in MiB."""

    seconds: float
    mebibytes: float


def run(command: Sequence[str]) -> Cost:
    """What a command costs from start to exit. Raises RuntimeError with its own words when it fails."""
    began = time.perf_counter()
    with TemporaryDirectory() as folder, (Path(folder) / "said").open("w+") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        # Not wait(): only wait4 tells what this one child used.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{command} ended with {process.returncode}:\n{said.read()[-2000:]}")
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Cost(seconds, usage.ru_maxrss / unit)


def typical(command: Sequence[str], runs: int = RUNS) -> Cost:
    """The median of several runs; the first, which reads files from a cold disk, is not counted."""
    run(command)
    costs = [run(command) for _ in range(runs)]
    return Cost(median(cost.seconds for cost in costs), median(cost.mebibytes for cost in costs))


def a_dropped_connection(archive: Path) -> tuple[str, str]:
    """The id and time (ISO 8601, UTC) of some connection that an archive says was aborted."""
    for path in sorted(archive.rglob("*.json")):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record.get("operationName") == "ConnectionAborted":
                return record["properties"]["connectionId"], record["time"]
    raise RuntimeError(f"no dropped connection in {archive}")


def measure() -> list[Row]:
    """The comparisons, made by a small process: a child's peak memory counts what its parent held at its start."""
    done = subprocess.run([sys.executable, "-m", "tests.bench.startup"], stdout=subprocess.PIPE, check=True)
    return [Row(**row) for row in json.loads(done.stdout)]


def compare() -> list[Row]:
    """Start-up of `version`, `help` and a first answer on a sample archive; and that answer's memory."""
    nothing, duckdb = typical(NOTHING), typical(DUCKDB)
    with TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        run([*COMMAND, "simulate", "--out", str(archive), "--seed", "1"])
        connection, when = a_dropped_connection(archive)
        asking = ["why-dropped", connection, "--at", when, "--logs", str(archive), "--now", when]
        version, page, answer = (
            typical([*COMMAND, "version"]),
            typical([*COMMAND, "help"]),
            typical([*COMMAND, *asking]),
        )
    return [
        Row("start: version, against bare Python", version.seconds, nothing.seconds, "s"),
        Row("start: help, against bare Python", page.seconds, nothing.seconds, "s"),
        Row("start: first answer, against importing duckdb", answer.seconds, duckdb.seconds, "s"),
        Row("memory: first answer, against importing duckdb", answer.mebibytes, duckdb.mebibytes, "MiB"),
    ]


if __name__ == "__main__":
    print(json.dumps([asdict(row) for row in compare()]))
