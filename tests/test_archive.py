"""Which log files a window needs, on real folders."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.engines import archive
from bot.errors import EngineError
from bot.model import Window

SUBSCRIPTION = "SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000"
CHAT = f"{SUBSCRIPTION}/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.SIGNALRSERVICE/SIGNALR/CHAT"
GAME = f"{SUBSCRIPTION}/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.SIGNALRSERVICE/SIGNALR/GAME"
TEN_TO_ELEVEN = Window(datetime(2026, 11, 23, 10, 5, tzinfo=UTC), datetime(2026, 11, 23, 10, 55, tzinfo=UTC))


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n")


def hour(resource: str, when: str) -> str:
    return f"insights-logs-alllogs/resourceId=/{resource}/{when}/m=00/PT1H.json".replace("=/", "=", 1).replace(
        "resourceId=", "resourceId=/"
    )


def hours_of(listing: archive.Listing) -> list[str]:
    return [file.hour.strftime("%d %H") if file.hour else file.name for file in listing.files]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    hours = [f"y=2026/m=11/d=23/h={each:02d}" for each in range(24)]
    write(tmp_path, *(hour(CHAT, each) for each in ["y=2025/m=12/d=31/h=23", *hours, "y=2026/m=11/d=24/h=00"]))
    write(tmp_path, hour(GAME, "y=2026/m=11/d=23/h=10"), "README.md", ".DS_Store")
    return tmp_path


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param("", id="the parent of the container"),
        pytest.param("insights-logs-alllogs", id="the container"),
        pytest.param(f"insights-logs-alllogs/resourceId=/{CHAT}", id="the resource's own folder"),
        pytest.param(f"insights-logs-alllogs/resourceId=/{CHAT}/y=2026/m=11/d=23", id="one day"),
    ],
)
def test_a_window_needs_its_hours_one_before_and_two_after(tree: Path, inside: str) -> None:
    listing = archive.find(tree / inside, TEN_TO_ELEVEN, CHAT)

    assert hours_of(listing) == ["23 09", "23 10", "23 11", "23 12"]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param("2026-11-24T00:30", "2026-11-24T00:40", ["23 23", "24 00"], id="across midnight"),
        pytest.param("2026-01-01T00:30", "2026-01-01T00:40", ["31 23"], id="across the new year"),
        pytest.param("2026-06-01T00:00", "2026-06-01T01:00", [], id="a month without logs is no error"),
    ],
)
def test_hours_across_boundaries(tree: Path, start: str, end: str, expected: list[str]) -> None:
    window = Window(*(datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (start, end)))

    assert hours_of(archive.find(tree, window, CHAT)) == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        pytest.param("", {"CHAT", "GAME"}, id="no resource means every one"),
        pytest.param(f"/{GAME.lower()}", {"GAME"}, id="an id in another case"),
        pytest.param("game", {"GAME"}, id="a bare name"),
        pytest.param("ame", set(), id="a part of a name is no name"),
    ],
)
def test_a_resource_chooses_its_own_folder(tree: Path, resource: str, expected: set[str]) -> None:
    listing = archive.find(tree, TEN_TO_ELEVEN, resource)

    assert {file.resource_id.rsplit("/", 1)[-1] for file in listing.files} == expected


def test_folder_names_may_be_in_any_case(tmp_path: Path) -> None:
    write(tmp_path, f"RESOURCEID=/{CHAT}/Y=2026/M=11/D=23/H=10/M=00/pt1h.json")

    listing = archive.find(tmp_path, TEN_TO_ELEVEN, CHAT.lower())

    assert hours_of(listing) == ["23 10"]


def test_loose_files_are_needed_whatever_the_window_and_other_files_are_counted(tmp_path: Path) -> None:
    write(tmp_path, "a.JSON", "b.jsonl.gz", "deep/c.csv", "d.parquet", "notes.txt", "._a.json", ".git/x.json")

    listing = archive.find(tmp_path, TEN_TO_ELEVEN)

    assert ([(file.name, file.kind.value) for file in listing.files], listing.foreign) == (
        [("a.JSON", "json"), ("b.jsonl.gz", "json"), ("d.parquet", "parquet"), ("deep/c.csv", "csv")],
        2,
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(None, "the path does not exist", id="no such path"),
        pytest.param((), "it holds nothing", id="an empty folder"),
        pytest.param(("README.md", "x/photo.png"), "it holds 2 other files", id="only other files"),
    ],
)
def test_no_logs_is_said_with_a_next_step(tmp_path: Path, names: tuple[str, ...] | None, expected: str) -> None:
    write(tmp_path, *(names or ()))

    with pytest.raises(EngineError) as caught:
        archive.find(tmp_path / "gone" if names is None else tmp_path, None)

    assert (expected in caught.value.message, bool(caught.value.hint)) == (True, True)


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(Window(datetime.min.replace(tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC)), id="the first day"),
        pytest.param(Window(datetime(9999, 12, 31, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)), id="the last day"),
    ],
)
def test_a_window_at_an_end_of_the_calendar_needs_no_hour_of_today(tree: Path, window: Window) -> None:
    write(tree, hour(CHAT, "y=0001/m=01/d=01/h=00"), hour(CHAT, "y=9999/m=12/d=31/h=22"))
    year = {1: "0001", 9999: "9999"}[window.start.year]

    assert [file.name.partition("/y=")[2][:4] for file in archive.find(tree, window).files] == [year]


def test_an_hour_that_ends_beyond_the_calendar_is_a_loose_folder(tmp_path: Path) -> None:
    write(tmp_path, hour(CHAT, "y=9999/m=12/d=31/h=23"))

    assert [file.hour for file in archive.find(tmp_path, TEN_TO_ELEVEN).files] == [None]
