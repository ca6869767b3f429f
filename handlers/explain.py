"""Pasted log lines: the message shortcut, and a mention of the bot; a text file in the message is read too."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from bot import explain
from bot.errors import BotError, UsageError
from bot.render import blocks
from bot.render.fitting import Message
from handlers.commands import Desk, answer
from handlers.replies import Reply

SHORTCUT = "explain"
FILE_MOST = 2_000_000
_FILES_MOST = 3
_READING_S = 20
_PATIENCE_S = 0.8
_MENTIONS = re.compile(r"\A\s*(?:<@[A-Z0-9]+(?:\|[^>]*)?>[\s,:]*)+")
_HELP = re.compile(r"\s*(?:help|\?)?\s*\Z", re.IGNORECASE)
_TEXT_TYPES = ("text/", "application/json", "application/x-ndjson", "application/xml", "application/octet-stream")
_log = logging.getLogger(__name__)


class FileRefused(BotError):
    """A file that came with a message cannot be read."""


@dataclass(frozen=True, slots=True)
class Paste:
    """What one message holds: its text as Slack wrote it, and the files with it (docs.slack.dev, file object)."""

    text: str
    files: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def read(cls, message: Mapping[str, Any]) -> Paste:
        """The text and files of a message or event; the text of attachments where it has none of its own."""
        text = str(message.get("text") or "")
        attached = message.get("attachments")
        if not text.strip() and isinstance(attached, list):
            texts = [each.get("text") or each.get("fallback") for each in attached if isinstance(each, dict)]
            text = "\n".join(str(each) for each in texts if each)
        files = message.get("files")
        return cls(text, [each for each in files if isinstance(each, dict)] if isinstance(files, list) else ())

    @property
    def asks_for_help(self) -> bool:
        return not self.files and bool(_HELP.match(_MENTIONS.sub("", self.text)))


async def explained(desk: Desk, reply: Reply, paste: Paste) -> None:
    """Say what the pasted text means, to the asker alone; help, when a mention holds nothing to explain."""
    if paste.asks_for_help:
        await answer(desk, reply, "help")
        return
    asking = asyncio.create_task(_message(desk, reply, paste))
    try:
        done, _ = await asyncio.wait({asking}, timeout=_PATIENCE_S)
        if not done:
            await reply.say(blocks.working(explain.NAME, "Reading it"))
        message = await asking
    finally:
        asking.cancel()
    await reply.say(message)


async def _message(desk: Desk, reply: Reply, paste: Paste) -> Message:
    try:
        async with desk.jobs.turn:
            text = await _text(reply, paste)
            report = await asyncio.to_thread(explain.explain, text, now=datetime.now(UTC))
    except BotError as error:
        return blocks.sorry(error)
    desk.recent.put(report.command, report)
    return blocks.report(report)


async def _text(reply: Reply, paste: Paste) -> str:
    """All there is to explain. Raises UsageError for nothing, FileRefused for files none of which can be read."""
    said = explain.unmarked(_MENTIONS.sub("", paste.text))
    parts = [asked if (asked := explain.pasted(said)) is not None else said]
    refused: list[BotError] = []
    for file in paste.files[:_FILES_MOST]:
        try:
            parts.append(await _content(reply, file))
        except FileRefused as error:
            refused.append(error)
    text = "\n".join(part for part in parts if part.strip())
    if not text and refused:
        raise refused[0]
    if not text:
        raise UsageError("There is no text to explain in that message.", explain.VERB.example)
    return text


async def _content(reply: Reply, file: Mapping[str, Any]) -> str:
    """The text of a file that was uploaded to Slack, at most FILE_MOST bytes of it. Raises FileRefused."""
    name = str(file.get("name") or "the file")[:80]
    url, kind = file.get("url_private_download") or file.get("url_private"), str(file.get("mimetype") or "text/plain")
    if not isinstance(url, str) or not _is_slacks(url, reply.client.base_url):
        raise FileRefused(f"{name} is not kept by Slack, so it cannot be read here.", "Paste its lines instead.")
    if not kind.startswith(_TEXT_TYPES):
        raise FileRefused(f"{name} is no text file.", "Upload the log as text, or paste its lines.")
    try:
        raw = await _fetched(url, reply)
    except (ClientError, OSError, TimeoutError, ValueError) as error:
        _log.info("A file could not be read: %s", type(error).__name__)
        hint = "Try again, or paste its lines; the app needs the scope files:read."
        raise FileRefused(f"Slack did not hand out {name}.", hint) from error
    if b"\0" in raw[:1_000] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileRefused(f"{name} is no text file.", "Upload the log as text, or paste its lines.")
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return raw.decode(encoding, "replace")


async def _fetched(url: str, reply: Reply) -> bytes:
    headers = {"Authorization": f"Bearer {reply.client.token}"}
    timeout = ClientTimeout(total=_READING_S)
    session = reply.client.session
    if session is None:
        async with ClientSession() as own:
            return await _read(own, url, headers, timeout, reply.client.proxy)
    return await _read(session, url, headers, timeout, reply.client.proxy)


async def _read(
    session: ClientSession, url: str, headers: Mapping[str, str], timeout: ClientTimeout, proxy: str | None
) -> bytes:
    # No redirect is followed: the token goes to Slack's file store and nowhere else.
    async with session.get(url, headers=headers, timeout=timeout, proxy=proxy, allow_redirects=False) as got:
        if got.status != 200 or got.content_type == "text/html":
            raise ValueError(f"HTTP {got.status} {got.content_type}")
        raw = bytearray()
        async for chunk in got.content.iter_chunked(65_536):
            raw += chunk
            if len(raw) >= FILE_MOST:
                break
        return bytes(raw[:FILE_MOST])


def _is_slacks(url: str, api: str) -> bool:
    """Whether `url` is at Slack, by HTTPS; or at the address that the bot calls in place of Slack."""
    asked, ours = urlsplit(url), urlsplit(api)
    if (asked.scheme, asked.netloc) == (ours.scheme, ours.netloc):
        return True
    host = asked.hostname or ""
    return asked.scheme == "https" and (host == "slack.com" or host.endswith((".slack.com", ".slack-edge.com")))
