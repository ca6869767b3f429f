"""What the rows of queries/coverage.kql prove: gaps at the ends and within, bursts, sparse families, resources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.command import Command
from bot.interpret import Question, coverage
from bot.model import Coverage, Family, Gap, Ruled, Ruling, Window

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=2))
SECOND = timedelta(seconds=1)
SLOT = coverage.parameters(WINDOW)["slot_seconds"]
Moments = Iterable[float]


def every(seconds: float, first: float = 0, last: float = 7200) -> list[float]:
    """Seconds after the window's start, evenly from `first` up to `last`."""
    return [first + number * seconds for number in range(int((last - first) / seconds) + 1)]


def counted(family: str, moments: Moments, resource: str = "/chat") -> list[dict[str, Any]]:
    """The rows of queries/coverage.kql for records at these moments."""
    slots: dict[int, list[float]] = {}
    for second in sorted(moments):
        slots.setdefault(int(second // SLOT), []).append(second)
    return [
        {
            "Collection": family, "_ResourceId": resource, "slot": slot, "records": len(held),
            "first_seen": START + held[0] * SECOND, "last_seen": START + held[-1] * SECOND,
        }
        for slot, held in slots.items()
    ]  # fmt: skip


def gaps(rows: Sequence[dict[str, Any]], family: str) -> list[tuple[float, float]]:
    """The gaps of a family, in seconds after the window's start."""
    [held] = [each for each in coverage.read(rows, WINDOW) if each.family == family]
    return [((gap.start - START) / SECOND, (gap.end - START) / SECOND) for gap in held.gaps]


STEADY = every(5)


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        pytest.param(STEADY, [], id="a steady stream has none"),
        pytest.param([*every(5, 0, 7000)], [(7000, 7200)], id="the last minutes are missing"),
        pytest.param([*every(5, 300)], [(0, 300)], id="the first minutes are missing"),
        pytest.param([*every(5, 0, 3000), *every(5, 3300)], [(3000, 3300)], id="minutes within are missing"),
        pytest.param([*every(5, 0, 3000), *every(5, 3040)], [], id="a lull of seconds within is ordinary"),
        pytest.param([*every(5, 0, 7180)], [], id="the last seconds are no proof"),
        pytest.param([*every(5), *[3600.0] * 5000], [], id="a burst does not make the rest look empty"),
        pytest.param(every(900), [], id="eight records are no stream"),
        pytest.param([100.0], [], id="one record is no stream"),
        pytest.param([*every(1, 600, 660)], [(660, 7200)], id="all of it in one minute is not the window"),
        pytest.param(
            [second for start in every(10, 0, 6000) for second in [start] * 40],
            [(6000, 7200)],
            id="a stream of broadcasts that stops",
        ),
    ],
)
@pytest.mark.parametrize("family", ["Connection", "Message", "message"])
def test_a_gap_is_where_many_records_were_to_come(
    family: str, moments: Moments, expected: list[tuple[float, float]]
) -> None:
    assert gaps(counted(family, moments), family) == expected


@pytest.mark.parametrize("family", ["Message", "message"])
def test_broadcasts_of_forty_records_at_once_come_as_seldom_as_broadcasts(family: str) -> None:
    moments = [second for start in every(90) for second in [start] * 40]
    assert gaps(counted(family, moments), family) == []


def test_a_silence_of_all_steady_families_is_the_pipelines() -> None:
    rows = [
        *counted("Connection", every(5, 0, 7000)),
        *counted("Message", every(2, 0, 7000)),
        *counted("Authorization", [100.0, 5000.0]),
    ]
    found = {family: gaps(rows, family) for family in ("Connection", "Message", "Authorization")}
    assert found == {name: [(7000, 7200)] for name in found}


def test_the_silence_of_one_family_is_its_own() -> None:
    rows = [*counted("Connection", STEADY), *counted("Message", every(2, 0, 7000)), *counted("Throttling", [100.0])]
    found = {family: gaps(rows, family) for family in ("Connection", "Message", "Throttling")}
    assert found == {"Connection": [], "Message": [(7000, 7200)], "Throttling": []}


@pytest.mark.parametrize("family", ["Authorization", "Throttling", "HttpRequest"])
def test_a_family_that_comes_in_bursts_shows_no_gap_of_its_own(family: str) -> None:
    rows = [*counted("Connection", STEADY), *counted(family, every(0.1, 600, 660))]
    assert gaps(rows, family) == []


def test_resources_are_counted_together_and_named_once() -> None:
    rows = [*counted("Connection", every(10, 0, 3600), "/A/chat"), *counted("Connection", every(10, 3600), "/a/CHAT")]
    rows += counted("Connection", [1.0], "")
    [held] = coverage.read(rows, WINDOW)
    assert (held.rows, held.gaps, coverage.resources(rows)) == (723, (), ("/a/chat",))


def test_nothing_logged_is_no_family() -> None:
    assert coverage.read([], WINDOW) == ()


def question(*held: Coverage, now: datetime = WINDOW.end + timedelta(hours=1)) -> Question:
    return Question(Command("drops", {}, WINDOW, True), now, held)


def family(name: str, rows: int = 1000, *gap: tuple[float, float]) -> Coverage:
    spans = tuple(Window(START + first * SECOND, START + last * SECOND) for first, last in gap)
    return Coverage(name, rows, START, WINDOW.end, spans)


NONE = "no Throttling record was logged in the window"
ALONE = "only Throttling records were logged, so that nothing shows whether they are complete"
LOST = "Connection records are missing from 2026-11-23 11:50:00 to 12:00:00 UTC"


@pytest.mark.parametrize(
    ("held", "name", "window", "why"),
    [
        pytest.param((family("Connection"),), "Connection", None, "", id="complete"),
        pytest.param((family("CONNECTION"),), "connection", None, "", id="complete, in another case"),
        pytest.param((family("Connection"),), "Throttling", None, NONE, id="not logged"),
        pytest.param((family("Connection"), family("Throttling", 0)), "Throttling", None, NONE, id="without a record"),
        pytest.param((family("Throttling"),), "Throttling", None, ALONE, id="without a steady family beside it"),
        pytest.param((family("Connection", 9, (6600, 7200)),), "Connection", None, LOST, id="with a gap at the end"),
        pytest.param(
            (family("Connection", 9, (6600, 7200)),), "Connection", Window(START, START + 6600 * SECOND), "",
            id="with a gap outside the moment in question",
        ),
    ],
)  # fmt: skip
def test_an_absence_proves_something_only_where_the_log_is_complete(
    held: tuple[Coverage, ...], name: str, window: Window | None, why: str
) -> None:
    assert coverage.missing(question(*held), name, window) == why


LIMIT = (Family.QUOTA, "connection-limit")


@pytest.mark.parametrize(
    ("held", "ruling"),
    [
        pytest.param(
            (family("Connection"), family("Throttling")),
            Ruling(*LIMIT, Ruled.OUT, "Nothing was refused."),
            id="both logs are complete",
        ),
        pytest.param(
            (family("Connection"),),
            Ruling(*LIMIT, Ruled.UNKNOWN, f"{NONE[0].upper()}{NONE[1:]}.", "Throttling"),
            id="one of them is not logged",
        ),
        pytest.param(
            (family("Throttling"),),
            Ruling(*LIMIT, Ruled.UNKNOWN, "No Connection record was logged in the window.", "Connection"),
            id="the one that is not logged is named, not the one it would prove",
        ),
        pytest.param(
            (family("Connection", 9, (6600, 7200)), family("Throttling")),
            Ruling(*LIMIT, Ruled.UNKNOWN, f"{LOST}.", "Connection"),
            id="one of them has a gap",
        ),
    ],
)
def test_a_cause_is_ruled_out_only_by_complete_logs(held: tuple[Coverage, ...], ruling: Ruling) -> None:
    names = ("Connection", "Throttling")
    assert coverage.ruling(question(*held), *LIMIT, "Nothing was refused.", names) == ruling


def test_a_log_that_another_would_prove_is_unknown_for_want_of_that() -> None:
    ruling = Ruling(*LIMIT, Ruled.UNKNOWN, f"{ALONE[0].upper()}{ALONE[1:]}.", "Connection")
    assert coverage.ruling(question(family("Throttling")), *LIMIT, "Nothing.", ["Throttling"]) == ruling


def test_causes_are_unknown_for_want_of_a_log_and_only_then() -> None:
    lacking = Ruling(*LIMIT, Ruled.UNKNOWN, "No Message record was logged in the window.", "Message")
    asked = question(family("Connection"))
    assert (coverage.unknown(asked, "Message", LIMIT), coverage.unknown(asked, "Connection", LIMIT)) == ((lacking,), ())


@pytest.mark.parametrize(
    ("name", "switch"),
    [
        pytest.param("Message", "MessagingLogs", id="messages"),
        pytest.param("Throttling", "ConnectivityLogs", id="throttling"),
        pytest.param("HttpRequest", "HttpRequest", id="a family we do not know"),
    ],
)
def test_a_missing_family_names_the_switch_that_brings_it(name: str, switch: str) -> None:
    assert coverage.gap(question(family("Connection")), name, "Whether it was refused") == Gap(
        "Whether it was refused",
        f"No {name} record was logged in the window.",
        f"Log Source Settings of the resource: {switch}.",
        coverage.LOGS,
    )


@pytest.mark.parametrize(
    ("now", "newest", "until"),
    [
        pytest.param(WINDOW.end, None, WINDOW.end + coverage.LATE, id="the window has just ended"),
        pytest.param(WINDOW.end + timedelta(hours=1), None, None, id="the window ended long ago"),
        pytest.param(WINDOW.end, START, None, id="the answer rests on what is old"),
        pytest.param(START + 60 * SECOND, None, START + 60 * SECOND + coverage.LATE, id="the window is not over"),
    ],
)
def test_an_answer_is_provisional_while_records_may_still_come(
    now: datetime, newest: datetime | None, until: datetime | None
) -> None:
    assert coverage.provisional(question(family("Connection"), now=now), newest) == until
