"""What the buttons do: ask again, share, send the whole report, show the KQL. A value is a command line."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackClientError

from bot.errors import BotError
from bot.model import Report
from bot.render import blocks, markdown
from handlers.commands import Desk, answer
from handlers.memory import Once
from handlers.replies import Reply

_NOT_HERE = "Slack did not let the bot post here. Invite it to the channel, then share again."
_BEING_SHARED = "This answer is being shared to this channel already; if it does not appear, share it again."
_UPLOAD_S = 60
_log = logging.getLogger(__name__)
_NO_REPORT = "That button leads to no report any more. Ask the question again."


@dataclass(frozen=True, slots=True)
class Click:
    """One click: who, where, on which message, and the button's command line."""

    user: str
    channel: str
    message: str
    action: str
    value: str
    url: str

    @property
    def key(self) -> Hashable:
        return (self.user, self.channel, self.message, self.action, self.value)

    @classmethod
    def read(cls, body: Mapping[str, Any], action: Mapping[str, Any]) -> Click:
        """The click in a block_actions payload; what the payload lacks is empty."""
        container = body.get("container") or {}
        channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or ""
        return cls(
            user=(body.get("user") or {}).get("id") or "",
            channel=channel,
            message=container.get("message_ts") or "",
            action=action.get("action_id") or "",
            value=action.get("value") or "",
            url=body.get("response_url") or "",
        )


Act = Callable[[Reply, Click], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Buttons:
    """The buttons of an answer. `clicks` tells a double click, `shared` what a channel was already shown."""

    desk: Desk
    clicks: Once
    shared: Once

    async def run(self, reply: Reply, click: Click) -> None:
        """Answer the command line on the button, to the person who clicked."""
        await answer(self.desk, reply, click.value)

    async def share(self, reply: Reply, click: Click) -> None:
        """Post the report to the channel, naming who shared it; once for each message."""
        key = (click.channel, click.message, click.value)
        if not self.shared.claim(key):
            at_work = self.shared.at_work(key)
            await reply.say(blocks.note(_BEING_SHARED if at_work else "This answer is already shared to this channel."))
            return
        done = False
        try:
            if (report := await self._report(reply, click)) is not None:
                message = await asyncio.to_thread(blocks.report, report, shareable=False, shared_by=click.user)
                done = await reply.say(message, in_channel=True)
                if not done:
                    await reply.say(blocks.note(_NOT_HERE))
        finally:
            (self.shared.finish if done else self.shared.release)(key)

    async def kql(self, reply: Reply, click: Click) -> None:
        """Show the KQL that was run, ready to paste."""
        if (report := await self._report(reply, click)) is not None:
            await reply.say(blocks.kql(report))

    async def full(self, reply: Reply, click: Click) -> None:
        """Send everything the report holds, as Markdown and JSON, to a direct message."""
        from bot.render.data import to_json

        if (report := await self._report(reply, click)) is None:
            return
        # Ten thousand rows take a while to write, and others wait for the event loop.
        text = await asyncio.to_thread(markdown.report, report)
        data = await asyncio.to_thread(lambda: json.dumps(to_json(report), indent=2))
        name = f"{report.query}-{report.window.start:%Y%m%dT%H%MZ}"
        files = [
            {"filename": f"{name}.md", "title": "Full report", "content": text},
            {"filename": f"{name}.json", "title": "The same as JSON", "content": data},
        ]
        try:
            async with asyncio.timeout(_UPLOAD_S):
                channel = await reply.direct_channel()
                await reply.client.files_upload_v2(
                    channel=channel, file_uploads=files, initial_comment="The full report you asked for."
                )
        except (SlackClientError, ClientError, OSError, TimeoutError) as error:
            _log.info("The full report could not be sent: %s", type(error).__name__)
            failure = BotError(
                "Slack did not take the full report.",
                f"Try again, or run it in a terminal: signalr-bot {report.command} --json",
            )
            await reply.say(blocks.sorry(failure))
            return
        await reply.say(blocks.note("The full report is in your direct messages with this bot."))

    async def _report(self, reply: Reply, click: Click) -> Report | None:
        """The report behind the button; None after the person was told why there is none."""
        try:
            found = await self.desk.again(click.value, click.user)
        except BotError as error:
            await reply.say(blocks.sorry(error))
            return None
        if isinstance(found, Report):
            return found
        await reply.say(blocks.note(_NO_REPORT))
        return None

    async def once(self, act: Act, reply: Reply, click: Click) -> None:
        """Do `act` for a first click; a second one within seconds is the same click."""
        try:
            await act(reply, click)
        finally:
            self.clicks.finish(click.key)
