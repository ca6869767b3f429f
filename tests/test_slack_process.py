"""`serve` as its own process: what it checks, both ways to reach Slack, and how it stops."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.standins import reports, slack
from tests.standins.slack import Slack

ROOT = Path(__file__).parent.parent
# The real process around a core that takes a while: what it answers is test_slack.py's and the core's business.
PROGRAM = """
import asyncio, os, sys
from dataclasses import replace
from pathlib import Path
import bot.app
from bot.settings import Settings
from tests.standins import reports

class SlowCore:
    def __init__(self, catalog, engine, *rest):
        self._engine = engine
    def needs_zone(self, line):
        return False
    async def answer(self, line, zone, attached=""):
        await asyncio.sleep(float(os.environ.get("TAKES_S", "0")))
        return replace(reports.finding_report(), command=line)
    async def close(self):
        await self._engine.close()

bot.app.Core = SlowCore
sys.exit(asyncio.run(bot.app.serve(Settings(
    logs=Path(os.environ["LOGS"]) if "LOGS" in os.environ and not {"AZURE", "CA"} & set(os.environ) else None,
    slack_bot_token=os.environ.get("BOT", ""),
    slack_signing_secret=os.environ.get("SECRET", ""),
    slack_app_token=os.environ.get("APP", ""),
    slack_api_url=os.environ.get("API", "http://127.0.0.1:9/api/"),
    workspace_id="00000000-0000-0000-0000-000000000000" if {"AZURE", "CA"} & set(os.environ) else "",
    logs_endpoint=os.environ.get("AZURE", "https://api.loganalytics.io"),
    ca_bundle=Path(os.environ["CA"]) if "CA" in os.environ else None,
    host=os.environ.get("HOST", "127.0.0.1"),
    port=0,
))))
"""


@asynccontextmanager
async def process(environment: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        cwd=ROOT,
        env=kept | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def ready(started: asyncio.subprocess.Process) -> str:
    """The line that says the bot is ready."""
    assert started.stdout is not None
    async with asyncio.timeout(30):
        return (await started.stdout.readline()).decode().strip()


async def ended(started: asyncio.subprocess.Process) -> tuple[int | None, str]:
    """The exit status, and what was said on standard error."""
    async with asyncio.timeout(40):
        _, errors = await started.communicate()
    return started.returncode, errors.decode()


@pytest.fixture
async def stand_in() -> AsyncIterator[Slack]:
    async with slack.slack() as started:
        yield started


def http(stand_in: Slack, folder: Path, **more: str) -> dict[str, str]:
    (folder / "one.json").write_text('{"time": "2026-11-23T10:00:00Z", "category": "AllLogs"}\n')
    return {
        "LOGS": str(folder),
        "BOT": slack.BOT_TOKEN,
        "SECRET": slack.SECRET,
        "API": stand_in.api_url,
        **more,
    }


async def test_everything_that_is_missing_is_said_at_once() -> None:
    async with process({}) as started:
        status, errors = await ended(started)
    names = (
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "SLACK_APP_TOKEN",
        "SIGNALR_BOT_LOGS",
        "SIGNALR_BOT_WORKSPACE_ID",
    )
    assert (status, [name for name in names if name not in errors], "Traceback" in errors) == (2, [], False)


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        pytest.param({"BOT": "xoxb-wrong"}, 2, "Slack refused the bot's token (invalid_auth).", id="a wrong token"),
        pytest.param(
            {"APP": "xapp-wrong"},
            2,
            "Slack refused the app-level token in SLACK_APP_TOKEN (invalid_auth).",
            id="a wrong app token",
        ),
        pytest.param({"LOGS": "no-such-folder"}, 2, "There are no logs at no-such-folder", id="no logs there"),
        pytest.param({"LOGS": "tests/standins"}, 2, "There are no logs in tests/standins", id="files that are no logs"),
        pytest.param({"AZURE": "http://192.0.2.1"}, 2, "must start with https://", id="a log store without TLS"),
        pytest.param({"CA": "no-such.pem"}, 2, "The file of SIGNALR_BOT_CA_BUNDLE", id="no CA bundle there"),
        pytest.param({"HOST": "name.invalid"}, 2, "name.invalid: that is no address", id="a host nobody knows"),
        pytest.param({"HOST": "192.0.2.1"}, 2, "192.0.2.1: that is no address", id="a host that is elsewhere"),
        pytest.param({"API": "http://127.0.0.1:9/api/"}, 3, "Slack cannot be reached at", id="no Slack there"),
    ],
)
async def test_a_start_that_fails_says_why(
    stand_in: Slack, tmp_path: Path, change: dict[str, str], status: int, words: str
) -> None:
    async with process(http(stand_in, tmp_path) | change) as started:
        ending = await ended(started)
    assert (ending[0], words in ending[1], "Traceback" in ending[1], "ERROR" in ending[1]) == (
        status,
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"status": 500, "text": "{}", "content_type": "application/json"}, id="an error of Slack's"),
        pytest.param({"status": 429, "text": "{}", "content_type": "application/json"}, id="too many requests"),
        pytest.param({"status": 200, "text": "<p>no</p>", "content_type": "text/html"}, id="a web page"),
        pytest.param({"status": 404, "text": "no", "content_type": "text/plain"}, id="plain text"),
        pytest.param({"status": 200, "text": "[1]", "content_type": "application/json"}, id="a list"),
        pytest.param({"status": 200, "text": "{", "content_type": "application/json"}, id="half an object"),
    ],
)
@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
async def test_a_slack_that_answers_oddly_is_not_the_tokens_fault(
    stand_in: Slack, tmp_path: Path, method: str, answer: dict[str, Any]
) -> None:
    stand_in.reply(method, **answer, times=5)
    more = {"APP": slack.APP_TOKEN} if method == "apps.connections.open" else {}
    async with process(http(stand_in, tmp_path, **more)) as started:
        status, errors = await ended(started)
    assert (status, errors.splitlines()[0].startswith("Slack cannot be asked just now"), "Traceback" in errors) == (
        3,
        True,
        False,
    )


async def test_over_socket_mode_health_and_readiness_are_served(stand_in: Slack, tmp_path: Path) -> None:
    async with (
        process(http(stand_in, tmp_path, APP=slack.APP_TOKEN, SECRET="")) as started,
        aiohttp.ClientSession() as session,
    ):
        await ready(started)
        address = f"http://{(await ready(started)).removeprefix('/healthz and /readyz are on ')}"
        statuses = [await _status(session, address + path) for path in ("/healthz", "/readyz", "/slack/events")]
    assert statuses == [200, 200, 404]


async def test_over_http_it_says_it_is_ready_and_asks_slack_once(stand_in: Slack, tmp_path: Path) -> None:
    async with process(http(stand_in, tmp_path)) as started, aiohttp.ClientSession() as session:
        address = f"http://{(await ready(started)).removeprefix('signalr-bot is ready on ')}"
        statuses = []
        for path in ("/healthz", "/readyz", "/slack/events"):
            async with session.get(address + path) as answer:
                statuses.append(answer.status)
        stand_in.bot_url = f"{address}/slack/events"
        for _ in range(3):
            await stand_in.command("why-dropped a")
        await stand_in.until(lambda: len(stand_in.shown) == 3)
    assert (statuses, [method for method, _ in stand_in.calls]) == ([200, 200, 405], ["auth.test"])


async def test_on_sigterm_work_in_flight_is_answered_and_new_work_is_sent_away(stand_in: Slack, tmp_path: Path) -> None:
    async with process(http(stand_in, tmp_path, TAKES_S="2")) as started, aiohttp.ClientSession() as session:
        address = f"http://{(await ready(started)).removeprefix('signalr-bot is ready on ')}"
        stand_in.bot_url = f"{address}/slack/events"
        await stand_in.command("why-dropped a")
        await stand_in.until_said("Looking into it")
        started.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            while (await _status(session, f"{address}/readyz")) != 503:
                pass
        await stand_in.command("why-dropped b")
        status, errors = await ended(started)
    assert (status, [each.text for each in stand_in.shown], errors.count("Traceback")) == (
        0,
        [reports.finding_report().headline, "The bot is restarting. Try again in a minute."],
        0,
    )


async def _status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url) as answer:
        return answer.status


async def test_over_socket_mode_a_command_and_a_click_go_round(stand_in: Slack, tmp_path: Path) -> None:
    async with process(http(stand_in, tmp_path, APP=slack.APP_TOKEN, SECRET="")) as started:
        said = await ready(started)
        await stand_in.send("slash_commands", stand_in.command_form("why-dropped a"))
        await stand_in.until(lambda: len(stand_in.shown) == 1)
        await stand_in.send("interactive", stand_in.click_payload(stand_in.shown[0], "share"))
        await stand_in.until(lambda: len(stand_in.shown) == 2)
        unknown = [
            await stand_in.send("interactive", {"type": "shortcut", "callback_id": "x", "user": {"id": "U0"}}),
            await stand_in.send("events_api", {"type": "app_rate_limited", "team_id": slack.TEAM}),
            await stand_in.send("something_new", {"event": 7}),
        ]
        started.send_signal(signal.SIGTERM)
        status, _ = await ended(started)
    assert (said, status, [each.only_for for each in stand_in.shown], [set(each) for each in unknown]) == (
        "signalr-bot is ready over Socket Mode",
        0,
        [slack.USER, ""],
        [{"envelope_id"}] * 3,
    )


async def test_variables_that_bolt_would_act_on_change_nothing(stand_in: Slack, tmp_path: Path) -> None:
    odd = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "x", "SLACK_BOT_TOKEN": "xoxb-other"}
    async with process(http(stand_in, tmp_path) | odd) as started:
        stand_in.bot_url = f"http://{(await ready(started)).removeprefix('signalr-bot is ready on ')}/slack/events"
        await stand_in.command("why-dropped a")
        await stand_in.until(lambda: bool(stand_in.shown))
    assert [each.text for each in stand_in.shown] == [reports.finding_report().headline]
