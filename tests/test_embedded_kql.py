"""What the embedded engine refuses to run, and the words it refuses it with."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import kql
from bot.engines import embedded_schema
from bot.engines.embedded_kql import Translator
from bot.errors import CatalogError, UnsupportedKql
from tests.test_embedded import WINDOW, Ask, T, ask, line

__all__ = ["ask"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("['/etc/passwd']", "There is no table '/etc/passwd' in the logs on disk.", id="a file's path"),
        pytest.param(
            f"{T} | union (['http://example.com/a.csv'])",
            "The logs on disk have no 'http://example.com/a.csv'.",
            id="an address inside a union",
        ),
        pytest.param(
            f"{T} | where ConnectionId in ((['/tmp/a.json'] | project x))",
            "There is no table '/tmp/a.json' in the logs on disk.",
            id="a path inside a condition",
        ),
        pytest.param("records", "There is no table 'records' in the logs on disk.", id="the store's own table"),
        pytest.param(
            'database("main").duckdb_settings',
            "There is no table 'main.duckdb_settings' in the logs on disk.",
            id="DuckDB's tables",
        ),
        pytest.param(
            ".show tables", "A query does not start with a dot: control commands are not run here.", id="a command"
        ),
        pytest.param(f"{T}\n| where x ==\n| take 1", "Line 3, column 1: mismatched input '|'.", id="broken KQL"),
        pytest.param(
            f"{T} | where Nope == 1",
            'The query does not fit the logs: Referenced column "Nope" not found in FROM clause.',
            id="a column that is not there",
        ),
    ],
)
async def test_a_query_reads_the_one_table_or_is_refused(ask: Ask, tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "a.json").write_text(line())

    with pytest.raises(UnsupportedKql) as caught:
        await ask(text)

    assert (caught.value.message, bool(caught.value.hint)) == (expected, True)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("(" * 3000, id="brackets without end"),
        pytest.param("externaldata(a:string)['http://example.com/x']", id="external data"),
        pytest.param("print 1; print 2", id="two statements"),
        pytest.param("\x00", id="a NUL"),
        pytest.param("cluster('a').database('b').T", id="another cluster"),
        pytest.param(f".set-or-replace X <| {T}", id="a command that writes"),
    ],
)
def test_what_cannot_be_translated_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedKql):
        Translator(embedded_schema.load()).text(text)


def test_the_line_in_a_refusal_is_the_bodys_own() -> None:
    bound = kql.bind("x", "X", f"{T}\n| where ConnectionId == wanted |", WINDOW, "", {"wanted": "a"})

    with pytest.raises(UnsupportedKql, match=r"^Line 2, column 32: "):
        Translator(embedded_schema.load()).bound(bound)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("[[table]", id="no TOML"),
        pytest.param('[[table]]\nname = "A"\ncolumn = [{name = "B", type = "blob", storage = []}]', id="an odd type"),
    ],
)
def test_a_broken_table_description_stops_the_start(tmp_path: Path, content: str) -> None:
    (tmp_path / "tables.toml").write_text(content)

    with pytest.raises(CatalogError, match=r"tables\.toml"):
        embedded_schema.load(tmp_path)
