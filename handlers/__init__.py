"""The Slack face: every listener, on one screen. Each only acknowledges and hands the work to `jobs`."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.render import blocks
from handlers.actions import Act, Buttons, Click
from handlers.commands import Answers, Desk, answer
from handlers.explain import SHORTCUT, Paste, explained
from handlers.jobs import Jobs
from handlers.memory import Once, Zones
from handlers.replies import Reply

COMMAND = "/signalr"
_log = logging.getLogger(__name__)
_ANY = re.compile(".*", re.DOTALL)
_DOUBLE_CLICK_S = 3
_SHARED_S = 86_400
_DELIVERED_S = 7_200


def register(app: AsyncApp, core: Answers, jobs: Jobs, client: AsyncWebClient) -> None:
    """Give `app` its listeners. `client` makes every call to Slack."""
    desk = Desk(core, jobs, Zones(client))
    buttons = Buttons(desk, Once(_DOUBLE_CLICK_S), Once(_SHARED_S))

    @app.command(COMMAND)
    async def signalr(ack: AsyncAck, command: Mapping[str, Any]) -> None:
        if refusal := jobs.refusal():
            await ack(text=refusal, response_type="ephemeral")
            return
        await ack()
        if not (user := command.get("user_id")):
            return
        reply = Reply(client, user, command.get("channel_id", ""), command.get("response_url", ""))
        jobs.start(answer(desk, reply, command.get("text", "")), lambda said: _tell(reply, said))

    @app.command(_ANY)
    async def other_command(ack: AsyncAck) -> None:
        await ack(text=f"This bot answers {COMMAND}. Try `{COMMAND} help`.", response_type="ephemeral")

    _pasted(app, desk, jobs, client)
    for pattern, act in (
        (re.compile(r"run:[0-9]+"), buttons.run),
        (re.compile("share"), buttons.share),
        (re.compile("full"), buttons.full),
        (re.compile("kql"), buttons.kql),
    ):
        app.action(pattern)(_clicked(act, buttons, jobs, client))

    # Nothing that Slack sends may end in 404 over HTTP or without an acknowledgement over Socket Mode:
    # a link button only opens its page, and a message from an older version may hold any button.
    for anything in (
        app.action(_ANY),
        app.view(_ANY),
        app.view_closed(_ANY),
        app.shortcut(_ANY),
        app.options(_ANY),
    ):
        anything(_acknowledge)
    app.event(_ANY)(_acknowledge)
    app.error(_unread)


def _pasted(app: AsyncApp, desk: Desk, jobs: Jobs, client: AsyncWebClient) -> None:
    """The two ways to hand over log lines without typing a command."""
    delivered = Once(_DELIVERED_S)

    @app.shortcut({"type": "message_action", "callback_id": SHORTCUT})
    async def shortcut(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await ack()
        user, message = (body.get("user") or {}).get("id"), body.get("message")
        if not user or not isinstance(message, dict):
            return
        channel = (body.get("channel") or {}).get("id") or ""
        reply = Reply(client, user, channel, body.get("response_url") or "", is_click=True)
        jobs.start(explained(desk, reply, Paste.read(message)), lambda said: _tell(reply, said))

    @app.event("app_mention")
    async def mentioned(ack: AsyncAck, event: Mapping[str, Any]) -> None:
        await ack()
        user, channel = event.get("user"), event.get("channel") or ""
        # Slack delivers an event again when an acknowledgement was late; bots that mention us are not answered.
        key = (channel, event.get("ts"))
        if not user or event.get("bot_id") or not delivered.claim(key):
            return
        delivered.finish(key)
        reply = Reply(client, user, channel)
        jobs.start(explained(desk, reply, Paste.read(event)), lambda said: _tell(reply, said))


def _clicked(act: Act, buttons: Buttons, jobs: Jobs, client: AsyncWebClient) -> Any:
    async def clicked(ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        await ack()
        click = Click.read(body, action)
        if not click.user or not click.value:
            return
        # A repeated Share is answered in words; any other repeat within seconds is the same click.
        if act != buttons.share and not jobs.refusal() and not buttons.clicks.claim(click.key):
            return
        reply = Reply(client, click.user, click.channel, click.url, is_click=True)
        jobs.start(buttons.once(act, reply, click), lambda said: _tell(reply, said))

    return clicked


async def _acknowledge(ack: AsyncAck) -> None:
    await ack()


async def _unread(error: Exception) -> BoltResponse:
    # Only a payload of another shape than documented: what a listener starts is caught by `jobs`.
    _log.warning("A request was acknowledged unread: %s", type(error).__name__)
    return BoltResponse(status=200)


async def _tell(reply: Reply, sentence: str) -> None:
    await reply.say(blocks.note(sentence))
