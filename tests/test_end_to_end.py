"""From a simulated archive to what people see: the real Core behind the real Bolt app, before a local Slack.

Every message of the run is held to Block Kit's limits by the stand-in (`problems` stays empty).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot import catalog
from bot.app import build, open_client
from bot.core import Core
from bot.engines.embedded import EmbeddedEngine
from bot.settings import Settings
from bot.simulator import Written, write_archive
from bot.words import quote
from handlers.http import EVENTS, Readiness, web_app
from handlers.jobs import Jobs
from tests.standins import slack
from tests.standins.slack import CHANNEL, USER, Shown, Slack

START = datetime(2026, 11, 23, 6, tzinfo=UTC)
HOURS = 6


@dataclass(frozen=True, slots=True)
class World:
    """The bot in its workspace, and the truth of the archive it reads."""

    slack: Slack
    core: Core
    truth: Written

    def connection(self, fault: str) -> str:
        return next(each.connection_id for each in self.truth.examples if each.fault_code == fault)

    async def ask(self, text: str) -> Shown:
        """What the asker sees once `text` was answered."""
        seen = len(self.slack.shown)
        assert (await self.slack.command(text)).status == 200
        return await self._answer(seen)

    async def _answer(self, place: int) -> Shown:
        """The message at `place` once it is more than a word to wait."""
        shown = self.slack.shown
        await self.slack.until(lambda: len(shown) > place and "Looking into it" not in shown[place].text, 30)
        return shown[place]

    async def click(self, shown: Shown, action_id: str) -> Shown:
        seen = len(self.slack.shown)
        assert (await self.slack.click(shown, action_id)).status == 200
        return await self._answer(seen)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    truth = write_archive(tmp_path, seed=7, connections=4_000, hours=HOURS, start=START)
    core = Core(
        catalog.load(), EmbeddedEngine(tmp_path), lambda: START + timedelta(hours=HOURS + 1), timedelta(seconds=60)
    )
    jobs = Jobs()
    async with slack.slack() as stand_in:
        settings = Settings(
            slack_bot_token=slack.BOT_TOKEN, slack_signing_secret=slack.SECRET, slack_api_url=stand_in.api_url
        )
        async with open_client(settings) as client:
            app = build(core, settings, client, jobs)
            runner = web.AppRunner(web_app(app, slack.SECRET, Readiness("")), access_log=None, shutdown_timeout=1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            stand_in.bot_url = f"http://127.0.0.1:{runner.addresses[0][1]}{EVENTS}"
            yield World(stand_in, core, truth)
            await jobs.drain(timedelta(seconds=10))
            await runner.cleanup()
            assert stand_in.problems == []
    await core.close()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param("client-ping-timeout", "the service heard no ping from this client", id="a network went silent"),
        pytest.param("server-connection-dropped", "its app server's connection was dropped", id="a server was lost"),
        pytest.param("service-reload", "(expected): the service was reloading", id="the service reloaded"),
        pytest.param("hub-exception", "the app server closed it with an error", id="a hub method threw"),
        pytest.param("connection-limit", "the connection limit was reached", id="the quota was used up"),
        pytest.param("healthy", "it was not dropped", id="a goodbye"),
    ],
)
async def test_a_dropped_connection_is_explained_to_the_asker(world: World, fault: str, words: str) -> None:
    shown = await world.ask(f"why-dropped {quote(world.connection(fault))}")
    assert (shown.only_for, shown.channel, words in shown.text) == (USER, CHANNEL, True)


async def test_buttons_ask_on_and_share(world: World) -> None:
    first = await world.ask(f"why-dropped {quote(world.connection('server-connection-dropped'))}")
    server = await world.click(first, "run:0")
    shared = await world.click(first, "share")
    assert (server.text.partition(" at ")[0], shared.only_for, first.text in shared.text) == (
        "Server connection dropped",
        "",
        True,
    )


async def test_what_cannot_be_read_is_answered_with_a_line_that_works(world: World) -> None:
    shown = await world.ask("why-droped x")
    assert [value for value in shown.buttons.values() if value.startswith("why-dropped")] == ["why-dropped x"]
