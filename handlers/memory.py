"""What the Slack face remembers for a while: people's time zones, recent reports, and what was done already."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Hashable
from datetime import UTC, timedelta, timezone, tzinfo
from time import monotonic
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from aiohttp import ClientError
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

_ASKING_S = 3
# What slack_sdk, and reading its answer, raise for one of another shape than documented.
_ODD_ANSWER = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
_log = logging.getLogger(__name__)

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """A mapping that forgets: each entry after `life_s` seconds, and the oldest ones beyond `most`."""

    def __init__(self, life_s: float, most: int) -> None:
        self._life_s, self._most = life_s, most
        self._entries: OrderedDict[Hashable, tuple[float, Value]] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        until, value = self._entries.get(key, (0.0, None))
        return value if monotonic() < until else None

    def put(self, key: Hashable, value: Value) -> None:
        self._entries[key] = (monotonic() + self._life_s, value)
        self._entries.move_to_end(key)
        while len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        self._entries.pop(key, None)


class Once:
    """Tells a first time from a repeat: a key is taken from `claim` until `life_s` seconds after it."""

    def __init__(self, life_s: float, most: int = 2_000) -> None:
        self._seen: Kept[bool] = Kept(life_s, most)
        self._at_work: set[Hashable] = set()

    def claim(self, key: Hashable) -> bool:
        """Whether this is the first time; it then counts as at work until `finish` or `release`."""
        if key in self._at_work or self._seen.get(key):
            return False
        self._at_work.add(key)
        self._seen.put(key, True)
        return True

    def at_work(self, key: Hashable) -> bool:
        """Whether `key` was claimed, and neither finished nor released."""
        return key in self._at_work

    def finish(self, key: Hashable) -> None:
        self._at_work.discard(key)

    def release(self, key: Hashable) -> None:
        """Forget `key`: it came to nothing, so the next time is a first one again."""
        self._at_work.discard(key)
        self._seen.drop(key)


class Zones:
    """The time zones people set in Slack, asked for at most once an hour each (users.info, users:read)."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: Kept[tzinfo] = Kept(3_600, 5_000)

    async def of(self, user: str) -> tuple[tzinfo, bool]:
        """The zone of `user`, and whether it is known; UTC when Slack does not say within three seconds."""
        if (known := self._known.get(user)) is not None:
            return known, True
        try:
            async with asyncio.timeout(_ASKING_S):
                person = (await self._client.users_info(user=user))["user"]
            zone = _zone(person.get("tz"), person.get("tz_offset"))
        except (SlackClientError, ClientError, OSError, TimeoutError, *_ODD_ANSWER) as error:
            _log.info("A time zone could not be asked for: %s", type(error).__name__)
            zone = None
        if zone is None:
            return UTC, False
        self._known.put(user, zone)
        return zone, True


def _zone(name: object, offset_s: object) -> tzinfo | None:
    """The zone of a Slack user: by its tz database name, else by its offset in seconds."""
    if isinstance(name, str) and name:
        try:
            return ZoneInfo(name)
        except (LookupError, OSError, ValueError):
            _log.info("A time zone of Slack's is not in the tz database.")
    return timezone(timedelta(seconds=offset_s)) if isinstance(offset_s, int) else None
