"""The log tables as queries/tables.toml describes them, and the SQL that types a log field for them."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import knowledge
from bot.errors import CatalogError

# The store's tables behind the service's records and behind the app servers' lines.
RECORDS = "records"
TRACES = "traces"
# One record is a few hundred bytes; this keeps an endless line from filling the memory.
LONGEST_LINE = 16 << 20
# A resource id is long and few differ: a row keeps its hash, this table the id. A filter on the id then looks at
# a handful of rows instead of at every record.
RESOURCES = "resources"
_RESOURCE_ID = "_ResourceId"
_FEW_RESOURCES = 32

_SQL_TYPES = {
    "datetime": "TIMESTAMP", "string": "VARCHAR", "long": "BIGINT", "real": "DOUBLE", "int": "INTEGER",
    "dynamic": "JSON",
}  # fmt: skip
# How the portal writes times into a CSV, by the reader's language settings; ISO 8601 is tried first.
CSV_TIMES = (
    "%m/%d/%Y, %I:%M:%S.%f %p",
    "%m/%d/%Y, %I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S.%f %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y, %H:%M:%S.%f",
    "%m/%d/%Y %H:%M:%S.%f",
    "%m/%d/%Y %H:%M:%S",
)
# Columns that no archived record holds: constants in a workspace, or unknown here.
_NOT_STORED = {
    "_SubscriptionId": "split_part({resource}, '/', 3)",
    "SourceSystem": "'Azure'",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its KQL type, and its paths in an archived record, likeliest first."""

    name: str
    type: str
    storage: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table that queries may read; `rows` is the store's table behind it."""

    name: str
    columns: tuple[Column, ...]
    rows: str = RECORDS

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns that come out of log files; the others are computed."""
        return tuple(column for column in self.columns if column.storage)

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """Fields of an archived record, each with the fields inside it."""
        inside: dict[str, list[str]] = {}
        for column in self.stored:
            for path in column.storage:
                outer, _, inner = path.partition(".")
                inside.setdefault(outer, []).extend([inner] if inner else [])
        return {outer: tuple(inner) for outer, inner in inside.items()}


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables that queries may read: the service's records (`logs`) and the app servers' own lines (`traces`)."""

    logs: TableSchema
    traces: TableSchema

    def __iter__(self) -> Iterator[TableSchema]:
        return iter((self.logs, self.traces))

    def of(self, names: Collection[str]) -> TableSchema:
        """Whose rows have fields with these names, given in lower case.

        Application Insights gives each line a severity level, in a workspace and in its classic tables; the service's
        records have a level, and those of a workspace a collection.
        """
        return self.traces if "severitylevel" in names and "collection" not in names else self.logs


def load(folder: Path | None = None) -> Tables:
    """The tables of `folder`/tables.toml. Raises CatalogError when the file is missing or not of its form."""
    path = (folder or knowledge.default_folder()) / "tables.toml"
    try:
        with path.open("rb") as file:
            logs, traces = tomllib.load(file)["table"]
        tables = Tables(_table(logs, RECORDS), _table(traces, TRACES))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CatalogError(f"{path}: not a description of the two log tables ({error}).") from error
    odd = sorted({column.type for table in tables for column in table.columns} - _SQL_TYPES.keys())
    if odd:
        raise CatalogError(f"{path}: a column's type is {odd[0]}, which is not one of {', '.join(_SQL_TYPES)}.")
    return tables


def _table(described: Mapping[str, Any], rows: str) -> TableSchema:
    columns = (Column(each["name"], each["type"], tuple(each["storage"])) for each in described["column"])
    return TableSchema(described["name"], tuple(columns), rows)


def name(text: str) -> str:
    """`text` as an SQL identifier."""
    return '"' + text.replace('"', '""') + '"'


def text(value: str) -> str:
    """`value` as an SQL string."""
    return "'" + value.replace("'", "''") + "'"


def create(tables: Tables) -> Sequence[str]:
    """The statements that make the empty store: its tables, and the views that queries see (see `view`)."""
    statements = [
        f"CREATE TABLE {RESOURCES} (resource UBIGINT PRIMARY KEY, {name(_RESOURCE_ID)} VARCHAR)",
        f"INSERT INTO {RESOURCES} VALUES (hash(''), '')",  # noqa: S608 - constants of this module
    ]
    for schema in tables:
        stored = ", ".join(
            "resource UBIGINT" if column.name == _RESOURCE_ID else f"{name(column.name)} {_SQL_TYPES[column.type]}"
            for column in schema.stored
        )
        statements.append(f"CREATE TABLE {schema.rows} (file INTEGER, {stored}, odd_tracing_id BOOLEAN)")
        statements.append(view(schema, {}))
    return statements


def view(schema: TableSchema, resources: Mapping[int, str]) -> str:
    """The statement that makes the view queries see. `resources` maps each hash in the store to its resource id.

    One id is a constant and a few are written into the view, so that a query pays little or nothing for them; many
    are joined.
    """
    joined = ""
    ids = set(resources.values())
    if len(ids) == 1:
        resource = text(ids.pop())
    elif len(resources) > _FEW_RESOURCES:
        resource, joined = name(_RESOURCE_ID), f" LEFT JOIN {RESOURCES} USING (resource)"
    else:
        cases = "".join(f" WHEN {number} THEN {text(each)}" for number, each in resources.items())
        resource = f"CASE resource{cases} ELSE '' END" if cases else "''"
    seen = []
    for column in schema.columns:
        if column.name == _RESOURCE_ID:
            seen.append(f"{resource} AS {name(column.name)}")
        elif column.storage:
            seen.append(name(column.name))
        else:
            seen.append(f"{_computed(schema, column, resource)} AS {name(column.name)}")
    return f"CREATE OR REPLACE VIEW {name(schema.name)} AS SELECT {', '.join(seen)} FROM {schema.rows}{joined}"  # noqa: S608


def add_resources(ids: str) -> str:
    """The statement that keeps the resource ids that the SQL `ids` selects in its column `id`.

    A workspace writes a resource id in lower case, the archive in any.
    """
    ids = f"SELECT DISTINCT coalesce(id, '') AS id FROM ({ids})"  # noqa: S608
    return f"INSERT OR IGNORE INTO {RESOURCES} SELECT hash(id), lower(id) FROM ({ids})"  # noqa: S608


def _computed(schema: TableSchema, column: Column, resource: str) -> str:
    if column.name == "Type":
        return text(schema.name)
    if column.name in _NOT_STORED:
        return _NOT_STORED[column.name].format(resource=resource)
    return "''" if column.type == "string" else f"CAST(NULL AS {_SQL_TYPES[column.type]})"


def sources(schema: TableSchema, held: Mapping[str, str]) -> tuple[dict[str, str], frozenset[str]]:
    """For each column of `schema` the SQL that reads it from a file with columns `held` (name to SQL type).

    The second value names the columns that hold timestamps already.
    """
    folded: dict[str, str] = {}
    for each in held:
        folded.setdefault(plain(each), each)
    found: dict[str, str] = {}
    typed: set[str] = set()
    for column in schema.stored:
        names = (column.name, *column.storage, *(path.rpartition(".")[2] for path in column.storage))
        there = next((folded[each.lower()] for each in names if each.lower() in folded), None)
        if there is None:
            continue
        if column.type == "datetime" and held[there].startswith("TIMESTAMP"):
            typed.add(column.name)
            found[column.name] = name(there)
        else:
            found[column.name] = f"CAST({name(there)} AS VARCHAR)"
    return found, frozenset(typed)


def plain(heading: str) -> str:
    """A column's name in lower case; the portal writes the zone behind it: `TimeGenerated [UTC]`."""
    return heading.partition("[")[0].strip().strip("\ufeff").lower()


def json_reader(schema: TableSchema) -> str:
    """DuckDB's reader of archived records in the files `$paths`: every field as text, so none can break it.

    A line it cannot read becomes a row of nulls.
    """
    columns = []
    for outer, inner in schema.fields.items():
        kind = f"STRUCT({', '.join(f'{name(each)} VARCHAR' for each in inner)})" if inner else "VARCHAR"
        columns.append(f"{text(outer)}: {text(kind)}")
    return (
        "read_json($paths, format = 'newline_delimited', hive_partitioning = false, ignore_errors = true, "
        f"maximum_object_size = {LONGEST_LINE}, columns = {{{', '.join(columns)}}})"
    )


def csv_reader(header: str) -> str:
    """DuckDB's reader of the CSV file `$path`: every field as text, the separator the one its header uses."""
    separator = max(",;\t", key=header.count)
    return (
        f"read_csv($path, header = true, all_varchar = true, delim = {text(separator)}, "
        "quote = '\"', escape = '\"', null_padding = true, strict_mode = false, parallel = false, "
        f"max_line_size = {LONGEST_LINE})"
    )


def json_sources(schema: TableSchema) -> Mapping[str, str]:
    """For each column the SQL of its text in an archived record."""
    sources = {}
    for column in schema.stored:
        paths = [".".join(name(part) for part in path.split(".")) for path in column.storage]
        sources[column.name] = paths[0] if len(paths) == 1 else _first(paths)
    return sources


def select(schema: TableSchema, sources: Mapping[str, str], times: Sequence[str], typed: frozenset[str]) -> str:
    """The select list that turns text into typed columns, after the file column.

    `sources` maps a column to the SQL of its text; a column without one is empty. `times` are the
    strptime forms a time may have beside ISO 8601; columns named in `typed` hold timestamps already.
    """
    parts = []
    odd = "false"
    for column in schema.stored:
        source = sources.get(column.name)
        if source is None:
            value = "''" if column.type == "string" else f"CAST(NULL AS {_SQL_TYPES[column.type]})"
            value = "hash('')" if column.name == _RESOURCE_ID else value
        elif column.name in typed:
            # A time with a zone becomes UTC here because every connection's zone is UTC.
            value = f"CAST({source} AS TIMESTAMP)"
        elif column.type == "datetime":
            value = f"CAST(TRY_CAST({source} AS TIMESTAMPTZ) AS TIMESTAMP)"
            if times:
                forms = ", ".join(map(text, times))
                # Browsers put a narrow no-break space before AM and PM.
                value = f"coalesce({value}, try_strptime(replace({source}, '\u202f', ' '), [{forms}]))"
        elif column.type == "long":
            # A fraction or an exponent means a float wrote it, and a float cannot hold such an id exactly.
            float_signs = " OR ".join(f"contains({source}, '{sign}')" for sign in ".eE")
            value = f"CASE WHEN NOT ({float_signs}) THEN TRY_CAST({source} AS BIGINT) END"
            odd = f"({source} <> '' AND {value} IS NULL)"
        elif column.type in ("int", "dynamic"):
            value = f"TRY_CAST({source} AS {_SQL_TYPES[column.type]})"
        elif column.name == _RESOURCE_ID:
            value = f"hash(coalesce({source}, ''))"
        else:
            value = f"coalesce({source}, '')"
        parts.append(f"{value} AS {name(column.name)}")
    parts.append(f"coalesce({odd}, false) AS odd_tracing_id")
    return ", ".join(parts)


def _first(sources: Sequence[str]) -> str:
    return "coalesce(" + ", ".join(f"nullif({each}, '')" for each in sources) + ")"
