"""From a command line to the message that answers it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Protocol

from bot.errors import BotError
from bot.model import Page, Report
from bot.render import blocks
from bot.render.fitting import Message
from handlers.jobs import Jobs
from handlers.memory import Kept, Zones
from handlers.replies import Reply

# A person is told to wait within a second, and once more when it takes long: two edits of one message.
_PATIENCE = ((0.8, "Looking into it"), (15.0, "Still waiting for the logs"))
_NO_ZONE = "Slack did not say which time zone you are in, so times without one were read as UTC."


class Answers(Protocol):
    """What the Slack face asks of Core."""

    async def answer(self, line: str, zone: tzinfo) -> Report | Page: ...

    def needs_zone(self, line: str) -> bool: ...


@dataclass(slots=True)
class Desk:
    """Takes questions to Core, and keeps recent reports so that what is shared is what was seen."""

    core: Answers
    jobs: Jobs
    zones: Zones
    recent: Kept[Report] = field(default_factory=lambda: Kept(1_800, 100))

    async def ask(self, line: str, user: str) -> Report | Page:
        """The answer to `line`, its times read in the zone of `user`. Raises BotError."""
        zone, known = await self.zones.of(user) if self.core.needs_zone(line) else (UTC, True)
        async with self.jobs.turn:
            answer = await self.core.answer(line, zone)
        if isinstance(answer, Page):
            return answer
        if not known:
            answer = replace(answer, notes=(_NO_ZONE, *answer.notes))
        self.recent.put(answer.command, answer)
        return answer

    async def again(self, command: str, user: str) -> Report | Page:
        """The report behind a button: the one that was shown, while it is remembered. Raises BotError."""
        return self.recent.get(command) or await self.ask(command, user)


async def answer(desk: Desk, reply: Reply, line: str) -> None:
    """Say the answer to `line`, with a word to wait before it when it takes longer than a second."""
    asking = asyncio.create_task(_message(desk, line, reply.user))
    try:
        for patience_s, doing in _PATIENCE[:1] if reply.is_click else _PATIENCE:
            done, _ = await asyncio.wait({asking}, timeout=patience_s)
            if done:
                break
            await reply.say(blocks.working(line, doing))
        message = await asking
    finally:
        asking.cancel()
    await reply.say(message)


async def _message(desk: Desk, line: str, user: str) -> Message:
    try:
        found = await desk.ask(line, user)
    except BotError as error:
        return blocks.sorry(error)
    return blocks.page(found) if isinstance(found, Page) else blocks.report(found)
