"""Whether the bot can take work: what a load balancer asks at /readyz."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from bot.errors import BotError

# Kubernetes gives a probe one second unless told otherwise.
_WAIT_S = 0.5
_LIMIT_S = 20
_log = logging.getLogger(__name__)


class Check:
    """Asks something the bot needs whether it can be asked, at most every `every_s` seconds.

    `ask` raises BotError with what is wrong. It runs beside the requests: a slow one leaves the last result standing.
    `reason` is what is known before the first asking, as a sentence; empty when `what` was well just now.
    """

    def __init__(self, what: str, ask: Callable[[], Awaitable[None]], reason: str = "", every_s: float = 30) -> None:
        self._what, self._ask, self._reason, self._every_s = what, ask, reason, every_s
        self._due = 0.0 if reason else monotonic() + every_s
        self._asking: asyncio.Task[None] | None = None

    async def reason(self) -> str:
        """Why it cannot be asked, as a sentence; empty when it can."""
        if self._asking is None and monotonic() >= self._due:
            self._asking = asyncio.create_task(self._find_out())
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=_WAIT_S)
        return self._reason

    async def _find_out(self) -> None:
        before = self._reason
        try:
            async with asyncio.timeout(_LIMIT_S):
                await self._ask()
            self._reason = ""
        except TimeoutError:
            self._reason = f"{self._what} did not answer within {_LIMIT_S} s."
        except BotError as error:
            self._reason = error.message
        except Exception as error:
            self._reason = f"{self._what} could not be asked ({type(error).__name__})."
        if self._reason != before:
            _log.warning("%s", self._reason or f"{self._what} can be asked.")
        self._due, self._asking = monotonic() + self._every_s, None
