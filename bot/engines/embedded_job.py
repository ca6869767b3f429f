"""Work on a connection of its own that another thread may stop."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

import duckdb


class Stopped(Exception):
    """Nobody waits for this work any more."""


class Job:
    """One piece of work on its own connection, which another thread may stop."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ask the work to end soon, from any thread; nothing happens when it has ended."""
        self._stopped.set()
        # The work may have ended and closed its connection in this moment.
        with suppress(duckdb.ConnectionException):
            self.connection.interrupt()

    def check(self) -> None:
        """Raises Stopped when nobody waits any more."""
        if self._stopped.is_set():
            raise Stopped

    def run(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> duckdb.DuckDBPyConnection:
        self.check()
        return self.connection.execute(sql, values)
