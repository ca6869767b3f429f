"""A scenario's archive read back from its files, beside what the simulator tells about it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.simulator.staging import write_scenario
from bot.simulator.told import CauseTold, Told

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Play:
    """A scenario's archive read back: its rows with their fields flattened, in the order of their times."""

    out: Path
    told: Told
    rows: list[dict[str, Any]]

    def of(self, collection: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["collection"] == collection]

    def cause(self, ask: str) -> CauseTold:
        [cause] = next(truth.causes for truth in self.told.truths if truth.ask.startswith(ask))
        return cause

    def ask(self, verb: str) -> str:
        return next(truth.ask for truth in self.told.truths if truth.ask.startswith(verb)).removeprefix(f"{verb} ")

    @cached_property
    def app_log(self) -> list[str]:
        """The texts of the app servers' log, without what the logger puts around them."""
        text = (self.out / "app-server.log").read_text(encoding="utf-8")
        if text.startswith("{"):
            return [json.loads(line)["Message"] for line in text.splitlines()]
        return [line.strip() for line in text.splitlines() if line.startswith("      ")]

    @cached_property
    def traced(self) -> dict[str, dict[int, list[dict[str, Any]]]]:
        """The traced messages by leg ("from client", "to server", "from server", "to client"), then by tracing id."""
        legs: dict[str, dict[int, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
        for row in self.of("Message"):
            told = re.match(r"(Received|Sent) a .*?(server|client) connection", row["message"])
            if told:
                way = "from" if told[1] == "Received" else "to"
                legs[f"{way} {told[2]}"][row["messageTracingId"]].append(row)
        return legs


def rows_of(out: Path) -> list[dict[str, Any]]:
    rows = []
    for blob in sorted(out.rglob("*.json")):
        for line in blob.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            rows.append({**record, **record["properties"], "at": datetime.fromisoformat(record["time"])})
    return sorted(rows, key=lambda row: row["at"])


def stage(out: Path, name: str) -> Play:
    told = write_scenario(out, name, seed=4, start=START)
    return Play(out, told, rows_of(out))


# What the fixture of a test module gives: the play of a scenario, staged once.
Stage = Callable[[str], Play]


def stage_once(folder: Callable[[str], Path]) -> Stage:
    """Plays by name, each in a folder of its own and written only once."""
    played: dict[str, Play] = {}

    def staged(name: str) -> Play:
        if name not in played:
            played[name] = stage(folder(name), name)
        return played[name]

    return staged
