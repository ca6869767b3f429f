"""The log pipeline: lines on their way from the service into hourly blobs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from bot.simulator.chance import Dice
from bot.simulator.clock import SECOND, Clock
from bot.simulator.events import FAMILIES, RESOURCE_ID, Event
from bot.simulator.instances import INSTANCES, Instance


@dataclass(frozen=True, slots=True)
class Noise:
    """How well the lines travel: the `[noise]` table of a scenario.

    `late`, `lost` and `duplicates` are shares of the lines, in thousandths: up to an hour and a half late,
    never delivered, delivered twice. `gaps` is the share of one-minute batches of one instance that get lost
    whole, in thousandths too. `least_delay` and `most_delay` bound the minutes that a batch takes.
    `milliseconds` writes times to the millisecond, where public records show whole seconds. `without` names
    the families that are switched off.
    """

    late: int = 3
    lost: int = 0
    duplicates: int = 0
    gaps: int = 0
    least_delay: int = 1
    most_delay: int = 4
    milliseconds: bool = False
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("late", "lost", "duplicates", "gaps"):
            if not 0 <= getattr(self, name) <= 1000:
                raise ValueError(f"{name} is a share in thousandths, not {getattr(self, name)}")
        if not 0 <= self.least_delay <= self.most_delay:
            raise ValueError(f"a batch cannot take from {self.least_delay} to {self.most_delay} minutes")
        if unknown := sorted(set(self.without) - set(FAMILIES)):
            raise ValueError(f"there is no log family {unknown[0]!r}; there are {', '.join(FAMILIES)}")


class Journal:
    """Writes each line to the blob of the hour in which it arrives, as the storage archive does.

    Every service instance ships its lines once a minute, each batch with a delay of its own, so lines of
    two instances cross; what else befalls them is `noise`. Lines wait in memory only until they
    arrive. An archive of the same (invented) resource under `out` is replaced. `records` counts what has
    been delivered, so it is final after `close`.
    Source: "Azure resource logs" on Microsoft Learn: the hour of a blob is when an event was received.
    """

    def __init__(self, out: Path, start: datetime, clock: Clock, dice: Dice, noise: Noise | None = None) -> None:
        self._folder = out / "insights-logs-alllogs" / "resourceId=" / RESOURCE_ID.lstrip("/")
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._start = start
        self._clock = clock
        self._dice = dice
        self._chance = dice.unit
        self._noise = noise = noise or Noise()
        self._without = frozenset(noise.without)
        self._until_late = noise.late / 1000
        self._until_lost = (noise.late + noise.lost) / 1000
        self._until_duplicate = (noise.late + noise.lost + noise.duplicates) / 1000
        self._batches: list[list[str]] = [[] for _ in range(INSTANCES)]
        self._arriving: dict[int, list[str]] = {}  # by minute of arrival since the start
        self._second = self._minute = -1
        self._stamp = ""
        self._blob: BinaryIO | None = None
        self._hour = -1
        self.records = 0
        self.files = 0
        self.first: int | None = None

    @property
    def last(self) -> int:
        """The second of the youngest record since the start of the span."""
        return self._second

    def write(self, instance: Instance, event: Event, address: str, connection_id: str, who: str) -> None:
        """Log `event` about a connection, now; `who` is the rest of its `properties`."""
        if event.family in self._without:
            return
        second = self._clock.now // SECOND
        if second != self._second:
            self._turn(second)
        stamp = self._to_the_millisecond() if self._noise.milliseconds else self._stamp
        line = f'{stamp}{event.heads[instance.region]}{address}{event.about}"connectionId":"{connection_id}"{who}}}}}\n'
        chance = self._chance()
        if chance >= self._until_duplicate:
            self._batches[instance.number].append(line)
        elif chance < self._until_late:
            self._late().append(line)
        elif chance >= self._until_lost:
            self._batches[instance.number].append(line)
            self._late().append(line)

    def close(self) -> None:
        """Deliver what is still on its way and close the last blob."""
        self._deliver(max(self._arriving, default=0) + 1)
        if self._blob:
            self._blob.close()

    def _to_the_millisecond(self) -> str:
        return f'{self._stamp[:-2]}.{self._clock.now % SECOND:03d}Z"'

    def _turn(self, second: int) -> None:
        self._second = second
        if self.first is None:
            self.first = second
        moment = self._start + timedelta(seconds=second)
        self._stamp = moment.astimezone(UTC).strftime('{"time":"%Y-%m-%dT%H:%M:%SZ"')
        if second // 60 != self._minute:
            self._minute = second // 60
            self._deliver(self._minute)
            for instance in range(len(self._batches)):
                delay = self._dice.between(self._noise.least_delay, self._noise.most_delay)
                self._batches[instance] = self._arriving.setdefault(self._minute + delay, [])
                if self._noise.gaps and self._dice.below(1000) < self._noise.gaps:
                    self._batches[instance] = []

    def _late(self) -> list[str]:
        return self._arriving.setdefault(self._minute + self._dice.between(15, 90), [])

    def _deliver(self, before: int) -> None:
        """Write everything that arrives before a minute, in the order of arrival."""
        for minute in sorted(minute for minute in self._arriving if minute < before):
            lines = self._arriving.pop(minute)
            self.records += len(lines)
            if lines:
                self._blob_of(minute // 60).write("".join(lines).encode())

    def _blob_of(self, hour: int) -> BinaryIO:
        if self._blob is None or hour != self._hour:
            if self._blob:
                self._blob.close()
            self._hour = hour
            moment = self._start + timedelta(hours=hour)
            path = self._folder / moment.strftime("y=%Y/m=%m/d=%d/h=%H/m=00/PT1H.json")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._blob = path.open("wb", buffering=1 << 20)
            self.files += 1
        return self._blob
