"""Scenarios by seeds and mutations, each written, disturbed and asked about with the real engine and queries."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import catalog
from bot.core import Core
from bot.engines.embedded import EmbeddedEngine
from bot.model import Report
from bot.simulator import Told, write_scenario
from bot.times import iso
from tests.accuracy import mutations
from tests.accuracy.judging import Answered, judge
from tests.accuracy.mutations import Mutation

START = datetime(2026, 1, 5, 6, tzinfo=UTC)
_LOGS = "insights-logs-alllogs"
_APP_LOG = "app-server.log"
# Asked so long after the last record: nothing is still to arrive.
_LATER = timedelta(hours=1)


def run(scenarios: Iterable[str], seeds: Iterable[int], disturbed: Iterable[str], workers: int) -> list[Answered]:
    """Every answer to every truth of `scenarios`, in a stable order; `disturbed` names mutations that leave it."""
    wanted = tuple(disturbed)
    tasks = [(name, seed, wanted) for name in scenarios for seed in seeds]
    # A fresh interpreter each: DuckDB's threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return [answered for each in pool.map(_scenario, tasks, chunksize=4) for answered in each]


def _scenario(task: tuple[str, int, tuple[str, ...]]) -> list[Answered]:
    name, seed, disturbed = task
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        written, asked = Path(folder, "written"), Path(folder, "asked")
        told = write_scenario(written, name, seed=seed, start=START)
        logs = sorted(written.glob(f"{_LOGS}/**/PT1H.json"))
        lines = [line for path in logs for line in path.read_text(encoding="utf-8").splitlines()]
        app_log = written / _APP_LOG
        attached = app_log.read_text(encoding="utf-8") if app_log.exists() else ""
        asked.mkdir()
        # One engine for all: it reads a file again that has changed, and keeps its translations.
        core = Core(catalog.load(), EmbeddedEngine(asked), lambda: told.last + _LATER, timedelta(seconds=60))
        found = []
        try:
            for title, mutation in _mutations(told, disturbed).items():
                mutated = mutation(lines, told, random.Random(f"{name} {seed} {title}"))
                shutil.rmtree(asked)
                asked.mkdir()
                (asked / "logs.jsonl").write_text("".join(f"{line}\n" for line in mutated.lines), encoding="utf-8")
                for truth in told.truths:
                    decidable = mutated.decidable(truth)
                    if decidable is not None:
                        report = runner.run(_asked(core, told, mutated.ask(truth.ask), attached))
                        found.append(
                            judge(report, truth, decidable=decidable, scenario=name, seed=seed, mutation=title)
                        )
        finally:
            runner.run(core.close())
    return found


def _mutations(told: Told, disturbed: tuple[str, ...]) -> Mapping[str, Mutation]:
    return {title: mutations.DISTURBED[title] for title in disturbed} | mutations.removing(told)


async def _asked(core: Core, told: Told, ask: str, attached: str) -> Report:
    plain, with_log, _ = ask.partition(f" --log {_APP_LOG}")
    line = f"{plain} --from {iso(told.first)} --to {iso(told.last + timedelta(seconds=1))}"
    report = await core.answer(line, UTC, attached if with_log else "")
    assert isinstance(report, Report), line
    return report
