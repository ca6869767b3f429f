"""Cases: rows that an investigation sees, and what it makes of them, in one TOML file (or a few) per question.

The day is 2026-11-23, the window 10:00 to 11:00 and the present 12:00, all UTC. A file starts with `ask`, the question
of its cases; a case may have its own, and `now`. A row's columns are the table's own, or the short `at`, `op` and `id`;
columns left out are empty, Collection is Connection and ConnectionType is Client unless named. `repeat = N` stands for
N rows with {n} replaced by 1 to N; `every = "2s"` moves each of them on by that. `attached` are pasted log lines.
What must come out: `verdict`; `cause` (family/code/confidence, empty for none); `finds`, the codes of the findings;
and, empty unless given, `further` (like cause), `candidates` (codes), `out` and `unknown` (rulings, by code).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot import catalog
from bot.core import Core
from bot.engines.embedded import EmbeddedEngine
from bot.model import Cause, Report, Ruled
from tests import rows

FOLDER = Path(__file__).parent
WINDOW = "--from 2026-11-23T10:00Z --to 2026-11-23T11:00Z"
NOW = "2026-11-23T12:00:00+00:00"


def load(pattern: str) -> list[dict[str, Any]]:
    """The cases of the files that `pattern` names, each with its whole question."""
    found = []
    for path in sorted(FOLDER.glob(pattern)):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        for case in document["case"]:
            ask = case.get("ask", document["ask"])
            whole = ask if "--from" in ask or "--at" in ask else f"{ask} {WINDOW}"
            found.append({**case, "ask": whole, "name": f"{path.stem}: {case['name']}"})
    return found


async def answer(
    tmp_path: Path, given: Sequence[Mapping[str, Any]], question: str, *, now: str = NOW, attached: str = ""
) -> Report:
    """The real answer, from a file of the rows `given`, at `now`."""
    engine = EmbeddedEngine(rows.write(tmp_path / "logs.jsonl", given))
    core = Core(catalog.load(), engine, lambda: datetime.fromisoformat(now), timedelta(seconds=60))
    try:
        report = await core.answer(question, UTC, attached)
    finally:
        await core.close()
    assert isinstance(report, Report)
    return report


def outcome(report: Report) -> dict[str, Any]:
    """What a case states about a report."""
    return {
        "verdict": report.verdict.value,
        "cause": _cause(report.cause) if report.cause else "",
        "further": [_cause(cause) for cause in report.further],
        "finds": [finding.code for finding in report.findings],
        "candidates": [candidate.code for candidate in report.candidates],
        "out": [each.code for each in report.rulings if each.outcome is Ruled.OUT],
        "unknown": [each.code for each in report.rulings if each.outcome is Ruled.UNKNOWN],
    }


def expected(case: Mapping[str, Any]) -> dict[str, Any]:
    """The same, as the case states it."""
    absent = {key: case.get(key, []) for key in ("further", "candidates", "out", "unknown")}
    return {key: case[key] for key in ("verdict", "cause", "finds")} | absent


def _cause(cause: Cause) -> str:
    return f"{cause.family}/{cause.code}/{cause.confidence}"
