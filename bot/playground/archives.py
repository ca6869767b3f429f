"""Simulated archives in temporary folders: written when somebody asks, kept while they are used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.catalog import Catalog
from bot.core import Core
from bot.engines.embedded import EmbeddedEngine
from bot.errors import BotError, UsageError
from bot.kql import BoundQuery
from bot.model import Window
from bot.simulator import Told, scenarios, write_scenario
from bot.simulator.messages.messaging import APP_LOG

MOST_KEPT = 5
FOLDER_PREFIX = "signalr-bot-demo-"
# The same for everybody, so that two people who ask can compare what they see.
SEED = 7
# So long after the last record nothing is still on its way, and no answer is provisional.
_LATER = timedelta(hours=1)
_MEMORY = "300MiB"


@dataclass(frozen=True, slots=True)
class Archive:
    """The logs of one scenario from `start` to `end` (UTC), and a Core that reads nothing else."""

    folder: TemporaryDirectory[str]
    told: Told
    start: datetime
    end: datetime
    core: Core

    def app_log(self) -> str:
        """What the app servers logged. Raises UsageError where the scenario has them log nothing."""
        try:
            return Path(self.folder.name, APP_LOG).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise UsageError(f"The simulated logs of {self.told.name} have no app-server log.") from error

    async def close(self) -> None:
        """Close the engine and remove the folder."""
        await self.core.close()
        await asyncio.to_thread(self.folder.cleanup)


@dataclass(slots=True)
class _Place:
    """An archive that is there or on its way, and how many answers are being made from it."""

    making: asyncio.Task[Archive]
    users: int = 0

    @property
    def has_failed(self) -> bool:
        return self.making.done() and (self.making.cancelled() or self.making.exception() is not None)


class Archives:
    """The archives by scenario: at most `MOST_KEPT` stay on disk, the ones used last; one is written at a time.

    An archive ends with the last full hour before its first use by `clock` (aware), and keeps its times when it is
    written again. `timeout` is the longest an answer from one of them may take.
    """

    def __init__(self, catalog: Catalog, clock: Callable[[], datetime], timeout: timedelta) -> None:
        self._catalog = catalog
        self._clock = clock
        self._timeout = timeout
        self._ends: dict[str, datetime] = {}
        self._places: dict[str, _Place] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Archive]:
        """The archive of the scenario `name`, kept while it is used. Raises BotError when it cannot be written."""
        place = self._places.pop(name, None) or _Place(asyncio.create_task(self._made(name)))
        self._places[name] = place  # in the order of last use
        place.users += 1
        try:
            await self._trim()
            # Whoever stops waiting leaves the writing to the others.
            yield await asyncio.shield(place.making)
        finally:
            place.users -= 1
            if place.has_failed and self._places.get(name) is place:
                del self._places[name]
            await self._trim()

    async def close(self) -> None:
        """Remove every archive from disk, also one that is still being written."""
        for name in list(self._places):
            self._discard(name)
        await asyncio.gather(*self._closing)

    async def _made(self, name: str) -> Archive:
        async with self._writing:
            now = self._clock().astimezone(UTC)
            end = self._ends.setdefault(name, now.replace(minute=0, second=0, microsecond=0))
            start = end - timedelta(hours=scenarios.load(name).size.hours)
            try:
                folder, told = await asyncio.to_thread(_write, name, start)
            except OSError as error:
                raise BotError(
                    f"The simulated logs cannot be written: {error.strerror or type(error).__name__}.",
                    "Whoever runs the bot can free space where it keeps temporary files.",
                ) from error
        engine = EmbeddedEngine(Path(folder.name), memory_limit=_MEMORY)
        engine.prepare(self._likely(told, Window(start, end)))
        return Archive(folder, told, start, end, Core(self._catalog, engine, lambda: end + _LATER, self._timeout))

    def _likely(self, told: Told, window: Window) -> list[BoundQuery]:
        """The queries of the questions that will be asked of `told`, to make ready while the person reads."""
        found = {truth.ask.split()[0]: None for truth in told.truths}
        asked = [self._catalog.investigations[verb] for verb in found if verb in self._catalog.investigations]
        queries = [self._catalog.coverage.sample(window)]
        for each in asked:
            queries += [each.opening.sample(window), *(step.sample(window, "/sample") for step in each.steps.values())]
        return queries

    async def _trim(self) -> None:
        """Remove the archives used longest ago that nobody is using, until no more than `MOST_KEPT` are there."""
        idle = [name for name, place in self._places.items() if not place.users]
        removed = [self._discard(name) for name in idle[: max(0, len(self._places) - MOST_KEPT)]]
        if removed:
            await asyncio.shield(asyncio.gather(*removed))

    def _discard(self, name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(_closed(self._places.pop(name)))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task


async def _closed(place: _Place) -> None:
    await asyncio.wait({place.making})
    if not place.has_failed:
        await place.making.result().close()


def _write(name: str, start: datetime) -> tuple[TemporaryDirectory[str], Told]:
    folder = TemporaryDirectory(prefix=FOLDER_PREFIX, ignore_cleanup_errors=True)
    try:
        return folder, write_scenario(Path(folder.name), name, seed=SEED, start=start)
    except BaseException:
        folder.cleanup()
        raise
