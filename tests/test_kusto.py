"""Every query in queries/ is read by Microsoft's own parser and binder, and held to the house's rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import catalog, kql
from bot.catalog import Query
from bot.model import Window
from tests.kusto import parser
from tests.kusto.parser import Diagnostic, Kusto, Reading

QUERIES = parser.ROOT / "queries"
WINDOW = Window.ending(datetime(2026, 1, 2, tzinfo=UTC), timedelta(hours=2))
RESOURCE = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sample"
    "/providers/Microsoft.SignalRService/SignalR/sample"
)
GOOD = """SignalRServiceDiagnosticLogs
| where TimeGenerated between (window_start .. window_end)
| where isempty(resource_id) or _ResourceId =~ resource_id
"""


@pytest.fixture(scope="module")
def kusto() -> Iterator[Kusto]:
    with parser.running() as running:
        yield running


def sample(query: Query) -> str:
    """`query` as it is sent, with a sample of each parameter."""
    return query.sample(WINDOW, RESOURCE).kql


def path_of(query: Query) -> Path:
    """The file a query of the catalog was read from."""
    inside = "coverage.kql" if query.name == "coverage" else f"investigations/{query.name}.kql"
    return QUERIES / inside


def test_the_catalog_holds_every_query_file() -> None:
    assert {path_of(query) for query in catalog.load(QUERIES).queries} == set(QUERIES.rglob("*.kql"))


def test_every_query_is_sound_for_microsofts_parser_and_for_the_house(kusto: Kusto) -> None:
    queries = {query.name: query for query in catalog.load(QUERIES).queries}
    faults = []
    for name, reading in kusto.read({name: sample(query) for name, query in queries.items()}).items():
        query, path = queries[name], path_of(queries[name])
        header = path.read_text(encoding="utf-8").partition(query.body)[0].count("\n")
        above = sample(query).partition(query.body)[0].count("\n")
        faults += [
            f"{path.relative_to(parser.ROOT)}:{fault.line - above + header}:{fault.column}:"
            f" {fault.code} {fault.message}"
            for fault in reading.diagnostics
        ]
    assert not faults, "\n" + "\n".join(faults)


def bound(body: str) -> str:
    return kql.bind("sample", "Sample", body, WINDOW, RESOURCE, {}).kql


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        pytest.param(GOOD + "| take 5", [], id="a sound query has no fault"),
        pytest.param(GOOD + "| top 5 by Message asc", [], id="top is a bound"),
        pytest.param(GOOD + "| summarize count()", [], id="a summary without by is one row"),
        pytest.param(GOOD + "| take 5 | order by Message asc", [], id="ordering keeps a bound"),
        pytest.param("let rows = " + GOOD + ";\nrows | take 5", [], id="a let may hold the filtered table"),
        pytest.param(GOOD + "| where Mesage == 'x' | take 5", ["KS142"], id="a misspelt column"),
        pytest.param("SignalRLogs | take 5", ["KS204"], id="a table that is not declared"),
        pytest.param(GOOD + "| wher true | take 5", ["KS005", "KS176"], id="a misspelt operator"),
        pytest.param(GOOD + "| take 5 |", ["KS176", "unbounded"], id="a query cut short"),
        pytest.param(GOOD + "| take no_such_parameter", ["KS142"], id="a parameter that is not declared"),
        pytest.param(GOOD + "| project Message, length(Message) | take 5", ["KS211"], id="an unknown function"),
        pytest.param(GOOD, ["unbounded"], id="no bound at all"),
        pytest.param(GOOD + "| summarize count() by Message", ["unbounded"], id="a summary by group has no bound"),
        pytest.param(GOOD + "| take 5 | mv-expand Message = split(Message, ' ')", ["unbounded"], id="rows multiply"),
        pytest.param(
            GOOD.replace("between (window_start .. window_end)", "> ago(1h)") + "| take 5",
            ["no-window"],
            id="the table is read without its window",
        ),
        pytest.param(
            GOOD + "| union (SignalRServiceDiagnosticLogs | take 5) | take 5",
            ["no-target", "no-window"],
            id="the second table of a union is held to the same rules",
        ),
        pytest.param(
            GOOD.replace("\n", "\n| summarize count() by TimeGenerated, _ResourceId\n", 1) + "| take 5",
            ["no-target", "no-window"],
            id="a filter after a summary comes too late",
        ),
        pytest.param(
            GOOD.replace("_ResourceId =~ resource_id", "true") + "| take 5",
            ["no-target"],
            id="the table is read for every resource",
        ),
        pytest.param(
            GOOD + "| where _ResourceId == resource_id | take 5", ["resource-id-case"], id="a resource id by case"
        ),
        pytest.param(
            GOOD + "| where _ResourceId in (resource_id) | take 5",
            ["resource-id-case"],
            id="a resource id in a list by case",
        ),
        pytest.param(GOOD + "| where Message == 5 | take 5", ["mixed-types"], id="a string and a number"),
        pytest.param(GOOD + "| where MessageTracingId == '5' | take 5", ["mixed-types"], id="a number and a string"),
        pytest.param(
            GOOD + "| where Message in ('a', 5) | take 5", ["mixed-types"], id="a number in a list of strings"
        ),
        pytest.param(GOOD + "| make-series count() on TimeGenerated step 1m | take 5", ["dialect"], id="make-series"),
        pytest.param(GOOD + "| serialize | take 5", ["dialect"], id="serialize"),
        pytest.param(
            GOOD + "| order by TimeGenerated asc | extend before = prev(Message) | take 5", ["dialect"], id="prev"
        ),
        pytest.param(GOOD + "| evaluate narrow() | take 5", ["dialect"], id="evaluate"),
        pytest.param(GOOD + "| project-keep Message | take 5", ["dialect"], id="project-keep"),
        pytest.param(GOOD + "| extend late = ingestion_time() | take 5", ["dialect"], id="ingestion_time"),
        pytest.param("externaldata (a: string) ['https://example.com'] | take 5", ["dialect"], id="externaldata"),
        pytest.param(GOOD + "| render timechart", ["dialect", "unbounded"], id="render"),
    ],
)
def test_the_checker_names_each_fault(kusto: Kusto, body: str, codes: list[str]) -> None:
    reading = kusto.read({"sample": bound(body)})["sample"]
    assert sorted(fault.code for fault in reading.diagnostics) == codes


def test_the_checker_gives_result_columns_and_the_place_of_a_fault(kusto: Kusto) -> None:
    body = "let n = 'a';\nprint text = n, wrong = 1 +\n  absent | take 1"
    reading = kusto.read({"sample": body})["sample"]
    unknown = "The name 'absent' does not refer to any known column, table, variable or function."
    assert reading == Reading((Diagnostic(3, 3, "KS142", unknown),), (("text", "string"), ("wrong", "long")), ("a",))
