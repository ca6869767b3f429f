"""A second look, line by line, at what the fast reader of log files could not read.

It repairs what a person would still call a record: a byte-order mark, another encoding, `properties` written as
JSON text, the table's own column names, a JSON array or a `{"records": [...]}` around the records. The rest is
reported with its line and why.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from bot.engines import archive
from bot.engines.embedded_schema import CSV_TIMES, LONGEST_LINE, Tables, TableSchema

# These keep a hostile file from filling the memory.
LARGEST_DOCUMENT = 64 << 20
LARGEST_UNPACKED = 4 << 30
# gzip cannot pack tighter than this, so a small file need not be measured.
_TIGHTEST_GZIP = 1032

_WRAPPERS = ("records", "value")
_DECODER = json.JSONDecoder()
# What a broken or cut-off gzip file raises (BadGzipFile is an OSError, but no disk's fault).
_BROKEN_GZIP = (EOFError, zlib.error, gzip.BadGzipFile)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that holds no record: the file's path relative to the logs, the line from 1 (0: the whole file), why."""

    path: str
    line: int
    why: str


@dataclass(frozen=True, slots=True)
class CutOff:
    """A last line without its end: the service was still writing it, or the copy stopped."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the table `schema`: texts by column name."""

    schema: TableSchema
    texts: Mapping[str, str]


Found = Record | Unreadable | CutOff


class Misaligned(Exception):
    """The lines the fast reader counted are not the lines of the file."""


def records(
    file: archive.LogFile,
    tables: Tables,
    wanted: Collection[int] | None,
    total: int,
    keep_going: Callable[[], None],
) -> Iterator[Found]:
    """What the lines at the positions `wanted` hold: a record, or what is wrong with the line.

    Positions count from 0 over the lines that are not blank; None means every line. `total` is how many such lines
    the fast reader saw: Misaligned is raised when there are others. `keep_going` is called often and may raise.
    """
    if wanted is None or len(wanted) == total:
        document = _document(file.path)
        if document is not None:
            for value in document:
                yield from _read(value, tables, file.name, 0)
            return
    position = 0
    for number, line in _lines(file.path):
        if isinstance(line, _Broken):
            yield Unreadable(file.name, number, "the packed file is cut off or broken here, the rest is missing")
            break
        if number % 1000 == 0:
            keep_going()
        if line is None:
            yield Unreadable(file.name, number, f"longer than {LONGEST_LINE >> 20} MiB")
        elif not line.strip():
            continue
        elif wanted is None or position in wanted:
            yield from _parse(line, tables, file.name, number)
        position += 1
    if wanted is not None and position != total:
        raise Misaligned


def unpacks_beyond(path: Path, limit: int = LARGEST_UNPACKED) -> bool:
    """Whether a gzip file holds more than `limit` bytes. Raises OSError or EOFError for a broken one."""
    if path.suffix.lower() != ".gz" or path.stat().st_size * _TIGHTEST_GZIP <= limit:
        return False
    unpacked = 0
    with gzip.open(path, "rb") as stream:
        while chunk := stream.read(1 << 20):
            unpacked += len(chunk)
            if unpacked > limit:
                return True
    return False


def _open(path: Path) -> BinaryIO:
    raw = path.open("rb")
    magic = raw.read(2)
    raw.seek(0)
    stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if magic == b"\x1f\x8b" else raw
    head = stream.read(2)
    stream.seek(0)
    if head not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return stream
    # What PowerShell's redirection writes.
    return cast(BinaryIO, io.BufferedReader(_Recoded(stream)))


class _Broken:
    """Stands for all lines of a packed file from the first that cannot be unpacked."""


class _Recoded(io.RawIOBase):
    """UTF-16 text as UTF-8 bytes, a piece at a time."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-16")("replace")
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            chunk = self._stream.read(1 << 16)
            self._ready = self._decoder.decode(chunk, final=not chunk).encode("utf-8", "replace")
            if not chunk:
                break
        taken = self._ready[: len(buffer)]
        buffer[: len(taken)] = taken
        self._ready = self._ready[len(taken) :]
        return len(taken)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _lines(path: Path) -> Iterator[tuple[int, bytes | _Broken | None]]:
    """The lines with their numbers from 1, line ends kept; None for one that is too long.

    Raises what gzip raises when not even the first line can be unpacked.
    """
    number = 0
    try:
        for line in _read_lines(path):
            number += 1
            yield number, line
    except _BROKEN_GZIP:
        if not number:
            raise
        yield number + 1, _Broken()


def _read_lines(path: Path) -> Iterator[bytes | None]:
    with _open(path) as stream:
        while line := stream.readline(LONGEST_LINE):
            if len(line) < LONGEST_LINE or line.endswith(b"\n"):
                yield line
                continue
            while line and not line.endswith(b"\n"):
                line = stream.readline(LONGEST_LINE)
            yield None


def _document(path: Path) -> list[Any] | None:
    """The values of a file that is one JSON document over several lines; None when it is not."""
    try:
        with _open(path) as stream:
            whole = stream.read(LARGEST_DOCUMENT + 1)
    except _BROKEN_GZIP:
        return None
    if len(whole) > LARGEST_DOCUMENT or b"\n" not in whole.strip():
        return None
    try:
        return _unwrap(json.loads(whole.decode("utf-8-sig", "replace")))
    except (ValueError, RecursionError):
        return None


def _unwrap(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        for wrapper in _WRAPPERS:
            if isinstance(value.get(wrapper), list) and "time" not in value:
                return cast(list[Any], value[wrapper])
    return [value]


def _parse(line: bytes, tables: Tables, path: str, number: int) -> Iterator[Found]:
    if not line.strip(b"\x00 \t\r\n"):
        yield Unreadable(path, number, "only NUL bytes")
        return
    values, is_whole = _values(line.decode("utf-8-sig", "replace"))
    for value in values:
        for each in _unwrap(value):
            yield from _read(each, tables, path, number)
    if not is_whole:
        # Only the last line of a file can lack its line end.
        yield Unreadable(path, number, "not JSON") if line.endswith(b"\n") else CutOff(path, number)


def _values(text: str) -> tuple[list[Any], bool]:
    """The JSON values of a line, one or several objects, and whether nothing else is there."""
    text = text.strip()
    values: list[Any] = []
    end = 0
    try:
        while end < len(text):
            value, end = _DECODER.raw_decode(text, end)
            if not isinstance(value, dict) and (values or end < len(text)):
                return values, False
            values.append(value)
            while text[end : end + 1].isspace():
                end += 1
    except (ValueError, RecursionError):
        return values, False
    return values, True


def _read(value: Any, tables: Tables, path: str, number: int) -> Iterator[Found]:
    if not isinstance(value, dict):
        yield Unreadable(path, number, "not a JSON object")
        return
    outer = _fold(value)
    schema = tables.of(outer.keys())
    for name in schema.fields:
        inside = outer.get(name.lower())
        if schema.fields[name] and isinstance(inside, str):
            outer[name.lower()] = _loads(inside)
    texts = {}
    for column in schema.stored:
        for source in (*column.storage, column.name):
            found = _text(_at(outer, source))
            if found:
                texts[column.name] = found
                break
    time = texts.get("TimeGenerated", "")
    moment = _moment(time)
    if moment is None:
        yield Unreadable(path, number, "a time that cannot be read" if time else "no time")
        return
    yield Record(schema, {**texts, "TimeGenerated": moment.isoformat()})


def _fold(value: Mapping[str, Any]) -> dict[str, Any]:
    folded: dict[str, Any] = {}
    for key, each in value.items():
        folded.setdefault(key.lower(), each)
    return folded


def _at(outer: Mapping[str, Any], source: str) -> Any:
    first, _, second = source.lower().partition(".")
    found = outer.get(first)
    if not second:
        return found
    return _fold(found).get(second) if isinstance(found, dict) else None


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            # A lone surrogate is no text; the store could not hold it.
            return value.encode("utf-8", "replace").decode()
        case _:
            return json.dumps(value)


def _moment(text: str) -> datetime | None:
    """The aware UTC moment a text names; without an offset it is taken as UTC."""
    plain = text.strip().replace("\u202f", " ")
    try:
        found = datetime.fromisoformat(plain)
    except ValueError:
        for form in CSV_TIMES:
            try:
                found = datetime.strptime(plain, form)  # noqa: DTZ007 - the zone is set below
                break
            except ValueError:
                continue
        else:
            return None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        return None


def first_line(path: Path) -> str:
    """The first line of a text file, packed or not, without what follows its first 64 KiB."""
    with _open(path) as stream:
        return stream.readline(1 << 16).decode("utf-8-sig", "replace")


def first_resource(path: Path) -> str:
    """The resource id that the first record of a JSON file names; empty when that line cannot be read."""
    try:
        with _open(path) as stream:
            value = json.loads(stream.readline(LONGEST_LINE))
    except (OSError, EOFError, ValueError, RecursionError, zlib.error):
        return ""
    found = value.get("resourceId") if isinstance(value, dict) else None
    return _text(found) if isinstance(found, str) else ""
