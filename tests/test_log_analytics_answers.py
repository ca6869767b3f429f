"""The JSON of an answer becomes a Table: values by their Kusto types, whatever order the members come in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.engines.azure_answers import Answer, read_answer
from bot.model import Table
from tests.standins.log_analytics import wire

ZERO = "00000000-0000-0000-0000-000000000000"


def answer(kind: str, value: Any) -> bytes:
    table = {"name": "PrimaryResult", "columns": [{"name": "x", "type": kind}], "rows": [[value]]}
    return json.dumps({"tables": [table]}).encode()


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        pytest.param("string", "a < b", "a < b", id="text stays as it is"),
        pytest.param("string", None, "", id="a missing text is empty, never None"),
        pytest.param("string", "None", "None", id="the word None is a text like others"),
        pytest.param("long", 2**60 + 1, 2**60 + 1, id="a long above 2^53 stays exact"),
        pytest.param("long", None, None, id="a missing long is None"),
        pytest.param("int", 7, 7, id="an int"),
        pytest.param("real", 1, 1.0, id="a whole real is a float"),
        pytest.param("real", "Infinity", float("inf"), id="infinity comes as text"),
        pytest.param("real", "-Infinity", float("-inf"), id="so does its opposite"),
        pytest.param("real", None, None, id="a missing real is None"),
        pytest.param("decimal", "1.10", Decimal("1.10"), id="a decimal keeps its digits"),
        pytest.param("bool", True, True, id="a bool"),
        pytest.param("bool", 0, False, id="a bool written as 0"),
        pytest.param("bool", None, None, id="a missing bool is None"),
        pytest.param(
            "datetime",
            "2026-08-01T10:00:00.1234567Z",
            datetime(2026, 8, 1, 10, 0, 0, 123456, UTC),
            id="seven digits of a second are cut to six",
        ),
        pytest.param("datetime", "2026-08-01T10:00:00Z", datetime(2026, 8, 1, 10, tzinfo=UTC), id="whole seconds"),
        pytest.param(
            "datetime", "2026-08-01T12:00:00+02:00", datetime(2026, 8, 1, 10, tzinfo=UTC), id="an offset is UTC"
        ),
        pytest.param("datetime", "2026-08-01T10:00:00", datetime(2026, 8, 1, 10, tzinfo=UTC), id="no zone is UTC"),
        pytest.param("datetime", None, None, id="a missing moment is None"),
        pytest.param(
            "timespan",
            "1.02:03:04.5000000",
            timedelta(days=1, hours=2, minutes=3, seconds=4.5),
            id="a timespan with days and a fraction",
        ),
        pytest.param("timespan", "-00:00:01", timedelta(seconds=-1), id="a negative timespan"),
        pytest.param("timespan", "00:01:00", timedelta(minutes=1), id="a timespan without days"),
        pytest.param("timespan", None, None, id="a missing timespan is None"),
        pytest.param("guid", ZERO, ZERO, id="a guid is a text"),
        pytest.param("guid", None, None, id="a missing guid is None"),
        pytest.param("dynamic", '{"a": [1, null]}', {"a": [1, None]}, id="dynamic text is parsed"),
        pytest.param("dynamic", {"a": 1}, {"a": 1}, id="a dynamic that is an object already stays"),
        pytest.param("dynamic", "ping timeout", "ping timeout", id="a dynamic string has no quotes"),
        pytest.param("dynamic", "NaN", "NaN", id="a dynamic string that JSON readers take for a number"),
        pytest.param("dynamic", "[" * 100_000, "[" * 100_000, id="a stranger's nesting stays text"),
        pytest.param("dynamic", "", None, id="an empty dynamic is None"),
        pytest.param("dynamic", None, None, id="a missing dynamic is None"),
        pytest.param("a type to come", "x", "x", id="an unknown type passes through"),
    ],
)
def test_a_value_is_read_by_its_type(kind: str, written: Any, read: Any) -> None:
    assert read_answer(answer(kind, written)) == Answer(Table(("x",), ({"x": read},)), {})


def test_nan_is_read_as_a_float() -> None:
    table = read_answer(answer("real", "NaN")).table
    assert table is not None
    assert str(table.rows[0]["x"]) == "nan"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(datetime(2026, 8, 1, 10, 0, 0, 5, UTC), id="datetime"),
        pytest.param(-timedelta(days=3, hours=4, microseconds=7), id="timespan"),
        pytest.param({"a": "<b>", "c": [1.5]}, id="dynamic"),
        pytest.param(Decimal("0.1"), id="decimal"),
        pytest.param(2**63 - 1, id="long"),
        pytest.param(float("-inf"), id="real"),
    ],
)
def test_what_the_stand_in_writes_is_read_back(value: Any, request: pytest.FixtureRequest) -> None:
    kind = request.node.callspec.id
    assert read_answer(answer(kind, wire(value))) == Answer(Table(("x",), ({"x": value},)), {})


COLUMNS = '"columns": [{"name": "x", "type": "long"}, {"name": "y", "type": "string"}]'
ROWS = '"rows": [[1, "a"], [2, null]]'
OTHER = '{"name": "Other", "columns": [], "rows": []}'
PRIMARY = f'{{"name": "PrimaryResult", {COLUMNS}, {ROWS}}}'
READ = Table(("x", "y"), ({"x": 1, "y": "a"}, {"x": 2, "y": ""}))


@pytest.mark.parametrize(
    ("body", "table"),
    [
        pytest.param(f'{{"tables": [{{{COLUMNS}, {ROWS}}}]}}', READ, id="columns before rows"),
        pytest.param(f'{{"tables": [{{{ROWS}, {COLUMNS}}}]}}', READ, id="rows before columns"),
        pytest.param(
            f' {{"statistics": {{"query": {{}}}}, "tables" :\n [ {PRIMARY} ], "more": [1] }} ',
            READ,
            id="unknown members and spaces are passed over",
        ),
        pytest.param(f'\ufeff{{"tables": [{PRIMARY}]}}', READ, id="a byte-order mark"),
        pytest.param(
            f'{{"tables": [{OTHER}, {PRIMARY}]}}', READ, id="the primary result is taken among several tables"
        ),
        pytest.param(f'{{"tables": [{{{COLUMNS}, "rows": []}}]}}', Table(("x", "y"), ()), id="no rows"),
        pytest.param('{"tables": []}', Table((), ()), id="no tables at all"),
    ],
)
def test_the_shape_of_an_answer_may_vary(body: str, table: Table) -> None:
    assert read_answer(body.encode()) == Answer(table, {})


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html></html>", id="a web page"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b"{}", id="an object without tables"),
        pytest.param(b'{"tables": null}', id="tables that are null"),
        pytest.param(b'{"tables": [{"rows": [[1]]}]}', id="rows without columns"),
        pytest.param(b'{"tables": [{"columns": [{"name": "x", "type": "long"}], "rows": [[1, 2]]}]}', id="a long row"),
        pytest.param(b'{"tables": [{"columns": [{"name": "x", "type": "long"}], "rows": [{"x": 1}]}]}', id="no row"),
        pytest.param(b'{"tables": [{"columns": [{"name": "x", "type": "long"}], "rows": [["x"]]}]}', id="no long"),
        pytest.param(b'{"tables": [{"columns": [{"name": "x", "ty', id="half an answer"),
        pytest.param(b'{"tables": []} {"tables": []}', id="two answers"),
        pytest.param(b'{"tables": [' + b"[" * 100_000, id="endless nesting"),
        pytest.param(b'{"tables": ["\xff"]}', id="no UTF-8"),
    ],
)
def test_anything_else_is_refused_as_one_kind_of_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_answer(body)
