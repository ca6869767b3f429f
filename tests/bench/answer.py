"""Answers on a million records: the first, later ones, our own share, and hand-written SQL beside it."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import duckdb

from bot import catalog
from bot.core import Core
from bot.engines.embedded import EmbeddedEngine
from bot.model import Report, Window
from bot.simulator import write_archive
from tests.bench import Row, questions

START = datetime(2026, 11, 23, tzinfo=UTC)
CONNECTIONS, HOURS = 400_000, 6
END = START + timedelta(hours=HOURS + 1)
TIMES = 9
# Later answers from the same process are to come within this many seconds.
LATER = 0.3

_READER = """read_json($files, format = 'newline_delimited', columns = {time: 'TIMESTAMP', level: 'VARCHAR',
  resourceId: 'VARCHAR', location: 'VARCHAR', category: 'VARCHAR', operationName: 'VARCHAR',
  callerIpAddress: 'VARCHAR', properties: 'STRUCT(type VARCHAR, collection VARCHAR, message VARCHAR,
  connectionId VARCHAR, connectionType VARCHAR, transportType VARCHAR, userId VARCHAR, hub VARCHAR,
  messageTracingId BIGINT, messageType VARCHAR)'})"""
_FLAT = f"""
CREATE TABLE logs AS SELECT time, operationName AS op, callerIpAddress AS address, location, level,
  lower(resourceId) AS resource, p.* FROM (SELECT *, properties AS p FROM {_READER})
"""  # noqa: S608
_MINE = """
SELECT time, collection, op, level, message, connectionType, transportType, userId, address, hub, location, resource,
  count(*), max(time) FROM logs WHERE time BETWEEN $from AND $to AND connectionId = $id
GROUP BY ALL ORDER BY time LIMIT 550
"""
_COVERAGE = """
SELECT collection, count(*), min(time), max(time) FROM logs WHERE time BETWEEN $from AND $to GROUP BY 1 ORDER BY 1
"""
_SHARED = """count(*) FILTER (address = $address), count(*) FILTER (starts_with(address, $network)),
  count(*) FILTER (hub = $hub), count(*) FILTER (transport = $transport), count(*) FILTER (location = $region)"""
_AROUND = f"""
SELECT op, reason, reported, count(*), {_SHARED}, count(*) FILTER (userId = $user), min(first), max(first),
  count(*) FILTER (first BETWEEN $ended - INTERVAL 10 SECOND AND $ended + INTERVAL 10 SECOND)
FROM (SELECT connectionId, op, split_part(message, 'Server reported error', 1) AS reason,
  contains(message, 'Server reported error') AS reported, address, userId, hub, transportType AS transport, location,
  min(time) AS first FROM logs
  WHERE time BETWEEN $ended - INTERVAL 5 MINUTE AND $ended + INTERVAL 5 MINUTE
  AND op IN ('ConnectionAborted', 'ConnectionEnded', 'EndConnectionFailed') AND connectionType <> 'Server'
  AND connectionId <> $id GROUP BY ALL)
GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 200
"""  # noqa: S608
_POPULATION = f"""
SELECT count(*), {_SHARED} FROM (SELECT *, transportType AS transport FROM logs)
WHERE time BETWEEN $from AND $to AND op = 'ConnectionStarted' AND connectionType <> 'Server'
"""  # noqa: S608
_SERVERS = """
SELECT connectionId, op, message, hub, address, min(time) FROM logs
WHERE time BETWEEN $ended - INTERVAL 60 SECOND AND $ended + INTERVAL 5 SECOND AND connectionType = 'Server'
  AND op IN ('ConnectionAborted', 'ConnectionEnded', 'EndConnectionFailed') GROUP BY ALL LIMIT 200
"""
_RETURNS = """
SELECT connectionId, transportType, address, hub, min(time) FROM logs WHERE time BETWEEN $ended AND $to
  AND userId = $user AND op = 'ConnectionStarted' AND connectionId <> $id GROUP BY ALL ORDER BY 5 LIMIT 50
"""


def measure() -> list[Row]:
    """The rows of this part, in seconds. Each side runs in a process of its own, so that both start cold."""
    with tempfile.TemporaryDirectory() as folder:
        written = _child("write", folder)
        ours, plain, by_hand, all_questions = (_child(side, folder) for side in ("ask", "read", "by-hand", "questions"))
    million = f"{written['records'] / 1e6:.1f}M records"
    return [
        Row(f"first why-dropped, cold archive of {million} / one plain read", ours["first"], plain["read"], "s", 2.0),
        Row("later why-dropped / 0.3 s", ours["later"], LATER, "s", 1.0),
        Row("later why-dropped / the same in hand-written SQL", ours["later"], by_hand["later"], "s", 1.5),
        Row("why-dropped: our own code / waiting for queries", ours["own"], ours["waiting"], "s"),
        *questions.rows(all_questions),
    ]


def _child(side: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.answer", side, folder]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _write(folder: Path) -> dict[str, float]:
    written = write_archive(folder, seed=1, connections=CONNECTIONS, hours=HOURS, start=START)
    example = next(each for each in written.examples if each.fault_code == "client-ping-timeout")
    (folder / "example.txt").write_text(example.connection_id, encoding="utf-8")
    return {"records": written.records}


def _ask(folder: Path) -> dict[str, float]:
    """How long the first and a later answer take, and how much of the later one is our own code."""

    async def ask() -> tuple[float, list[Report]]:
        engine = EmbeddedEngine(folder)
        core = Core(catalog.load(), engine, lambda: END, timedelta(minutes=2))
        line = ["why-dropped", "--", _example(folder)]
        began = perf_counter()
        await core.answer(line, UTC)
        first = perf_counter() - began
        later = [await core.answer(line, UTC) for _ in range(TIMES)]
        await core.close()
        return first, [report for report in later if isinstance(report, Report)]

    first, reports = asyncio.run(ask())
    later = statistics.median(report.total.total_seconds() for report in reports)
    waiting = statistics.median(report.engine.total_seconds() for report in reports)
    return {"first": first, "later": later, "own": later - waiting, "waiting": waiting}


def _read(folder: Path) -> dict[str, float]:
    """One plain read of the archive with every field typed and `properties` a STRUCT."""
    connection = duckdb.connect(":memory:")
    began = perf_counter()
    connection.execute(f"CREATE TABLE plain AS SELECT * FROM {_READER}", {"files": _files(folder)}).fetchall()  # noqa: S608
    return {"read": perf_counter() - began}


def _by_hand(folder: Path) -> dict[str, float]:
    """The question in SQL over a flat table, its queries in the same two rounds."""
    connection = duckdb.connect(":memory:")
    connection.execute(_FLAT, {"files": _files(folder)})
    identity = _example(folder)
    [user, address, hub, transport, region, ended] = connection.execute(
        "SELECT userId, address, hub, transportType, location, time FROM logs WHERE connectionId = ? "
        "ORDER BY time DESC LIMIT 1",
        [identity],
    ).fetchall()[0]
    values = {
        "id": identity, "user": user, "address": address, "hub": hub, "ended": ended, "transport": transport,
        "network": address.rpartition(".")[0] + ".", "region": region,
        "from": (END - timedelta(days=1)).replace(tzinfo=None), "to": END.replace(tzinfo=None),
    }  # fmt: skip

    def run(query: str) -> None:
        used = {name: value for name, value in values.items() if f"${name}" in query}
        connection.cursor().execute(query, used).fetchall()

    async def repeated() -> float:
        taken = []
        for _ in range(TIMES):
            began = perf_counter()
            for queries in ((_MINE, _COVERAGE), (_AROUND, _POPULATION, _SERVERS, _RETURNS)):
                await asyncio.gather(*(asyncio.to_thread(run, query) for query in queries))
            taken.append(perf_counter() - began)
        return statistics.median(taken)

    return {"later": asyncio.run(repeated())}


def _questions(folder: Path) -> dict[str, float]:
    return questions.ask(folder, Window(START, END))


def _files(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("PT1H.json")]


def _example(folder: Path) -> str:
    return (folder / "example.txt").read_text(encoding="utf-8")


_SIDES = {"write": _write, "ask": _ask, "read": _read, "by-hand": _by_hand, "questions": _questions}


def main(arguments: list[str]) -> None:
    if arguments:
        print(json.dumps(_SIDES[arguments[0]](Path(arguments[1]))))
        return
    for row in measure():
        print(f"{row.name}: {row.ours:.3f} / {row.baseline:.3f} {row.unit} = {row.ratio:.2f} {row.verdict}")


if __name__ == "__main__":
    main(sys.argv[1:])
