"""The embedded engine: KQL over logs on disk, run by DuckDB.

The shape of an answer, which every engine gives for the same rows:

- string: str, empty when missing (a Kusto string is never null)
- datetime: aware datetime in UTC, or None
- long, int: int of any size, or None; real, decimal: float, or None; bool: bool, or None
- timespan: timedelta, or None
- dynamic: what its JSON says (list, dict, str, int, float, bool), or None
- guid: str

`ingestion_time()` is unknown here: a file does not say when a record arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bot.engines import archive
from bot.errors import AccessDenied, BotError, EngineError, EngineTimeout, UnsupportedKql
from bot.kql import BoundQuery
from bot.model import Table, Window

if TYPE_CHECKING:
    from bot.engines.archive_repair import Unreadable
    from bot.engines.embedded_job import Job
    from bot.engines.embedded_kql import Translation, Translator
    from bot.engines.embedded_store import Loaded, Store

_Answer = TypeVar("_Answer")

_SHORTER = "Ask about a shorter window, or about one resource."
# After a time-out: how long its thread gets to notice, and how often it is told.
_NOTICE, _TELL = timedelta(seconds=2), timedelta(milliseconds=50)
_NOTES = 5


class EmbeddedEngine:
    """Answers from the logs at `logs`: a storage archive, a folder of loose files, or one file.

    JSON lines (`.json`, `.jsonl`, also `.gz`), CSV exported from Log Analytics, and Parquet. An hour once read
    stays in memory for later queries, at most `max_rows` records of them; a file that changed is read again.
    `memory_limit` bounds DuckDB's memory; what is beyond it goes to a temporary folder.
    """

    def __init__(self, logs: Path, max_rows: int = 3_000_000, memory_limit: str = "900MiB") -> None:
        self._logs = logs.expanduser()
        self._max_rows = max_rows
        self._memory_limit = memory_limit
        self._opening = asyncio.Lock()
        self._parts: tuple[Store, Translator] | None = None
        self._preparing: set[asyncio.Task[None]] = set()
        self._prepared: set[str] = set()

    async def query(self, bound: BoundQuery, timeout: timedelta) -> Table:
        """The rows of `bound`. Reads the hours of its window, and those around it, that are not in memory yet."""
        resource = str(bound.values.get("resource_id", ""))
        return await self._answer(
            lambda translator: translator.bound(bound), dict(bound.values), bound.window, resource, timeout
        )

    async def query_text(self, kql: str, window: Window, timeout: timedelta = timedelta(seconds=60)) -> Table:
        """The rows of a whole KQL text, its `let` lines included; `window` is which hours to read."""
        return await self._answer(lambda translator: translator.text(kql), {}, window, "", timeout)

    async def span(self, timeout: timedelta = timedelta(seconds=60)) -> Window | None:
        """From the first record to the last: by the hours of an archive, by the records of loose files."""
        store, _ = await self._open()

        def work(job: Job) -> Window | None:
            listing = archive.find(self._logs, None)
            filed = archive.first_and_last_hour(listing)
            loose = [file for file in listing.files if file.hour is None]
            with store.holding(loose, job) as held:
                found = store.span(held, job)
            ends = [filed] if filed else []
            if found:
                ends.append(Window(found[0], found[1] + timedelta(seconds=1)))
            return Window(min(end.start for end in ends), max(end.end for end in ends)) if ends else None

        return await self._run(store, work, timeout)

    def prepare(self, queries: Sequence[BoundQuery]) -> None:
        """Translate `queries` while the first logs are read: a first translation takes a tenth of a second each."""
        fresh = [bound for bound in queries if bound.body not in self._prepared]
        if not fresh:
            return
        self._prepared.update(bound.body for bound in fresh)
        task = asyncio.create_task(self._translate(fresh))
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)

    async def _translate(self, queries: Sequence[BoundQuery]) -> None:
        try:
            _, translator = await self._open()
            for bound in queries:
                await asyncio.to_thread(translator.bound, bound)
        except BotError:
            # Whoever asks the query itself is told.
            return

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Lines of the files in memory that hold no record, the first of each file."""
        if self._parts is None:
            return ()
        return tuple(line for loaded in self._parts[0].loaded for line in loaded.unreadable)

    def portal_url(self, bound: BoundQuery, seen: str) -> str:  # noqa: ARG002 - the protocol's
        """Empty: logs on disk have no portal."""
        return ""

    async def close(self) -> None:
        """Forget the logs and remove the temporary folder."""
        for task in self._preparing:
            task.cancel()
        if self._parts is not None:
            await asyncio.to_thread(self._parts[0].close)
            self._parts = None

    async def _open(self) -> tuple[Store, Translator]:
        async with self._opening:
            if self._parts is None:
                self._parts = await asyncio.to_thread(self._make)
            return self._parts

    def _make(self) -> tuple[Store, Translator]:
        # DuckDB takes a tenth of a second to import: not for `help`.
        import duckdb

        from bot.engines import embedded_kql, embedded_schema, embedded_store

        archive.find(self._logs, None)
        tables = embedded_schema.load()
        try:
            store = embedded_store.Store(self._logs, tables, self._max_rows, self._memory_limit)
        except (duckdb.Error, OSError) as error:
            raise EngineError(
                f"The embedded engine did not start: {_first_line(error)}.",
                "Check the free memory, and that the folder for temporary files can be written.",
            ) from error
        return store, embedded_kql.translator(tables)

    async def _answer(
        self,
        translate: Callable[[Translator], Translation],
        values: dict[str, object],
        window: Window,
        resource: str,
        timeout: timedelta,
    ) -> Table:
        store, translator = await self._open()

        def work(job: Job) -> Table:
            from bot.engines import embedded_rows

            listing = archive.find(self._logs, window, resource)
            with store.holding(listing.files, job) as held:
                _refuse_foreign(self._logs, held)
                # After the reading, during which `prepare` has had time to do this.
                translation = translate(translator)
                result = job.run(translation.sql, translation.values(values))
                return embedded_rows.table(result, _notes(listing, held))

        return await self._run(store, work, timeout)

    async def _run(self, store: Store, work: Callable[[Job], _Answer], timeout: timedelta) -> _Answer:
        """What `work` returns, from another thread; when nobody waits any more, it is stopped."""
        job = store.job()
        task = asyncio.create_task(asyncio.to_thread(_translated, work, job))
        try:
            done, _ = await asyncio.wait({task}, timeout=timeout.total_seconds())
        except asyncio.CancelledError:
            await _stop(job, task)
            raise
        if not done:
            await _stop(job, task)
            raise EngineTimeout(
                f"The logs on disk did not answer within {timeout.total_seconds():g} seconds.", _SHORTER
            )
        return task.result()


async def _stop(job: Job, task: asyncio.Task[_Answer]) -> None:
    # An interrupt between two statements is lost on DuckDB, so it is repeated.
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    for _ in range(_NOTICE // _TELL):
        job.stop()
        done, _ = await asyncio.wait({task}, timeout=_TELL.total_seconds())
        if done:
            return


def _translated(work: Callable[[Job], _Answer], job: Job) -> _Answer:
    """`work`'s answer, with every failure as an EngineError."""
    import duckdb

    from bot.engines.embedded_job import Stopped
    from bot.engines.embedded_kql import HINT

    try:
        return work(job)
    except BotError:
        raise
    except (Stopped, duckdb.InterruptException) as error:
        raise EngineTimeout("The query on the logs was stopped.", _SHORTER) from error
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise EngineError("The logs of this window do not fit into memory.", _SHORTER) from error
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
        raise UnsupportedKql(f"The query does not fit the logs: {_first_line(error)}.", HINT) from error
    except (duckdb.IOException, OSError) as error:
        raise EngineError(
            f"The logs on disk could not be read: {_first_line(error)}.",
            "Check the disk, its free space, and that the bot may read the logs.",
        ) from error
    except UnicodeEncodeError as error:
        raise EngineError(
            "A value holds half a character (a lone surrogate), which no log holds.", "Copy the value again."
        ) from error
    except duckdb.Error as error:
        raise EngineError(f"The query failed: {_first_line(error)}.", HINT) from error
    finally:
        job.connection.close()


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].partition(": ")[2].rstrip(".!") or lines[0] if lines else type(error).__name__


def _refuse_foreign(logs: Path, held: Sequence[Loaded]) -> None:
    """Raises EngineError when loose files hold not a single record: these are no logs of this service."""
    from bot.engines.embedded_store import DENIED

    if not held or any(each.rows or each.file.hour is not None for each in held):
        return
    wrong = [line for each in held for line in each.unreadable]
    if wrong and all(line.why == DENIED for line in wrong):
        raise AccessDenied(
            f"The logs at {logs} may not be read by this user.", "Give the user that runs the bot read access to it."
        )
    if wrong:
        raise EngineError(
            f"There is no log record in {logs} ({_place(wrong[0])}: {wrong[0].why}).",
            "Give resource logs of Azure SignalR Service: the storage archive, JSON lines, or a CSV export.",
        )


def _notes(listing: archive.Listing, held: Sequence[Loaded]) -> tuple[str, ...]:
    """What the reader of an answer must know about the files behind it."""
    notes = []
    lines = sum(each.unreadable_count for each in held)
    wrong = [line for each in held for line in each.unreadable]
    if wrong:
        what = "1 line" if lines == 1 else f"{lines:,} lines"
        whole = [line for line in wrong if line.line == 0]
        if len(whole) == lines:
            what = "1 file" if lines == 1 else f"{lines:,} files"
        notes.append(f"{what} could not be read (first: {_place(wrong[0])}, {wrong[0].why}).")
    newest = max((each.file.hour for each in held if each.file.hour), default=None)
    # The newest hour is still being written.
    cut = [each.cut_off for each in held if each.cut_off and (each.file.hour is None or each.file.hour != newest)]
    if cut:
        more = f", and of {len(cut) - 1} more" if len(cut) > 1 else ""
        notes.append(f"The last line of {cut[0].path}{more} is cut off; its record is missing.")
    odd = sum(each.odd_tracing_ids for each in held)
    if odd:
        what = "1 record has" if odd == 1 else f"{odd:,} records have"
        notes.append(f"{what} a message tracing id that is not a 64-bit number; the id is left out.")
    if listing.closed:
        more = f" and {len(listing.closed) - 1} more" if len(listing.closed) > 1 else ""
        notes.append(f"{listing.closed[0]}{more} could not be opened: permission denied, or the link leads nowhere.")
    return tuple(notes[:_NOTES])


def _place(line: Unreadable) -> str:
    return f"{line.path}:{line.line}" if line.line else line.path
