"""The JSON a Log Analytics query answers with, as a Table.

Source: Azure Monitor Logs API, "Azure Monitor Log Analytics API response format".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from bot.model import Table

_SPACE = re.compile(r"[ \t\r\n]*")
_TIMESPAN = re.compile(r"(-?)(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?\Z", re.ASCII)
_REASON_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What a 200 held: `table` is None when it held no table, `error` is its error object, if any."""

    table: Table | None
    error: Mapping[str, Any]


def read_answer(body: bytes) -> Answer:
    """The answer in `body`; a partial one carries its reasons as the table's notes.

    Blocking: call it in a thread. The rows are decoded one by one, so that the interpreter can switch
    back to the event loop between two rows; one `json.loads` over a large body would hold it throughout.
    Raises ValueError for anything that is not such an answer.
    """
    try:
        return _read(_Reader(body.decode("utf-8-sig")))
    except (TypeError, KeyError, IndexError, RecursionError, OverflowError) as error:
        raise ValueError(f"not an answer of the Log Analytics API: {type(error).__name__}") from error


def reasons(error: Mapping[str, Any]) -> tuple[str, ...]:
    """Why an answer is partial, one sentence each; the envelope only says that something went wrong."""
    details = error.get("details")
    nested = [item for item in details if isinstance(item, Mapping)] if isinstance(details, list) else []
    found = [_innermost_message(item) for item in nested or [error]]
    return tuple(dict.fromkeys(reason for reason in found if reason))


def chain(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """An error object and the `innererror` objects inside it, outermost first."""
    level: object = error
    while isinstance(level, Mapping):
        yield level
        level = level.get("innererror")


def _innermost_message(error: Mapping[str, Any]) -> str:
    messages = [level.get("message") for level in chain(error)]
    texts = [message for message in messages if isinstance(message, str) and message.strip()]
    words = " ".join(texts[-1].split()) if texts else ""
    return words if len(words) <= _REASON_LENGTH else words[: _REASON_LENGTH - 1] + "…"


def _read(reader: _Reader) -> Answer:
    tables: list[tuple[str, Table]] = []
    error: Mapping[str, Any] = {}
    seen = set()
    for key in reader.members():
        seen.add(key)
        if key == "tables":
            tables = [_read_table(reader) for _ in reader.items()]
        elif key == "error":
            value = reader.value()
            error = value if isinstance(value, Mapping) else {}
        else:
            reader.value()
    reader.end()
    if not seen & {"tables", "error"}:
        raise ValueError("neither tables nor an error in the answer")
    named = [table for name, table in tables if name == "PrimaryResult"]
    chosen: Table | None = next(iter(named or [table for _, table in tables]), None)
    if chosen is None and not error:
        chosen = Table((), ())
    if chosen is not None and error:
        why = reasons(error) or ("the log store gave no reason.",)
        chosen = Table(chosen.columns, chosen.rows, tuple(f"The answer is incomplete: {r}" for r in why))
    return Answer(chosen, error)


def _read_table(reader: _Reader) -> tuple[str, Table]:
    name, convert, rows, early = "", None, [], []
    for key in reader.members():
        if key == "rows" and convert is not None:
            # Converted as they are read: a row of plain values costs the garbage collector nothing, a list
            # of all raw rows made it stop the whole process for 0.1 s.
            rows = [convert(reader.value()) for _ in reader.items()]
        elif key == "rows":
            early = [reader.value() for _ in reader.items()]
        elif key == "columns":
            convert = _Columns([(column["name"], str(column["type"]).lower()) for column in reader.value()])
        else:
            value = reader.value()
            name = value if key == "name" else name
    if convert is None:
        raise ValueError("a table without columns")
    return name, Table(convert.names, tuple(rows or map(convert, early)))


class _Columns:
    """Turns a raw row into a Row, by its columns' names and Kusto types."""

    def __init__(self, columns: Sequence[tuple[str, str]]) -> None:
        self.names = tuple(name for name, _ in columns)
        self._converters = [_CONVERTERS.get(kind, _unchanged) for _, kind in columns]

    def __call__(self, row: Any) -> dict[str, Any]:
        if not isinstance(row, list) or len(row) != len(self.names):
            raise ValueError("a row does not fit its columns")
        return {name: convert(value) for name, convert, value in zip(self.names, self._converters, row, strict=True)}


class _Reader:
    """A walk over JSON text that hands out one member, item or value at a time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._decode = json.JSONDecoder().raw_decode

    def members(self) -> Iterator[str]:
        """The keys of the object here; the caller reads each key's value before asking for the next."""
        self._take("{")
        if self._follows("}"):
            return
        while True:
            key = self.value()
            self._take(":")
            yield key
            if not self._follows(","):
                break
        self._take("}")

    def items(self) -> Iterator[None]:
        """One turn for each item of the array here; the caller reads the item in its turn."""
        self._take("[")
        if self._follows("]"):
            return
        while True:
            yield
            if not self._follows(","):
                break
        self._take("]")

    def value(self) -> Any:
        """The whole value here."""
        value, self._at = self._decode(self._text, self._skip())
        return value

    def end(self) -> None:
        if self._skip() != len(self._text):
            raise ValueError("text after the end of the answer")

    def _skip(self) -> int:
        match = _SPACE.match(self._text, self._at)
        return match.end() if match else self._at

    def _follows(self, character: str) -> bool:
        at = self._skip()
        if not self._text.startswith(character, at):
            return False
        self._at = at + 1
        return True

    def _take(self, character: str) -> None:
        if not self._follows(character):
            raise ValueError(f"{character!r} expected at character {self._at}")


def _unchanged(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)


def _real(value: Any) -> float | None:
    # NaN and the infinities come as text.
    return None if value is None else float(value)


def _decimal(value: Any) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError("not a decimal") from error


def _boolean(value: Any) -> bool | None:
    # Kusto's first response format writes 0 and 1.
    if isinstance(value, str):
        return value.lower() == "true"
    return None if value is None else bool(value)


def _moment(value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _timespan(value: Any) -> timedelta | None:
    if value is None or value == "":
        return None
    match = _TIMESPAN.match(value)
    if not match:
        raise ValueError("not a timespan")
    sign, days, hours, minutes, seconds, fraction = match.groups()
    span = timedelta(
        days=int(days or 0),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int(((fraction or "") + "000000")[:6]),
    )
    return -span if sign else span


def _guid(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _dynamic(value: Any) -> Any:
    """The parsed value; a bare text is a dynamic string, which comes without its quotes."""
    if value == "":
        return None
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return value
    return value if isinstance(parsed, float) and not math.isfinite(parsed) else parsed


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is a text here")


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "string": _text,
    "int": _integer,
    "long": _integer,
    "real": _real,
    "double": _real,
    "decimal": _decimal,
    "bool": _boolean,
    "boolean": _boolean,
    "datetime": _moment,
    "timespan": _timespan,
    "guid": _guid,
    "dynamic": _dynamic,
}
