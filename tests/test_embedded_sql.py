"""The quicker SQL finds what the translator's own finds, in texts made to tell them apart."""

from __future__ import annotations

from datetime import datetime

import duckdb
import duckdb_kql
import pytest

from bot.engines import embedded_sql

COLUMNS = {"Moment": "TIMESTAMP", "Said": "VARCHAR", "Number": "BIGINT"}
TEXTS = (
    "", "server", "Server", "SERVER ", "app server closed", "50% off", "50 off", "a_b", "axb", "back\\slash", "it's",
    "İstanbul", "istanbul", "straße", "STRASSE", "\N{KELVIN SIGN}", "k", "Ωmega", "ωMEGA", "line\nbreak",
    "%", "_", "\\", "'",
)  # fmt: skip
TIMES = (None, "1969-12-31 23:59:59.5", "2026-01-05 00:00:00", "2026-01-05 06:59:59.999999", "2026-03-29 01:30:00")


@pytest.fixture
def table() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE TABLE T ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})")
    rows = [(TIMES[number % len(TIMES)], text, number) for number, text in enumerate(TEXTS)]
    connection.executemany("INSERT INTO T VALUES (?, ?, ?)", rows)
    return connection


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param('Said =~ "SERVER"', id="equal in any case"),
        pytest.param('Said !~ "istanbul"', id="not equal in any case"),
        pytest.param('Said =~ "ωmega"', id="equal beyond ASCII"),
        pytest.param('Said contains "Server"', id="contains"),
        pytest.param('Said !contains "server"', id="contains not"),
        pytest.param('Said contains_cs "server"', id="contains in this case"),
        pytest.param('Said startswith "ser"', id="starts with"),
        pytest.param('Said endswith "OFF"', id="ends with"),
        pytest.param('not(Said contains "strass")', id="turned round"),
    ],
)
def test_a_search_for_a_known_text(table: duckdb.DuckDBPyConnection, condition: str) -> None:
    slow, quick = _both(f"T | where {condition} | project Number | order by Number asc")

    assert (_rows(table, quick), quick != slow) == (_rows(table, slow), True)


@pytest.mark.parametrize(
    "condition",
    [
        "Said contains wanted", "wanted contains Said", "Said startswith wanted", "Said endswith wanted",
        "Said !contains wanted", "Said =~ wanted", "Said == wanted",
    ],
)  # fmt: skip
def test_a_search_for_a_value(table: duckdb.DuckDBPyConnection, condition: str) -> None:
    slow, quick = _both(
        f"declare query_parameters(wanted:string); T | where {condition} | project Number | order by Number asc"
    )

    assert {text: _rows(table, quick, text) for text in TEXTS} == {text: _rows(table, slow, text) for text in TEXTS}


@pytest.mark.parametrize("step", ["1s", "10s", "5m", "1h", "7h", "1d", "7d"])
def test_a_time_is_rounded_down_alike(table: duckdb.DuckDBPyConnection, step: str) -> None:
    slow, quick = _both(f"T | summarize n = count() by rounded = bin(Moment, {step}) | order by rounded asc")

    assert (_rows(table, quick), "time_bucket" in quick) == (_rows(table, slow), True)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param('T | where Said contains "50%" | project Number', id="a sign of LIKE"),
        pytest.param('T | where Said =~ "a_b" | project Number', id="another sign of LIKE"),
        pytest.param(
            "T | extend Moment = Number | summarize by rounded = bin(Moment, 10)", id="a number under a time's name"
        ),
        pytest.param('T | project x = "lower(\\"Said\\") = lower(\'a\')"', id="SQL inside a text"),
    ],
)
def test_what_is_not_known_stays(query: str) -> None:
    slow, quick = _both(query)

    assert quick == slow


def _both(query: str) -> tuple[str, str]:
    """The translator's SQL, and ours."""
    sql = str(duckdb_kql.to_sql(query, schema={"T": list(COLUMNS)}, allow_write=False))
    return sql, embedded_sql.shortened(sql, {"Said"}, {"Moment"})


def _rows(table: duckdb.DuckDBPyConnection, sql: str, wanted: str | None = None) -> list[tuple[int | datetime, ...]]:
    return table.execute(sql, {} if wanted is None else {"kqlp0": wanted}).fetchall()
