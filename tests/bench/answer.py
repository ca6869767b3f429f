"""`why-dropped` on a million records: the first answer, later ones, our own share, and hand-written SQL beside it."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import duckdb

from bot import catalog
from bot.core import Core
from bot.engines.embedded import EmbeddedEngine
from bot.model import Report
from bot.simulator import Example, Written, write_archive
from tests.bench import Row

START = datetime(2026, 11, 23, tzinfo=UTC)
CONNECTIONS, HOURS = 400_000, 6
END = START + timedelta(hours=HOURS + 1)
TIMES = 9
# Later answers from the same process are to come within this many seconds.
LATER = 0.3

_READ = """
CREATE TABLE logs AS SELECT time AS "at", operationName AS op, callerIpAddress AS address, location, level,
  lower(resourceId) AS resource, p.* FROM (SELECT *, properties AS p FROM read_json($files, format = 'newline_delimited',
  columns = {time: 'TIMESTAMP', level: 'VARCHAR', resourceId: 'VARCHAR', location: 'VARCHAR', operationName: 'VARCHAR',
  callerIpAddress: 'VARCHAR', properties: 'STRUCT(collection VARCHAR, message VARCHAR, connectionId VARCHAR,
  connectionType VARCHAR, transportType VARCHAR, userId VARCHAR, hub VARCHAR, messageTracingId BIGINT,
  messageType VARCHAR)'}))
"""
_MINE = """
SELECT "at", collection, op, level, message, connectionType, transportType, userId, address, hub, location, resource,
  count(*), max("at") FROM logs WHERE "at" BETWEEN $from AND $to AND connectionId = $id GROUP BY ALL ORDER BY "at" LIMIT 550
"""
_COVERAGE = """
SELECT collection, count(*), min("at"), max("at") FROM logs WHERE "at" BETWEEN $from AND $to GROUP BY 1 ORDER BY 1
"""
_AROUND = """
SELECT op, reason, count(*), count(*) FILTER (address = $address), count(*) FILTER (userId = $user),
  count(*) FILTER (hub = $hub), min("at"), max("at")
FROM (SELECT connectionId, arg_min(op, "at") AS op, split_part(arg_min(message, "at"), 'Server reported error', 1) AS reason,
  arg_min(address, "at") AS address, arg_min(userId, "at") AS userId, arg_min(hub, "at") AS hub, min("at") AS "at"
  FROM logs WHERE "at" BETWEEN $ended - INTERVAL 5 MINUTE AND $ended + INTERVAL 5 MINUTE
  AND op IN ('ConnectionAborted', 'ConnectionEnded', 'EndConnectionFailed') AND connectionType <> 'Server'
  AND connectionId <> $id GROUP BY 1)
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 200
"""
_POPULATION = """
SELECT count(*), count(*) FILTER (address = $address), count(*) FILTER (hub = $hub) FROM logs
WHERE "at" BETWEEN $from AND $to AND op = 'ConnectionStarted' AND connectionType <> 'Server'
"""
_SERVERS = """
SELECT connectionId, op, message, hub, address, min("at") FROM logs
WHERE "at" BETWEEN $ended - INTERVAL 60 SECOND AND $ended + INTERVAL 5 SECOND AND connectionType = 'Server'
  AND op IN ('ConnectionAborted', 'ConnectionEnded', 'EndConnectionFailed') GROUP BY ALL LIMIT 200
"""
_RETURNS = """
SELECT connectionId, transportType, address, hub, min("at") FROM logs WHERE "at" BETWEEN $ended AND $to AND userId = $user
  AND op = 'ConnectionStarted' AND connectionId <> $id GROUP BY ALL ORDER BY 5 LIMIT 50
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """How long the first and a later answer took in seconds, and how much of the later one was ours."""

    first: float
    later: float
    own: float
    engine: float


def measure() -> list[Row]:
    """The rows of this part; all seconds, each the median of several where it can be repeated."""
    with tempfile.TemporaryDirectory() as folder:
        written = write_archive(Path(folder), seed=1, connections=CONNECTIONS, hours=HOURS, start=START)
        asked = asyncio.run(_ask(Path(folder), written))
        read, by_hand = _by_hand(Path(folder), written)
    million = f"{written.records / 1e6:.1f}M records"
    return [
        Row(f"first why-dropped on a cold archive, {million} / one plain DuckDB read", asked.first, read, "s", 2.0),
        Row("later why-dropped / 0.3 s", asked.later, LATER, "s", 1.0),
        Row("later why-dropped / the same question in hand-written SQL", asked.later, by_hand, "s", 1.5),
        Row("why-dropped: our own code / waiting for the engine", asked.own, asked.engine, "s", None),
    ]


async def _ask(folder: Path, written: Written) -> Asked:
    engine = EmbeddedEngine(folder)
    core = Core(catalog.load(), engine, lambda: END, timedelta(minutes=2))
    line = f'why-dropped -- "{_example(written).connection_id}"'
    try:
        first = perf_counter()
        await core.answer(line, UTC)
        first = perf_counter() - first
        later = [await core.answer(line, UTC) for _ in range(TIMES)]
    finally:
        await core.close()
    reports = [report for report in later if isinstance(report, Report)]
    whole = statistics.median(report.total.total_seconds() for report in reports)
    engine_part = statistics.median(report.engine.total_seconds() for report in reports)
    return Asked(first, whole, whole - engine_part, engine_part)


def _by_hand(folder: Path, written: Written) -> tuple[float, float]:
    """Seconds for one plain typed read into a table, and for the question in SQL, its queries in two rounds."""
    connection = duckdb.connect(":memory:")
    files = [str(path) for path in folder.rglob("PT1H.json")]
    read = _timed(lambda: connection.execute(_READ, {"files": files}).fetchall())
    identity = _example(written).connection_id
    [user, address, hub, ended] = connection.execute(
        'SELECT userId, address, hub, "at" FROM logs WHERE connectionId = ? ORDER BY "at" DESC LIMIT 1', [identity]
    ).fetchall()[0]
    values = {
        "id": identity, "user": user, "address": address, "hub": hub, "ended": ended,
        "from": (END - timedelta(days=1)).replace(tzinfo=None), "to": END.replace(tzinfo=None),
    }  # fmt: skip

    async def both_rounds() -> None:
        for queries in ((_MINE, _COVERAGE), (_AROUND, _POPULATION, _SERVERS, _RETURNS)):
            await asyncio.gather(*(asyncio.to_thread(_run, connection.cursor(), query, values) for query in queries))

    async def repeated() -> float:
        taken = []
        for _ in range(TIMES):
            began = perf_counter()
            await both_rounds()
            taken.append(perf_counter() - began)
        return statistics.median(taken)

    return read, asyncio.run(repeated())


def _run(cursor: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]) -> None:
    used = {name: value for name, value in values.items() if f"${name}" in query}
    cursor.execute(query, used).fetchall()


def _example(written: Written) -> Example:
    return next(each for each in written.examples if each.fault_code == "client-ping-timeout")


def _timed(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


if __name__ == "__main__":
    for row in measure():
        print(f"{row.name}: {row.ours:.3f} {row.unit} / {row.baseline:.3f} {row.unit} = {row.ratio:.2f} {row.verdict}")
