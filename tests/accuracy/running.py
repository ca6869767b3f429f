"""Scenarios by seeds and mutations, each written, disturbed and asked about with the real engine and queries."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Iterable, Iterator, Mapping
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
    tasks = [(name, seed) for name in scenarios for seed in seeds]
    shares = [(tasks[number::workers], wanted) for number in range(workers)]
    # A fresh interpreter each: DuckDB's threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        answers = [answered for each in pool.map(_share, shares) for answered in each]
    order = {task: place for place, task in enumerate(tasks)}
    return sorted(answers, key=lambda each: order[each.scenario, each.seed])


def _share(share: tuple[list[tuple[str, int]], tuple[str, ...]]) -> list[Answered]:
    """One process's part of the scenarios, all asked of one engine, which keeps its translations."""
    tasks, disturbed = share
    with TemporaryDirectory() as folder, _Bench(Path(folder)) as bench:
        return [answered for name, seed in tasks for answered in bench.scenario(name, seed, disturbed)]


class _Bench:
    """An engine over a folder whose logs change with every question."""

    def __init__(self, folder: Path) -> None:
        self._written, self._asked = folder / "written", folder / "asked"
        self._asked.mkdir()
        self._now = START
        self._runner = asyncio.Runner()
        self._core = Core(catalog.load(), EmbeddedEngine(self._asked), lambda: self._now, timedelta(seconds=60))

    def __enter__(self) -> _Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._core.close())
        self._runner.close()

    def scenario(self, name: str, seed: int, disturbed: tuple[str, ...]) -> Iterator[Answered]:
        """The answers about one scenario: as written, disturbed, and with its evidence removed."""
        shutil.rmtree(self._written, ignore_errors=True)
        told = write_scenario(self._written, name, seed=seed, start=START)
        self._now = told.last + _LATER
        logs = sorted(self._written.glob(f"{_LOGS}/**/PT1H.json"))
        lines = [line for path in logs for line in path.read_text(encoding="utf-8").splitlines()]
        app_log = self._written / _APP_LOG
        attached = app_log.read_text(encoding="utf-8") if app_log.exists() else ""
        for number, (title, mutation) in enumerate(_mutations(told, disturbed).items()):
            mutated = mutation(lines, told, random.Random(f"{name} {seed} {title}"))
            shutil.rmtree(self._asked)
            self._asked.mkdir()
            # A name of its own: two archives of one size within a clock tick would pass for one.
            here = self._asked / f"{name}-{seed}-{number}.jsonl"
            here.write_text("".join(f"{line}\n" for line in mutated.lines), encoding="utf-8")
            for truth in told.truths:
                decidable = mutated.decidable(truth)
                if decidable is not None:
                    report = self._runner.run(self._answer(told, mutated.ask(truth.ask), mutated.told(attached)))
                    yield judge(report, truth, decidable=decidable, scenario=name, seed=seed, mutation=title)

    async def _answer(self, told: Told, ask: str, attached: str) -> Report:
        plain, with_log, _ = ask.partition(f" --log {_APP_LOG}")
        line = f"{plain} --from {iso(told.first)} --to {iso(told.last + timedelta(seconds=1))}"
        report = await self._core.answer(line, UTC, attached if with_log else "")
        assert isinstance(report, Report), line
        return report


def _mutations(told: Told, disturbed: tuple[str, ...]) -> Mapping[str, Mutation]:
    return {title: mutations.DISTURBED[title] for title in disturbed} | mutations.removing(told)
