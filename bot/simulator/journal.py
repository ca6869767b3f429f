"""The log pipeline: lines on their way from the service into hourly blobs."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from bot.simulator.chance import Dice
from bot.simulator.clock import SECOND, Clock
from bot.simulator.events import RESOURCE_ID, Event
from bot.simulator.instances import INSTANCES, Instance

_LATE_SHARE = 0.003


class Journal:
    """Writes each line to the blob of the hour in which it arrives, as the storage archive does.

    Every service instance ships its lines once a minute, each batch with a delay of its own, so lines of
    two instances cross; a few lines arrive up to an hour and a half late. Lines wait in memory only until
    they arrive. An archive of the same (invented) resource under `out` is replaced.
    Source: "Azure resource logs" on Microsoft Learn: the hour of a blob is when an event was received.
    """

    def __init__(self, out: Path, start: datetime, clock: Clock, dice: Dice) -> None:
        self._folder = out / "insights-logs-alllogs" / "resourceId=" / RESOURCE_ID.lstrip("/")
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._start = start
        self._clock = clock
        self._dice = dice
        self._chance = dice.unit
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
        second = self._clock.now // SECOND
        if second != self._second:
            self._turn(second)
        batch = self._late() if self._chance() < _LATE_SHARE else self._batches[instance.number]
        batch.append(
            f"{self._stamp}{event.heads[instance.region]}{address}{event.about}"
            f'"connectionId":"{connection_id}"{who}}}}}\n'
        )
        self.records += 1

    def close(self) -> None:
        """Deliver what is still on its way and close the last blob."""
        self._deliver(max(self._arriving, default=0) + 1)
        if self._blob:
            self._blob.close()

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
                delay = self._dice.between(1, 4)
                self._batches[instance] = self._arriving.setdefault(self._minute + delay, [])

    def _late(self) -> list[str]:
        return self._arriving.setdefault(self._minute + self._dice.between(15, 90), [])

    def _deliver(self, before: int) -> None:
        """Write everything that arrives before a minute, in the order of arrival."""
        for minute in sorted(minute for minute in self._arriving if minute < before):
            lines = self._arriving.pop(minute)
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
