"""DuckDB's values as the values every engine returns; the shape is written down in `embedded`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import duckdb

from bot.model import Table

_Mend = Callable[[Any], Any]


def table(result: duckdb.DuckDBPyConnection, notes: tuple[str, ...]) -> Table:
    """All rows of a finished query."""
    described = result.description or []
    columns = tuple(str(column[0]) for column in described)
    mends = tuple(_mend(str(column[1])) for column in described)
    rows = tuple(
        dict(zip(columns, (mend(value) for mend, value in zip(mends, row, strict=True)), strict=True))
        for row in result.fetchall()
    )
    return Table(columns, rows, notes)


def _mend(kind: str) -> _Mend:
    match kind:
        case "VARCHAR":
            return _string
        case "JSON":
            return _dynamic
        case "BIGINT" | "INTEGER" | "BOOLEAN" | "DOUBLE" | "HUGEINT" | "INTERVAL":
            return _same
        case _:
            return _other


def _string(value: Any) -> Any:
    return "" if value is None else value


def _dynamic(value: Any) -> Any:
    return None if value is None else json.loads(value)


def _same(value: Any) -> Any:
    return value


def _other(value: Any) -> Any:
    match value:
        case datetime():
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        case date():
            return datetime.combine(value, time(), UTC)
        case Decimal():
            return float(value)
        case UUID():
            return str(value)
        case list() | tuple():
            return [_other(each) for each in value]
        case dict():
            return {key: _other(each) for key, each in value.items()}
        case _:
            return value
