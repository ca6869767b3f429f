"""The ways an answer gets to the person who asked: their response URL, an ephemeral message, a direct message."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.render.fitting import Message

# docs.slack.dev, interactivity/handling-user-interaction: five uses within 30 minutes of the payload.
URL_USES = 5
URL_LIFE_S = 29 * 60
_CALL_S = 20
_FAILURES = (SlackApiError, SlackClientError, ClientError, OSError, TimeoutError, ValueError)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Reply:
    """Answers one command or click.

    `url` is the payload's response URL. A command's `replace` edits what this reply said before; a click's
    URL belongs to the message with the button, so a click never replaces (`is_click`).
    """

    client: AsyncWebClient
    user: str
    channel: str
    url: str = ""
    is_click: bool = False
    _uses: int = 0
    _since: float = field(default_factory=monotonic)
    _shown: bool = False

    async def say(self, message: Message, *, in_channel: bool = False) -> bool:
        """Send `message` to the asker alone, or to the channel; in place of this reply's earlier one.

        Returns False when every way was tried and Slack refused them all.
        """
        # Not every workspace may take the young chart block; the words alone are the last try, better than silence.
        uncharted = [block for block in message.blocks if block["type"] != "data_visualization"]
        tries = [message, *([replace(message, blocks=uncharted)] if len(uncharted) < len(message.blocks) else [])]
        for attempt in (*tries, replace(message, blocks=[])):
            if await self._by_url(attempt, in_channel):
                self._shown = self._shown or not in_channel
                return True
            if in_channel:
                if await self._in_channel(attempt):
                    return True
            elif await self._ephemeral(attempt) or await self._direct(attempt):
                return True
        return False

    async def direct_channel(self) -> str:
        """The id of the direct message channel with the asker. Raises SlackApiError."""
        opened = await self.client.conversations_open(users=self.user)
        return str(opened["channel"]["id"])

    async def _by_url(self, message: Message, in_channel: bool) -> bool:
        if not self.url or self._uses >= URL_USES or monotonic() - self._since > URL_LIFE_S:
            return False
        self._uses += 1
        webhook = AsyncWebhookClient(
            self.url, session=self.client.session, retry_handlers=[*self.client.retry_handlers], logger=_silent()
        )
        webhook.proxy = self.client.proxy
        body = {
            "response_type": "in_channel" if in_channel else "ephemeral",
            "replace_original": self._shown and not self.is_click and not in_channel,
            **_content(message),
        }
        try:
            async with asyncio.timeout(_CALL_S):
                answer = await webhook.send_dict(body)
        except _FAILURES as error:
            _log.info("A response URL failed: %s", type(error).__name__)
            return False
        # Slack answers "ok" with 200; a used-up or expired one is 404, and some errors come as JSON with 200.
        if answer.status_code == 200 and '"ok":false' not in answer.body.replace(" ", ""):
            return True
        _log.info("A response URL was refused with %d", answer.status_code)
        if answer.status_code in (404, 410):
            self._uses = URL_USES
        return False

    async def _ephemeral(self, message: Message) -> bool:
        try:
            async with asyncio.timeout(_CALL_S):
                await self.client.chat_postEphemeral(channel=self.channel, user=self.user, **_content(message))
        except _FAILURES as error:
            _refused("chat.postEphemeral", error)
            return False
        return True

    async def _direct(self, message: Message) -> bool:
        try:
            async with asyncio.timeout(_CALL_S):
                await self._post(await self.direct_channel(), message)
        except _FAILURES as error:
            _refused("a direct message", error)
            return False
        return True

    async def _in_channel(self, message: Message) -> bool:
        try:
            async with asyncio.timeout(_CALL_S):
                await self._post(self.channel, message)
        except _FAILURES as error:
            _refused("chat.postMessage", error)
            return False
        return True

    async def _post(self, channel: str, message: Message) -> None:
        content = _content(message)
        await self.client.chat_postMessage(channel=channel, unfurl_links=False, unfurl_media=False, **content)


def _silent() -> logging.Logger:
    """A logger for slack_sdk's webhook client, which writes the response URL, a secret, when it tries again."""
    logger = logging.getLogger("signalr_bot.webhook")
    logger.setLevel(logging.CRITICAL + 1)
    return logger


def _content(message: Message) -> Mapping[str, Any]:
    return {"text": message.text, **({"blocks": message.blocks} if message.blocks else {})}


def slack_code(error: Exception) -> str:
    """Slack's own name for what went wrong, or ours when its answer was no JSON."""
    if isinstance(error, SlackApiError) and isinstance(error.response, AsyncSlackResponse):
        return str(error.response.get("error") or f"HTTP {error.response.status_code}")
    return type(error).__name__


def _refused(way: str, error: Exception) -> None:
    """Log that Slack refused, which is ordinary, without what was to be said."""
    _log.info("%s was refused: %s", way, slack_code(error))
