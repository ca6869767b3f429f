"""What was ruled out is unknown once the log that showed it is gone, or its last minutes are; the log is named.

Simulated archives are asked whole, then without one log family at a time, then without their last minutes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import catalog
from bot.core import Core
from bot.engines.embedded import EmbeddedEngine
from bot.model import Report, Ruled, Ruling
from bot.simulator import Told, write_scenario
from bot.times import iso

VERBS = ("drops", "growth", "servers", "clients", "auth", "throttling", "messages", "group-race")
# The families that would show the causes a question rules out, where it is not Connection.
READS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "growth": {"connection-limit": ("Connection", "Throttling")},
    "auth": {
        "wrong-audience": ("Authorization",),
        "token-expired": ("Authorization", "Connection"),
        "unauthorized": ("Authorization", "Connection"),
    },
    "throttling": {
        "connection-limit": ("Throttling", "Connection"),
        "message-quota": ("Throttling", "Connection"),
    },
    "messages": {"lost-in-service": ("Message",), "lost-to-service": ("Message",)},
    "group-race": {"sent-before-join": ("Message",)},
    "trace": {"lost-in-service": ("Message",), "lost-to-service": ("Message",)},
}
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
LAST = timedelta(minutes=5)
# Asked so long after the last record that nothing is still to arrive.
LATER = timedelta(hours=1)


@dataclass(frozen=True)
class Record:
    """A line of an archive, with its family and time."""

    line: str
    family: str
    at: datetime


@dataclass(frozen=True)
class Archive:
    """What a scenario tells of itself, its records, and the file that is asked."""

    told: Told
    records: Sequence[Record]
    asked: Path

    @property
    def families(self) -> list[str]:
        return sorted({record.family for record in self.records})

    def write(self, keep: Callable[[Record], bool]) -> None:
        """Let the file hold the records that `keep` wants."""
        self.asked.write_text("".join(f"{each.line}\n" for each in self.records if keep(each)), encoding="utf-8")

    @property
    def questions(self) -> list[str]:
        traces = [truth.ask.partition(" --log")[0] for truth in self.told.truths if truth.ask.startswith("trace ")]
        return [*VERBS, *dict.fromkeys(traces)]


def reads(question: str, code: str) -> Sequence[str]:
    return READS.get(question.split()[0], {}).get(code, ("Connection",))


def ruled_out(report: Report) -> set[str]:
    return {each.code for each in report.rulings if each.outcome is Ruled.OUT}


def unknown(report: Report) -> dict[str, Ruling]:
    return {each.code: each for each in report.rulings if each.outcome is Ruled.UNKNOWN}


def affected(question: str, before: Report, gone: Sequence[str]) -> set[str]:
    """The codes that `before` rules out and that only the families `gone` would show."""
    return {code for code in ruled_out(before) if set(reads(question, code)) & set(gone)}


def faults(codes: set[str], after: Report, gone: Sequence[str]) -> Iterator[str]:
    """What `after`, without the families `gone` (or their last minutes), still claims, or does not call missing."""
    if not after.coverage:
        # Without a single record no cause is weighed at all.
        if not any(f"No {family} record" in each.reason for each in after.gaps for family in gone):
            yield "an empty log is not called missing"
        return
    for code in sorted(codes):
        found = unknown(after).get(code)
        if found is None:
            yield f"{code} is {'still ruled out' if code in ruled_out(after) else 'no longer mentioned'}"
        elif found.log not in gone:
            yield f"{code} is unknown for want of {found.log or 'nothing'}"


SCENARIOS = ("messages-healthy", "auth-key-rotated", "quota-by-leak", "trace-all-paths", "quiet-night")


@pytest.fixture(params=SCENARIOS)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    told = write_scenario(tmp_path / "written", request.param, seed=4, start=START)
    lines = (line for file in (tmp_path / "written").rglob("PT1H.json") for line in file.read_text().splitlines())
    records = []
    for line in lines:
        record = json.loads(line)
        records.append(Record(line, record["properties"]["collection"], datetime.fromisoformat(record["time"])))
    return Archive(told, records, tmp_path / "asked.jsonl")


async def test_what_a_missing_log_would_show_is_never_ruled_out(archive: Archive) -> None:
    told = archive.told
    core = Core(catalog.load(), EmbeddedEngine(archive.asked), lambda: told.last + LATER, timedelta(seconds=60))
    window = f"--from {iso(told.first)} --to {iso(told.last + timedelta(seconds=1))}"

    async def report(question: str) -> Report:
        found = await core.answer(f"{question} {window}", UTC)
        assert isinstance(found, Report)
        return found

    async def faults_without(
        gone: Sequence[str], questions: Sequence[str], keep: Callable[[Record], bool]
    ) -> list[str]:
        archive.write(keep)
        codes = {question: affected(question, whole[question], gone) for question in questions}
        return [
            f"{question}: {fault}"
            for question in questions
            if codes[question]
            for fault in faults(codes[question], await report(question), gone)
        ]

    try:
        archive.write(lambda _: True)
        whole = {question: await report(question) for question in archive.questions}
        wrong = {
            family: await faults_without(
                [family], archive.questions, lambda record, family=family: record.family != family
            )
            for family in archive.families
        }
        # What a message's own records show is about their moment, and stays shown.
        wrong["the last minutes"] = await faults_without(
            archive.families, VERBS, lambda record: record.at < told.last - LAST
        )
    finally:
        await core.close()
    assert (wrong, any(map(ruled_out, whole.values()))) == ({each: [] for each in wrong}, True)
