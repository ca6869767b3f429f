"""KQL to SQL for the embedded engine, with a check that the SQL reads the log tables and nothing else."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import duckdb
import duckdb_kql

from bot.engines import embedded_sql
from bot.engines.embedded_schema import Tables
from bot.errors import UnsupportedKql
from bot.kql import BoundQuery

HINT = "Stay in the dialect that both engines run; README lists what the embedded engine leaves out."

_KEPT = 256
# Table functions that only shape values; the translator writes them for mv-expand, range and the like.
_HARMLESS = {"unnest", "range", "generate_series"}


@dataclass(frozen=True, slots=True)
class Translation:
    """SQL with a placeholder for each value it reads: `slots` maps a placeholder to the value's KQL name."""

    sql: str
    slots: Mapping[str, str]

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What to bind: times as naive UTC, which is how the store keeps them."""
        bound = {}
        for slot, name in self.slots.items():
            value = given[name]
            bound[slot] = value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
        return bound


class Translator:
    """Translates and remembers the latest translations. Safe to call from any thread."""

    def __init__(self, tables: Tables) -> None:
        self._schema = {table.name: [column.name for column in table.columns] for table in tables}
        stored = [column for table in tables for column in table.stored]
        self._texts = {column.name for column in stored if column.type == "string"} - {"_ResourceId"}
        self._times = {column.name for column in stored if column.type == "datetime"}
        self._known: OrderedDict[str, Translation] = OrderedDict()
        self._lock = threading.Lock()

    def bound(self, query: BoundQuery) -> Translation:
        """The translation of a body; its values stay values, bound by DuckDB when it runs.

        Raises UnsupportedKql with the body's line; TypeError or ValueError for a value that `kql.literal` refuses.
        """
        # An empty text stays a constant: `isempty(resource_id) or ...` is then decided once, not for every row.
        empty = "".join(f'let {name} = ""; ' for name, value in query.values.items() if value == "")
        declared = ", ".join(f"{name}:{_kql_type(value)}" for name, value in query.values.items() if value != "")
        return self._translate(f"declare query_parameters({declared}); {empty}\n{query.body}", lines_before=1)

    def text(self, kql: str) -> Translation:
        """The translation of a whole KQL text. Raises UnsupportedKql."""
        return self._translate(kql, lines_before=0)

    def _translate(self, kql: str, lines_before: int) -> Translation:
        with self._lock:
            if kql not in self._known:
                self._known[kql] = self._checked(kql, lines_before)
                if len(self._known) > _KEPT:
                    self._known.popitem(last=False)
            self._known.move_to_end(kql)
            return self._known[kql]

    def _checked(self, kql: str, lines_before: int) -> Translation:
        if kql.lstrip().startswith("."):
            raise UnsupportedKql("A query does not start with a dot: control commands are not run here.", HINT)
        try:
            result = duckdb_kql.to_sql(kql, schema=self._schema, allow_write=False)
        except duckdb_kql.KqlError as error:
            raise UnsupportedKql(_words(error, lines_before), HINT) from error
        except (RecursionError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise UnsupportedKql("The embedded engine cannot read this query.", HINT) from error
        sql = embedded_sql.shortened(str(result), self._texts, self._times)
        self._refuse_other_sources(sql)
        [statement] = duckdb.extract_statements(sql)
        used = statement.named_parameters
        slots = {each.slot: each.name for each in result.declarations if each.slot in used}
        return Translation(sql, slots)

    def _refuse_other_sources(self, sql: str) -> None:
        """Raises UnsupportedKql when `sql` reads anything but the log tables, or is no SELECT.

        DuckDB takes a table's name for a file's when there is no such table, and knows tables of its own.
        """
        with duckdb.connect(":memory:") as connection:
            [answer] = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
        tree = json.loads(answer[0])
        if tree["error"] or len(tree["statements"]) != 1:
            raise UnsupportedKql("The embedded engine cannot read this query.", HINT)
        tables: set[str] = set()
        expressions: set[str] = set()
        _collect(tree, tables, expressions)
        for name in sorted(tables - expressions - self._schema.keys()):
            raise UnsupportedKql(
                f"There is no table {name[:80]!r} in the logs on disk.", f"The tables are {' and '.join(self._schema)}."
            )


@lru_cache(maxsize=4)
def translator(tables: Tables) -> Translator:
    """One translator for all engines of a process that read these tables: a translation takes a tenth of a second."""
    return Translator(tables)


def _collect(node: Any, tables: set[str], expressions: set[str]) -> None:
    if isinstance(node, list):
        for each in node:
            _collect(each, tables, expressions)
    elif isinstance(node, dict):
        match node.get("type"):
            case "BASE_TABLE":
                path = [node.get("catalog_name"), node.get("schema_name"), node["table_name"]]
                tables.add(".".join(part for part in path if part))
            case "TABLE_FUNCTION":
                function = node["function"]["function_name"].lower()
                if function not in _HARMLESS:
                    tables.add(f"{function}()")
        expressions.update(entry["key"] for entry in (node.get("cte_map") or {}).get("map", ()))
        for each in node.values():
            _collect(each, tables, expressions)


def _kql_type(value: object) -> str:
    match value:
        case str():
            return "string"
        case bool():
            return "bool"
        case int():
            return "long"
        case float():
            return "real"
        case datetime():
            if value.tzinfo is None:
                raise ValueError(f"a naive datetime has no place in a query: {value!r}")
            return "datetime"
        case timedelta():
            return "timespan"
        case _:
            raise TypeError(f"no KQL type for {type(value).__name__}")


def _words(error: duckdb_kql.KqlError, lines_before: int) -> str:
    """The translator's error as a sentence, with the line of the text a person wrote."""
    match error:
        case duckdb_kql.KqlSyntaxError() if error.diagnostics:
            first = error.diagnostics[0]
            # The parser goes on to list every word it would have taken.
            what = first.message.partition(" expecting ")[0]
            return f"Line {first.span.line - lines_before}, column {first.span.column + 1}: {what}."
        case duckdb_kql.KqlUnsupportedError() if error.span is not None:
            line = error.span.line - lines_before
            return f"Line {line}: the embedded engine does not know {error.construct}."
        case duckdb_kql.KqlUnsupportedError():
            return f"The embedded engine does not know {error.construct}."
        case duckdb_kql.KqlSchemaError():
            return f"The logs on disk have no {error.name[:80]!r}."
        case _:
            return str(error).partition(" expecting ")[0]
