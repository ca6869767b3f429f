"""Work that goes on after a request was acknowledged."""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

Tell = Callable[[str], Awaitable[None]]

BUSY = "The bot has too much to do just now. Try again in a minute."
LEAVING = "The bot is restarting. Try again in a minute."
CUT_SHORT = "The bot had to restart before this answer was ready. Ask again in a minute."

_TELLING_S = 5
_log = logging.getLogger(__name__)


class Jobs:
    """Takes at most `running + waiting` pieces of work, and refuses more.

    Work holds a `turn` for its costly part, which `running` may hold at once; so it can still tell its person
    to wait while others have their turn. Keeps a reference to each task, because the event loop does not.
    What a piece of work raises is logged under a short id, without its message, which may hold a stranger's
    log line; the person is told the id.
    """

    def __init__(self, running: int = 20, waiting: int = 200) -> None:
        self._most = running + waiting
        self.turn = asyncio.Semaphore(running)
        self._work: dict[asyncio.Task[None], Tell] = {}
        self._notices: set[asyncio.Task[None]] = set()
        self._leaving = False

    def refusal(self) -> str:
        """Why no more work is taken, as a sentence for the person who asked; empty when it is."""
        if self._leaving:
            return LEAVING
        return BUSY if len(self._work) >= self._most else ""

    def start(self, work: Coroutine[Any, Any, None], tell: Tell) -> None:
        """Begin `work` in the background, or `tell` the person why not."""
        if refusal := self.refusal():
            work.close()
            self._notice(tell(refusal))
            return
        task = asyncio.create_task(self._run(work, tell))
        self._work[task] = tell
        task.add_done_callback(self._forget)

    async def drain(self, within: timedelta) -> int:
        """Take no more work, let what is there finish, and tell those whose answer had to be given up.

        Returns how many were given up.
        """
        self._leaving = True
        if self._work:
            await asyncio.wait({*self._work}, timeout=within.total_seconds())
        unfinished = dict(self._work)
        for task, tell in unfinished.items():
            task.cancel()
            self._notice(tell(CUT_SHORT))
        everything = {*unfinished, *self._notices}
        if everything:
            await asyncio.wait(everything, timeout=_TELLING_S)
        return len(unfinished)

    async def _run(self, work: Coroutine[Any, Any, None], tell: Tell) -> None:
        try:
            await work
        except Exception as error:
            await _confess(error, tell)
        finally:
            work.close()

    def _notice(self, telling: Awaitable[None]) -> None:
        task = asyncio.create_task(_told(telling))
        self._notices.add(task)
        task.add_done_callback(self._notices.discard)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._work.pop(task, None)


async def _confess(error: Exception, tell: Tell) -> None:
    """Log `error` under an id, and `tell` the person that id."""
    name = secrets.token_hex(4)
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log.error("Work %s failed with %s:\n%s", name, type(error).__name__, frames)
    _log.debug("Work %s said: %s", name, error)
    sentence = (
        f"Something went wrong inside the bot, and it was logged as {name}. "
        "Try again; if it happens again, give that id to whoever runs the bot."
    )
    await _told(tell(sentence))


async def _told(telling: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(_TELLING_S):
            await telling
    except Exception as error:
        _log.info("A person could not be told: %s", type(error).__name__)
