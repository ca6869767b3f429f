"""The store behind the embedded engine: log files read once into DuckDB, kept while there is room.

Queries cannot leave the store: DuckDB's file and network access is limited to the logs themselves, and
`embedded_kql` lets a query name no table but those of the schema.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from bot.engines import archive, archive_repair, embedded_schema
from bot.engines.archive import Kind, LogFile
from bot.engines.archive_repair import CutOff, Record, Unreadable
from bot.engines.embedded_job import Job
from bot.engines.embedded_schema import RECORDS, RESOURCES, Tables, TableSchema

_INSERT_ROWS = 5000
# Of what is wrong with a file, the first lines are listed; the rest are counted.
_LISTED = 1000
DENIED = "permission denied"
# Deleted rows stay in memory until the store is compacted, which costs about half a second a million rows.
_COMPACT_AFTER = 500_000
_BAD = '("TimeGenerated" IS NULL OR ("Collection" = \'\' AND "Message" = \'\'))'


@dataclass(slots=True)
class Loaded:
    """A file in the store: under which number, and what was wrong with it."""

    file: LogFile
    number: int
    rows: int = 0
    odd_tracing_ids: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    unreadable_count: int = 0
    cut_off: CutOff | None = None
    users: int = 0

    def report(self, problem: Unreadable) -> None:
        self.unreadable_count += 1
        if len(self.unreadable) < _LISTED:
            self.unreadable.append(problem)


class Store:
    """Log files as rows of the two tables. Every method may be called from any thread; each blocks.

    `max_rows` bounds what is kept for later queries; one query may need more. `memory_limit` is DuckDB's: beyond
    it rows move to a temporary folder on disk.
    """

    def __init__(self, logs: Path, tables: Tables, max_rows: int, memory_limit: str) -> None:
        self._tables = tables
        self._schema = tables.logs
        self._max_rows = max_rows
        self._loaded: OrderedDict[Path, Loaded] = OrderedDict()
        self._numbers = itertools.count()
        self._deleted = 0
        self._shown: dict[int, str] = {}
        self._lock = threading.Lock()
        self._spill = tempfile.TemporaryDirectory(prefix="signalr-bot-", ignore_cleanup_errors=True)
        self._root = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory_limit,
                "temp_directory": self._spill.name,
                "autoload_known_extensions": False,
                "autoinstall_known_extensions": False,
                "python_enable_replacements": False,
            },
        )
        for statement in embedded_schema.create(tables):
            self._root.execute(statement)
        real = logs.resolve()
        setting, place = ("allowed_directories", real) if real.is_dir() else ("allowed_paths", real)
        self._root.execute(f"SET {setting} = [{embedded_schema.text(str(place))}]")
        self._root.execute("SET enable_external_access = false")
        self._root.execute("SET GLOBAL TimeZone = 'UTC'")

    def job(self) -> Job:
        return Job(self._root.cursor())

    def close(self) -> None:
        self._root.close()
        self._spill.cleanup()

    @property
    def loaded(self) -> tuple[Loaded, ...]:
        with self._lock:
            return tuple(self._loaded.values())

    @contextmanager
    def holding(self, files: Sequence[LogFile], job: Job) -> Iterator[tuple[Loaded, ...]]:
        """The files' rows are in the table, and stay there until the end of the `with` block."""
        with self._locked(job):
            self._load(files, job)
            held = tuple(self._loaded[file.path] for file in files)
            for each in held:
                each.users += 1
                self._loaded.move_to_end(each.file.path)
        try:
            with self._locked(job):
                self._make_room(job)
            yield held
        finally:
            with self._lock:
                for each in held:
                    each.users -= 1

    @contextmanager
    def _locked(self, job: Job) -> Iterator[None]:
        while not self._lock.acquire(timeout=0.05):
            job.check()
        try:
            yield
        finally:
            self._lock.release()

    def _load(self, files: Sequence[LogFile], job: Job) -> None:
        missing = [file for file in files if self._is_missing(file)]
        for batch in archive.batches([file for file in missing if file.kind is Kind.JSON and not file.is_packed]):
            try:
                self._replace(batch, job, self._read_json)
            except duckdb.Error as error:
                _raise_unless_about_a_file(error)
        for file in missing:
            if self._is_missing(file):
                self._load_alone(file, job)

    def _is_missing(self, file: LogFile) -> bool:
        known = self._loaded.get(file.path)
        return known is None or known.file != file

    def _load_alone(self, file: LogFile, job: Job) -> None:
        """What can be had of one file: by DuckDB's reader, else by ours, else a report of why not."""
        why = ""
        readers: tuple[Callable[[Sequence[Loaded], Job], None], ...]
        readers = (self._read_json, self._read_lines) if file.kind is Kind.JSON else (self._read_columns,)
        try:
            if archive_repair.unpacks_beyond(file.path):
                why, readers = f"unpacks to more than {archive_repair.LARGEST_UNPACKED >> 30} GiB", ()
        except (OSError, EOFError, zlib.error):
            # Our own reader keeps what comes before the broken place.
            readers = readers[-1:]
        for read in readers:
            try:
                self._replace([file], job, read)
            except duckdb.Error as error:
                _raise_unless_about_a_file(error)
                why = _why(error)
            else:
                return
        self._replace([file], job, lambda fresh, _: fresh[0].report(Unreadable(file.name, 0, why)))

    def _replace(self, files: Sequence[LogFile], job: Job, read: Callable[[Sequence[Loaded], Job], None]) -> None:
        """Put `files` into the table in place of what it held of them, all or nothing."""
        fresh = [Loaded(file, next(self._numbers)) for file in files]
        stale = [self._loaded[file.path] for file in files if file.path in self._loaded]
        job.run("BEGIN")
        try:
            self._delete(stale, job)
            read(fresh, job)
            self._count(fresh, job)
            self._show_resources(job)
            job.run("COMMIT")
        except BaseException:
            job.connection.execute("ROLLBACK")
            raise
        self._deleted += sum(each.rows for each in stale)
        for each in fresh:
            self._loaded[each.file.path] = each

    def _read_json(self, fresh: Sequence[Loaded], job: Job) -> None:
        base = fresh[0].number
        # Rows in any order are read a fifth faster, and only the files with something to repair need the order.
        job.run("SET preserve_insertion_order = false")
        try:
            self._insert_json(fresh, job)
        finally:
            job.connection.execute("SET preserve_insertion_order = true")
        # The files' first records name the resources, unless a file mixes them; asking every line is a second read.
        self._add_resources([archive_repair.first_resource(each.file.path) for each in fresh], job)
        if self._lacks_resources(base, job):
            source = embedded_schema.json_sources(self._schema)["_ResourceId"]
            ids = f"SELECT {source} AS id FROM {embedded_schema.json_reader(self._schema)}"  # noqa: S608
            job.run(embedded_schema.add_resources(ids), _paths(fresh))
        bad = job.run(f"SELECT DISTINCT file FROM {RECORDS} WHERE file >= {base} AND {_BAD}").fetchall()  # noqa: S608
        for (number,) in bad:
            self._delete([fresh[number - base]], job)
            self._insert_json([fresh[number - base]], job)
            self._repair(fresh[number - base], job)

    def _insert_json(self, fresh: Sequence[Loaded], job: Job) -> None:
        columns = embedded_schema.select(self._schema, embedded_schema.json_sources(self._schema), (), frozenset())
        job.run(
            f"INSERT INTO {RECORDS} SELECT file_index + {fresh[0].number}, {columns} "  # noqa: S608
            f"FROM {embedded_schema.json_reader(self._schema)}",
            _paths(fresh),
        )

    def _repair(self, loaded: Loaded, job: Job) -> None:
        """Look again at the lines of a file whose rows came out empty. Its rows are in the order of the lines."""
        mine = f"FROM {RECORDS} WHERE file = {loaded.number}"
        [(total, first)] = job.run(f"SELECT count(*), min(rowid) {mine}").fetchall()
        rows = job.run(f"SELECT rowid {mine} AND {_BAD}").fetchall()
        try:
            job.run(f"DELETE {mine} AND {_BAD}")
            self._salvage(loaded, {row - first for (row,) in rows}, total, job)
        except archive_repair.Misaligned:
            job.run(f"DELETE {mine}")
            loaded.unreadable, loaded.unreadable_count, loaded.cut_off = [], 0, None
            self._salvage(loaded, None, total, job)

    def _salvage(self, loaded: Loaded, wanted: set[int] | None, total: int, job: Job) -> None:
        rows: dict[str, list[Mapping[str, str]]] = {schema.rows: [] for schema in self._tables}
        try:
            for found in archive_repair.records(loaded.file, self._tables, wanted, total, job.check):
                match found:
                    case Unreadable():
                        loaded.report(found)
                    case CutOff():
                        loaded.cut_off = found
                    case Record(schema, texts):
                        rows[schema.rows].append(texts)
                        if len(rows[schema.rows]) >= _INSERT_ROWS:
                            self._insert(loaded, schema, rows[schema.rows], job)
                            rows[schema.rows] = []
        except (OSError, EOFError, zlib.error) as error:
            loaded.report(Unreadable(loaded.file.name, 0, _why(error)))
        for schema in self._tables:
            self._insert(loaded, schema, rows[schema.rows], job)

    def _add_resources(self, ids: Sequence[str], job: Job) -> None:
        job.run(embedded_schema.add_resources("SELECT unnest(?) AS id"), [sorted(set(ids))])

    def _show_resources(self, job: Job) -> None:
        used = f"SELECT DISTINCT resource FROM {RECORDS}"  # noqa: S608
        known = dict(job.run(f"SELECT * FROM {RESOURCES} WHERE resource IN ({used})").fetchall())  # noqa: S608
        if known != self._shown:
            job.run(embedded_schema.view(self._schema, known))
            self._shown = known

    def _lacks_resources(self, base: int, job: Job) -> bool:
        used = f"SELECT DISTINCT resource FROM {RECORDS} WHERE file >= {base}"  # noqa: S608
        return bool(job.run(f"{used} EXCEPT SELECT resource FROM {RESOURCES}").fetchall())  # noqa: S608

    def _insert(self, loaded: Loaded, schema: TableSchema, rows: Sequence[Mapping[str, str]], job: Job) -> None:
        if not rows:
            return
        names = [column.name for column in schema.stored]
        shape = json.dumps([dict.fromkeys(names, "VARCHAR")])
        sources = {each: f"r.{embedded_schema.name(each)}" for each in names}
        columns = embedded_schema.select(schema, sources, (), frozenset())
        job.run(
            f"INSERT INTO {schema.rows} SELECT {loaded.number}, {columns} "  # noqa: S608
            "FROM (SELECT unnest(from_json(?, ?)) AS r)",
            [json.dumps(rows), shape],
        )
        self._add_resources([row.get("_ResourceId", "") for row in rows], job)

    def _read_lines(self, fresh: Sequence[Loaded], job: Job) -> None:
        self._salvage(fresh[0], None, 0, job)

    def _read_columns(self, fresh: Sequence[Loaded], job: Job) -> None:
        """Read a file whose columns are the table's own: a CSV from Log Analytics, or Parquet."""
        [loaded] = fresh
        file = loaded.file
        if not file.size:
            return
        try:
            reader = "read_parquet($path)"
            if file.kind is Kind.CSV:
                reader = embedded_schema.csv_reader(archive_repair.first_line(file.path))
        except (OSError, EOFError, zlib.error) as error:
            loaded.report(Unreadable(file.name, 0, _why(error)))
            return
        path = {"path": str(file.path)}
        described = job.run(f"DESCRIBE SELECT * FROM {reader}", path).fetchall()  # noqa: S608
        held = {row[0]: row[1] for row in described}
        schema = self._tables.of({embedded_schema.plain(each) for each in held})
        sources, typed = embedded_schema.sources(schema, held)
        if "TimeGenerated" not in sources:
            loaded.report(Unreadable(file.name, 1, "no column TimeGenerated"))
            return
        columns = embedded_schema.select(schema, sources, embedded_schema.CSV_TIMES, typed)
        job.run(f"INSERT INTO {schema.rows} SELECT {loaded.number}, {columns} FROM {reader}", path)  # noqa: S608
        if "_ResourceId" in sources:
            ids = f"SELECT {sources['_ResourceId']} AS id FROM {reader}"  # noqa: S608
            job.run(embedded_schema.add_resources(ids), path)
        mine = f"FROM {schema.rows} WHERE file = {loaded.number}"
        # Row 1 of a CSV is its header.
        before = 2 if file.kind is Kind.CSV else 1
        for (position,) in job.run(
            f'SELECT rowid - (SELECT min(rowid) {mine}) {mine} AND "TimeGenerated" IS NULL ORDER BY 1'
        ).fetchall():
            loaded.report(Unreadable(file.name, position + before, "no time that can be read"))
        job.run(f'DELETE {mine} AND "TimeGenerated" IS NULL')

    def _count(self, fresh: Sequence[Loaded], job: Job) -> None:
        base = fresh[0].number
        for schema in self._tables:
            for number, rows, odd in job.run(
                f"SELECT file, count(*), count(*) FILTER (WHERE odd_tracing_id) FROM {schema.rows} "  # noqa: S608
                f"WHERE file >= {base} GROUP BY file"
            ).fetchall():
                fresh[number - base].rows += rows
                fresh[number - base].odd_tracing_ids += odd

    def _delete(self, stale: Sequence[Loaded], job: Job) -> None:
        numbers = ", ".join(str(each.number) for each in stale)
        for schema in self._tables if stale else ():
            job.run(f"DELETE FROM {schema.rows} WHERE file IN ({numbers})")  # noqa: S608

    def _make_room(self, job: Job) -> None:
        idle = [each for each in self._loaded.values() if not each.users]
        # The rows of a file that was removed must not go on answering.
        gone = [each for each in idle if not each.file.path.exists()]
        kept = sum(each.rows for each in self._loaded.values()) - sum(each.rows for each in gone)
        for each in idle:
            if kept <= self._max_rows:
                break
            if each not in gone:
                gone.append(each)
                kept -= each.rows
        if gone:
            self._delete(gone, job)
            self._deleted += sum(each.rows for each in gone)
            for each in gone:
                del self._loaded[each.file.path]
        if self._deleted >= _COMPACT_AFTER:
            try:
                job.run("CHECKPOINT")
                self._deleted = 0
            except duckdb.TransactionException:
                # Another query is reading; there will be another time.
                return

    def span(self, held: Sequence[Loaded], job: Job) -> tuple[datetime, datetime] | None:
        """The first and the last time (aware UTC) in the rows of `held`."""
        numbers = ", ".join(str(each.number) for each in held) or "NULL"
        # Beyond these years a Python datetime cannot go.
        [(first, last)] = job.run(
            f'SELECT min("TimeGenerated"), max("TimeGenerated") FROM {RECORDS} WHERE file IN ({numbers}) '  # noqa: S608
            "AND \"TimeGenerated\" BETWEEN TIMESTAMP '0001-01-02' AND TIMESTAMP '9999-12-30'"
        ).fetchall()
        return None if first is None else (first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))


def _paths(files: Sequence[Loaded]) -> Mapping[str, object]:
    return {"paths": [str(each.file.path) for each in files]}


def _raise_unless_about_a_file(error: duckdb.Error) -> None:
    """Raise `error` when it is about this process or its asker; another reader may do better otherwise."""
    if isinstance(error, duckdb.InterruptException | duckdb.OutOfMemoryException):
        raise error


def _why(error: Exception) -> str:
    """One line of what went wrong, without the path (the report names it) or the reader's advice."""
    if isinstance(error, PermissionError):
        return DENIED
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0].rpartition(": ")[2][:120] if str(error) else type(error).__name__
