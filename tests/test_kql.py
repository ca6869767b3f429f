"""Values become literals that both engines read back unchanged, whatever a stranger typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import duckdb
import duckdb_kql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import catalog, kql
from bot.errors import UsageError
from bot.model import Window
from tests.kusto import parser
from tests.kusto.parser import Kusto, Reading

WINDOW = Window.ending(datetime(2026, 1, 2, tzinfo=UTC), timedelta(hours=2))
LOOK_UP = "SignalRServiceDiagnosticLogs | where ConnectionId == connection_id | take 5"
SAMPLES: Mapping[str, Any] = {
    "datetime": WINDOW.end,
    "timespan": WINDOW.span,
    "long": 1,
    "real": 1.0,
    "bool": True,
}

HOSTILE = {
    "a double quote": 'a"b',
    "a single quote": "a'b",
    "a backslash": "a\\b",
    "a trailing backslash": "a\\",
    "an escaped quote": '\\"',
    "an escape for a quote": "\\u0022",
    "KQL that closes the literal": '" | take 0 //',
    "KQL behind a semicolon": '"; SignalRServiceDiagnosticLogs | count; "',
    "SQL that closes the literal": "'; drop table SignalRServiceDiagnosticLogs; --",
    "SQL inside a dollar quote": "$$ select 1 $$",
    "a comment": "// /* -- */",
    "a multi-line literal's fence": "```",
    "a verbatim literal": '@"a"',
    "a hidden literal": 'h"a"',
    "mrkdwn": "<!channel> *bold* `code` &amp;",
    "a placeholder": "{connection_id} %s $1 ? :name",
    "an emoji": "\U0001f600",
    "a family of emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "text written from right to left": "\u202eabc\u05d0",
    "a zero-width space": "a\u200bb",
    "10,000 characters": "x'\"\\" * 2500,
    "nothing": "",
    "spaces": "   ",
}
REFUSED = {
    "a line break": "a\nb",
    "a carriage return": "a\rb",
    "a tab": "a\tb",
    "NUL": "a\0b",
    "an escape character": "\x1b[31m",
    "DEL": "\x7f",
    "a C1 control": "\x85",
    "a line separator": "a\u2028b",
    "a paragraph separator": "a\u2029b",
    "a byte-order mark": "\ufeffa",
    "a lone high surrogate": "\ud800",
    "a lone low surrogate": "a\udc00",
}


@pytest.fixture(scope="module")
def kusto() -> Iterator[Kusto]:
    with parser.running() as running:
        yield running


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    """A table with one connection id that no test asks for."""
    with duckdb.connect() as connection:
        connection.execute("create table SignalRServiceDiagnosticLogs (ConnectionId varchar)")
        connection.execute("insert into SignalRServiceDiagnosticLogs values ('bystander-7f3a')")
        yield connection


def is_clean(text: str) -> bool:
    try:
        return kql.clean(text, "id") == text
    except UsageError:
        return False


# Ordinary characters, and far more often than chance would have it those with a meaning to some parser.
TEXTS = st.text(st.one_of(st.sampled_from("\"'\\`@h$/*;|-{}u0 \n\r\t\0"), st.characters())).filter(is_clean)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("plain", '"plain"', id="a word"),
        pytest.param("", '""', id="no text"),
        pytest.param("a\"b'c", '"a\\"b\'c"', id="only double quotes are escaped"),
        pytest.param("a\\b", '"a\\\\b"', id="a backslash is doubled"),
        pytest.param("\n\r\t", '"\\n\\r\\t"', id="line breaks and tabs have short escapes"),
        pytest.param("\0\x7f\u2028\ufeff", '"\\u0000\\u007f\\u2028\\ufeff"', id="the invisible is spelt out"),
        pytest.param("\U0001f600é", '"\U0001f600é"', id="what an editor shows stays as it is"),
        pytest.param(True, "true", id="true is no number"),
        pytest.param(False, "false", id="false is no number"),
        pytest.param(0, "long(0)", id="zero"),
        pytest.param(-(2**63), "long(-9223372036854775808)", id="the least long"),
        pytest.param(2**53 + 1, "long(9007199254740993)", id="a tracing id that no double holds"),
        pytest.param(0.1, "real(0.1)", id="a fraction"),
        pytest.param(1e300, "real(1e+300)", id="a large real"),
        pytest.param(
            datetime(2026, 1, 2, 3, 4, 5, 6, UTC), "datetime(2026-01-02T03:04:05.000006Z)", id="a moment in UTC"
        ),
        pytest.param(
            datetime(2026, 1, 2, 0, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "datetime(2026-01-01T19:00:00.000000Z)",
            id="a moment elsewhere is turned into UTC",
        ),
        pytest.param(timedelta(), "time(0.00:00:00.000000)", id="no time at all"),
        pytest.param(
            timedelta(days=1, hours=2, minutes=3, seconds=4, microseconds=5),
            "time(1.02:03:04.000005)",
            id="every unit of a duration",
        ),
        pytest.param(timedelta(seconds=-90), "time(-0.00:01:30.000000)", id="a negative duration"),
    ],
)
def test_a_value_has_exactly_one_spelling(value: object, text: str) -> None:
    assert kql.literal(value) == text


@pytest.mark.parametrize(
    ("value", "error"),
    [
        pytest.param(datetime(2026, 1, 2), ValueError, id="a naive datetime"),  # noqa: DTZ001
        pytest.param(float("nan"), ValueError, id="not a number"),
        pytest.param(float("inf"), ValueError, id="infinity"),
        pytest.param(None, TypeError, id="None"),
        pytest.param(b"a", TypeError, id="bytes"),
        pytest.param(["a"], TypeError, id="a list"),
    ],
)
def test_what_has_no_literal_is_refused(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        kql.literal(value)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_an_id_may_hold_anything_that_can_be_seen(text: str) -> None:
    assert kql.clean(text, "connection id") == text


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_an_id_with_an_invisible_character_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(UsageError, match=r"The connection id holds a character .* \(U\+[0-9A-F]{4}\)"):
        kql.clean(text, "connection id")


@pytest.mark.parametrize("name", ["", "x; T", "X", "1a", "a b", "a\n", "let a"], ids=lambda name: f"the name {name!r}")
def test_a_parameter_name_cannot_carry_kql(name: str) -> None:
    with pytest.raises(ValueError, match="not a parameter name"):
        kql.bind("sample", "Sample", LOOK_UP, WINDOW, "", {name: "a"})


def look_up(text: str) -> str:
    return kql.bind("sample", "Sample", LOOK_UP, WINDOW, "", {"connection_id": text}).kql


def read_by_microsoft(kusto: Kusto, text: str) -> Reading:
    return kusto.read({"sample": look_up(text)})["sample"]


def read_by_duckdb(duck: duckdb.DuckDBPyConnection, text: str) -> list[tuple[Any, ...]]:
    """The text as the embedded engine hands it back, and how many rows it is taken to name."""
    query = kql.bind("sample", "Sample", "print text = id, size = strlen(id)", WINDOW, "", {"id": text}).kql
    printed = duck.execute(str(duckdb_kql.to_sql(query))).fetchall()
    found = duck.execute(str(duckdb_kql.to_sql(look_up(text)))).fetchall()
    return [*printed, *found]


@pytest.mark.parametrize("text", [*HOSTILE.values(), *REFUSED.values()], ids=[*HOSTILE, *REFUSED])
def test_microsofts_parser_reads_hostile_text_as_one_literal(kusto: Kusto, text: str) -> None:
    reading = read_by_microsoft(kusto, text)
    assert (reading.diagnostics_of("KS"), reading.literals) == ((), ("", text))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_embedded_engine_reads_hostile_text_as_one_literal(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    assert read_by_duckdb(duck, text) == [(text, len(text))]


def many(texts: list[str]) -> str:
    """Every text as a parameter of one query, which prints them all: thousands of texts for few queries."""
    named = {f"text{number}": text for number, text in enumerate(texts)}
    return kql.bind("sample", "Sample", f"print {', '.join(named)}", WINDOW, "", named).kql


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1))
def test_microsofts_parser_reads_any_texts_as_one_literal_each(kusto: Kusto, texts: list[str]) -> None:
    query = many(texts)
    columns = tuple((f"print_{number}", "string") for number in range(len(texts)))
    assert kusto.read({"sample": query})["sample"] == Reading((), columns, ("", *texts))


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1))
def test_the_embedded_engine_reads_any_texts_as_one_literal_each(
    duck: duckdb.DuckDBPyConnection, texts: list[str]
) -> None:
    query = many(texts)
    assert duck.execute(str(duckdb_kql.to_sql(query))).fetchall() == [tuple(texts)]


def with_argument(kusto: Kusto, argument: str) -> dict[str, Reading]:
    """How each query of the catalog is read with `argument` for every string parameter."""
    values = {**SAMPLES, "string": argument}
    return kusto.read(
        {
            query.name: query.bind(WINDOW, "", {each.name: values[each.type] for each in query.parameters}).kql
            for query in catalog.load(parser.ROOT / "queries").queries
        }
    )


@pytest.fixture(scope="module")
def plain(kusto: Kusto) -> dict[str, Reading]:
    return with_argument(kusto, "plain")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_argument_changes_a_query_of_the_catalog(kusto: Kusto, plain: dict[str, Reading], text: str) -> None:
    """The same columns, and the same literals but for the argument itself."""
    expected = {
        name: (reading.columns, tuple(text if each == "plain" else each for each in reading.literals))
        for name, reading in plain.items()
    }
    found = {name: (each.columns, each.literals) for name, each in with_argument(kusto, text).items()}
    assert found == expected
