"""How the embedded engine compares with DuckDB alone, as ratios measured in one run: `python -m tests.bench.engine`.

Every measurement is a child process of its own, so that each starts cold and its peak memory is its own.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench import Row

RECORDS = 1_000_000
HOURS = 12
START = datetime(2026, 11, 23, tzinfo=UTC)
RESOURCE = (
    "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/RG"
    "/PROVIDERS/MICROSOFT.SIGNALRSERVICE/SIGNALR/CHAT"
)
WANTED = "N-0000000000000004242abcdef1234"
_LIMIT = timedelta(minutes=5)
_REPEATS = 7

POINT = (
    "SignalRServiceDiagnosticLogs | where TimeGenerated between (window_start .. window_end)"
    " | where isempty(resource_id) or _ResourceId =~ resource_id"
    " | where ConnectionId == wanted | project TimeGenerated, OperationName, Message | order by TimeGenerated asc"
)
AGGREGATE = (
    "SignalRServiceDiagnosticLogs | where TimeGenerated between (window_start .. window_end)"
    " | where isempty(resource_id) or _ResourceId =~ resource_id"
    " | where OperationName == 'ConnectionAborted'"
    " | summarize n = count(), ids = dcount(ConnectionId) by Message | order by n desc"
)
_INSIDE = "FROM t WHERE time BETWEEN $first AND $last AND lower(resourceId) = lower($resource)"
HAND_POINT = (
    f"SELECT time, operationName, properties.message {_INSIDE} AND properties.connectionId = $wanted ORDER BY time"
)
HAND_AGGREGATE = (
    f"SELECT properties.message, count(*), count(DISTINCT properties.connectionId) {_INSIDE}"
    " AND operationName = 'ConnectionAborted' GROUP BY 1 ORDER BY 2 DESC"
)
PLAIN = (
    "CREATE TABLE t AS SELECT * FROM read_json($paths, format = 'newline_delimited', hive_partitioning = false,"
    " columns = {time: 'TIMESTAMP', level: 'VARCHAR', resourceId: 'VARCHAR', location: 'VARCHAR',"
    " category: 'VARCHAR', operationName: 'VARCHAR', callerIpAddress: 'VARCHAR',"
    " properties: 'STRUCT(type VARCHAR, collection VARCHAR, message VARCHAR, connectionId VARCHAR,"
    " connectionType VARCHAR, transportType VARCHAR, userId VARCHAR, messageType VARCHAR,"
    " messageTracingId BIGINT, hub VARCHAR)'})"
)


def write_archive(root: Path, records: int = RECORDS) -> int:
    """Writes `records` records of plain traffic over 12 hours; the bytes written."""
    chance = random.Random(1)
    events = ("ConnectionStarted", "ConnectionEnded", "ConnectionAborted")
    words = ("Connection started", "Connection ended. Reason: ", "Connection aborted. Reason: Connection ping timeout.")
    written = 0
    for hour in range(HOURS):
        start = START + timedelta(hours=hour)
        path = root / f"resourceId={RESOURCE}" / f"{start:y=%Y/m=%m/d=%d/h=%H}/m=00/PT1H.json"
        path.parent.mkdir(parents=True)
        with path.open("w") as file:
            for number in range(records // HOURS):
                event = chance.randrange(3)
                moment = start + timedelta(seconds=number * 3600 * HOURS // records)
                file.write(
                    json.dumps(
                        {
                            "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
                            "level": "Informational",
                            "resourceId": RESOURCE,
                            "location": "westeurope",
                            "category": "AllLogs",
                            "operationName": events[event],
                            "callerIpAddress": f"192.0.2.{number % 250}",
                            "properties": {
                                "type": "ConnectivityLogs",
                                "collection": "Connection",
                                "message": words[event],
                                "connectionId": f"N-{chance.randrange(records // 3):019d}abcdef1234",
                                "connectionType": "Client",
                                "transportType": "WebSockets",
                                "userId": f"user-{number % 5000}",
                                "hub": "chat",
                            },
                        }
                    )
                )
                file.write("\n")
        written += path.stat().st_size
    return written


def measure() -> list[Row]:
    """The embedded engine against a plain typed read and hand-written SQL; peak memory against 1.5 GiB."""
    with tempfile.TemporaryDirectory(prefix="signalr-bot-bench-") as folder:
        root = Path(folder)
        write_archive(root)
        # Alternating pairs, so that a busy neighbour disturbs both sides alike; the first pair warms the disk cache.
        pairs = [(_child("ours", root), _child("plain", root)) for _ in range(4)][1:]
    ours, plain = (
        {key: statistics.median(each[side][key] for each in pairs) for key in pairs[0][side]} for side in (0, 1)
    )
    return [
        Row("first answer on 1M records / plain typed read", ours["cold"], plain["cold"], "s", 2.0),
        Row("later point lookup / hand-written SQL", ours["point"], plain["point"], "s", 1.5),
        Row("later aggregate / hand-written SQL", ours["aggregate"], plain["aggregate"], "s", 1.5),
        Row("peak memory on 1M records / 1.5 GiB", ours["peak"], 1536, "MiB", 1.0),
    ]


def _child(side: str, root: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.engine", side, str(root)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _ours(root: Path) -> dict[str, float]:
    from bot import kql
    from bot.engines.embedded import EmbeddedEngine
    from bot.model import Window

    window = Window(START, START + timedelta(hours=HOURS))
    point, aggregate = (
        kql.bind("bench", "Bench", body, window, RESOURCE, values)
        for body, values in ((POINT, {"wanted": WANTED}), (AGGREGATE, {}))
    )

    async def run() -> dict[str, float]:
        engine = EmbeddedEngine(root)
        began = time.perf_counter()
        await engine.query(point, _LIMIT)
        cold = time.perf_counter() - began
        times = {}
        for name, bound in (("point", point), ("aggregate", aggregate)):
            taken = []
            for _ in range(_REPEATS):
                began = time.perf_counter()
                await engine.query(bound, _LIMIT)
                taken.append(time.perf_counter() - began)
            times[name] = min(taken)
        await engine.close()
        return {"cold": cold, **times}

    return asyncio.run(run())


def _plain(root: Path) -> dict[str, float]:
    import duckdb

    connection = duckdb.connect()
    began = time.perf_counter()
    connection.execute(PLAIN, {"paths": [str(path) for path in sorted(root.rglob("*.json"))]})
    cold = time.perf_counter() - began
    values = {
        "first": START.replace(tzinfo=None),
        "last": START.replace(tzinfo=None) + timedelta(hours=HOURS),
        "resource": RESOURCE,
    }
    times = {}
    for name, sql, more in (("point", HAND_POINT, {"wanted": WANTED}), ("aggregate", HAND_AGGREGATE, {})):
        taken = []
        for _ in range(_REPEATS):
            began = time.perf_counter()
            connection.execute(sql, {**values, **more}).fetchall()
            taken.append(time.perf_counter() - began)
        times[name] = min(taken)
    return {"cold": cold, **times}


_SIDES: dict[str, Callable[[Path], dict[str, float]]] = {"ours": _ours, "plain": _plain}


def main(arguments: list[str]) -> None:
    """Prints the ratios; with a side and a folder, what that side measured there, as JSON."""
    if arguments:
        side, folder = arguments
        answer = _SIDES[side](Path(folder))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**answer, "peak": peak}))
        return
    for row in measure():
        print(f"{row.name:<50} {row.ratio:6.2f} {row.verdict:<5} {row.ours:.3f} / {row.baseline:.3f} {row.unit}")


if __name__ == "__main__":
    main(sys.argv[1:])
