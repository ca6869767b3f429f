"""Every question, about all of an archive, asked again in a process that has read it."""

from __future__ import annotations

import asyncio
import statistics
from datetime import UTC, timedelta
from pathlib import Path

from bot import catalog
from bot.catalog import Catalog
from bot.core import Core
from bot.engines.embedded import EmbeddedEngine
from bot.model import Report, Verdict, Window
from tests.bench import Row

# A later answer from the same process, on a million records, is to come within this many seconds.
AT_MOST = 1.0
_TIMES = 3
_LONGEST = timedelta(minutes=2)
# For a question about one thing: a value that the logs hold, and one like it that they do not.
_HELD = {
    "connection_id": "where OperationName == 'ConnectionAborted' | project found = ConnectionId",
    "user_id": "where isnotempty(UserId) | project found = UserId",
    "message_tracing_id": "where MessageTracingId > 0 | project found = MessageTracingId",
}
_UNKNOWN = {
    "connection_id": "0000000000000000000000000000000",
    "user_id": "nobody@example.com",
    "message_tracing_id": "10",
}


def ask(folder: Path, window: Window) -> dict[str, float]:
    """Seconds of a later answer by what was asked; the archive in `folder` is read before."""
    return asyncio.run(_ask(folder, window))


def rows(seconds: dict[str, float]) -> list[Row]:
    return [Row(f"later {asked} / {AT_MOST:g} s", took, AT_MOST, "s", 1.0) for asked, took in seconds.items()]


async def _ask(folder: Path, window: Window) -> dict[str, float]:
    engine = EmbeddedEngine(folder)
    known = catalog.load()
    core = Core(known, engine, lambda: window.end, _LONGEST)
    span = ["--from", window.start.isoformat(), "--to", window.end.isoformat()]
    found: dict[str, float] = {}
    for asked, words in (await _questions(engine, known, window)).items():
        await _seconds(core, [*words, *span])
        found[asked] = statistics.median([await _seconds(core, [*words, *span]) for _ in range(_TIMES)])
    await core.close()
    return found


async def _questions(engine: EmbeddedEngine, known: Catalog, window: Window) -> dict[str, list[str]]:
    """What to ask, by the name it is shown under; ids differ from one archive to the next."""
    questions: dict[str, list[str]] = {}
    for name, investigation in known.investigations.items():
        wanted = [parameter.name for parameter in investigation.opening.parameters if parameter.positional]
        if not wanted:
            questions[name] = [name]
            continue
        for kind, values in (("", [await _held(engine, each, window) for each in wanted]),
                             (" about an unknown id", [_UNKNOWN[each] for each in wanted])):  # fmt: skip
            questions[f"{name}{kind}"] = [name, *values]
    return questions


async def _held(engine: EmbeddedEngine, parameter: str, window: Window) -> str:
    text = f"SignalRServiceDiagnosticLogs | {_HELD[parameter]} | top 1 by found desc"
    table = await engine.query_text(text, window)
    return str(table.rows[0]["found"])


async def _seconds(core: Core, words: list[str]) -> float:
    report = await core.answer(words, UTC)
    if not isinstance(report, Report) or report.verdict is Verdict.ERROR:
        raise RuntimeError(f"no answer to {' '.join(words)}")
    return report.total.total_seconds()
