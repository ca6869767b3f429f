"""Which log files there are on disk, and which of them a window needs.

A storage archive files a record under the hour in which it arrived, not the one in which it happened:
resourceId=<id>/y=YYYY/m=MM/d=DD/h=HH/m=00/PT1H.json, hours in UTC.
Source: https://learn.microsoft.com/azure/azure-monitor/platform/resource-logs#send-to-azure-storage
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from bot.errors import AccessDenied, EngineError
from bot.model import Window

# Files of one statement: enough to keep every core busy, few enough that a time-out keeps what came before.
_BATCH_BYTES = 1 << 30
HOUR = timedelta(hours=1)
# Records come late, seldom early: the hour before covers clocks that differ, two after cover slow delivery.
EARLY, LATE = HOUR, 2 * HOUR

_RESOURCE = re.compile(r"(?:^|/)resourceId=/?(?P<id>.+?)(?=/y=\d{4}(?:/|$)|$)", re.IGNORECASE)
_TIME = re.compile(
    r"/y=(?P<y>\d{4})(?:/m=(?P<mo>\d{1,2})(?:/d=(?P<d>\d{1,2})(?:/h=(?P<h>\d{1,2})(?:/m=\d{1,2})?)?)?)?/?$",
    re.IGNORECASE,
)
_APP = "/providers/microsoft.insights/components/"
_SUFFIX = re.compile(r"\.(?P<kind>jsonl?|ndjson|csv|parquet)(?P<gz>\.gz)?$", re.IGNORECASE)


class Kind(StrEnum):
    """How a log file is written."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file as it was when listed.

    `name` is its path relative to the logs, for people. `hour` is the aware UTC start of the hour it was
    filed under; None for a loose file, which may hold any time. `resource_id` is empty for a loose file.
    """

    path: Path
    name: str
    kind: Kind
    hour: datetime | None
    resource_id: str
    size: int
    changed_ns: int

    @property
    def is_packed(self) -> bool:
        return self.path.suffix.lower() == ".gz"


@dataclass(frozen=True, slots=True)
class Listing:
    """The log files a window needs, in the order of their hours.

    `is_archive` is whether there are archived hours at all, needed or not. `foreign` counts files that are no logs;
    `closed` names folders that could not be opened.
    """

    files: tuple[LogFile, ...]
    is_archive: bool
    foreign: int
    closed: tuple[str, ...]


def find(logs: Path, window: Window | None, resource: str = "") -> Listing:
    """The log files under `logs` that `window` needs (None: all), for `resource` (an id or a name; empty: every one).

    Raises EngineError when `logs` is not there or holds no log, AccessDenied when it cannot be opened.
    """
    try:
        if logs.is_file():
            return Listing((_log_file(logs, logs.parent, Kind.JSON),), False, 0, ())
        is_empty = next(logs.iterdir(), None) is None
    except FileNotFoundError as error:
        raise EngineError(
            f"There are no logs at {logs}: the path does not exist.",
            "Give the folder that holds resourceId=..., a folder of .json files, or one file.",
        ) from error
    except PermissionError as error:
        raise AccessDenied(
            f"The logs at {logs} may not be read by this user.", "Give the user that runs the bot read access to it."
        ) from error
    except OSError as error:
        raise EngineError(
            f"The logs at {logs} cannot be read: {error.strerror}.", "Check the disk and the path."
        ) from error
    listing = _walk(logs, window, resource)
    if not listing.files and not listing.is_archive:
        if listing.closed:
            raise AccessDenied(
                f"The logs in {logs} may not be read by this user ({listing.closed[0]}).",
                "Give the user that runs the bot read access to it.",
            )
        held = f"{listing.foreign} other files" if listing.foreign else "nothing" if is_empty else "only folders"
        raise EngineError(
            f"There are no logs in {logs}: it holds {held}.",
            "Give the folder that holds resourceId=..., or .json, .jsonl, .csv or .parquet files.",
        )
    return listing


def first_and_last_hour(listing: Listing) -> Window | None:
    """The time from the first archived hour to the end of the last; None for loose files."""
    hours = [file.hour for file in listing.files if file.hour is not None]
    return Window(min(hours), max(hours) + HOUR) if hours else None


def batches(files: Sequence[LogFile]) -> Iterator[list[LogFile]]:
    """`files` in their order, in groups that one statement reads well."""
    batch: list[LogFile] = []
    size = 0
    for file in files:
        if batch and size + file.size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


def _walk(logs: Path, window: Window | None, resource: str) -> Listing:
    files: list[LogFile] = []
    closed: list[str] = []
    foreign = 0
    is_archive = False

    def note(error: OSError) -> None:
        closed.append(_relative(Path(str(error.filename)), logs))

    for folder, folders, names in os.walk(logs, onerror=note):
        here = Path(folder).absolute().as_posix()
        is_archive = is_archive or _TIME.search(here) is not None
        if not _is_for(here, resource) or not _overlaps(here, window):
            folders.clear()
            continue
        # A leading dot marks what file managers and sync tools leave behind.
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for each in sorted(names):
            match = None if each.startswith(".") else _SUFFIX.search(each)
            if match is None:
                foreign += 1
                continue
            try:
                files.append(_log_file(Path(folder) / each, logs, Kind.JSON))
            except OSError:
                closed.append(_relative(Path(folder) / each, logs))
    files.sort(key=lambda file: (file.hour or datetime.min.replace(tzinfo=UTC), file.name))
    return Listing(tuple(files), is_archive, foreign, tuple(closed))


def _log_file(path: Path, logs: Path, otherwise: Kind) -> LogFile:
    status = path.stat()
    match = _SUFFIX.search(path.name)
    written = match["kind"].lower() if match else ""
    kind = Kind(written) if written in (Kind.CSV, Kind.PARQUET) else otherwise
    folder = path.absolute().parent.as_posix()
    return LogFile(
        path.absolute(),
        _relative(path, logs),
        kind,
        next((start for start, span in _times(folder) if span == HOUR), None),
        _resource_id(folder),
        status.st_size,
        status.st_mtime_ns,
    )


def _relative(path: Path, logs: Path) -> str:
    try:
        return path.relative_to(logs).as_posix()
    except ValueError:
        return path.name


def _resource_id(folder: str) -> str:
    match = _RESOURCE.search(folder)
    return "/" + match["id"] if match else ""


def _is_for(folder: str, resource: str) -> bool:
    held = _resource_id(folder).lower()
    wanted = resource.lower().strip("/")
    if not wanted or not held or _TIME.search(folder) is None:
        return True
    # What app servers log is filed under a resource of their own.
    if _APP in held:
        return True
    return held.endswith("/" + wanted)


def _overlaps(folder: str, window: Window | None) -> bool:
    if window is None:
        return True
    # At the ends of the calendar there is no hour more to add.
    first = max(window.start, datetime.min.replace(tzinfo=UTC) + EARLY) - EARLY
    last = min(window.end, datetime.max.replace(tzinfo=UTC) - LATE) + LATE
    return all(start <= last and start + span > first for start, span in _times(folder))


def _times(folder: str) -> Iterator[tuple[datetime, timedelta]]:
    """The start and the longest length of the year, month, day or hour a folder is for; nothing for others."""
    match = _TIME.search(folder)
    if match is None:
        return
    month, day, hour = (int(match[part]) if match[part] else None for part in ("mo", "d", "h"))
    try:
        start = datetime(int(match["y"]), month or 1, day or 1, hour or 0, tzinfo=UTC)
        days = 366 if month is None else 31 if day is None else 1
        span = HOUR if hour is not None else timedelta(days=days)
        start + span
    except (ValueError, OverflowError):
        # No date, or one whose end is beyond the calendar.
        return
    yield start, span
