"""The Slack face over HTTP: the real Bolt app and slack_sdk against a local Slack."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web

from bot.app import build, open_client
from bot.errors import UsageError
from bot.model import Page, Report
from bot.settings import Settings
from handlers.http import EVENTS, Readiness, runner, web_app
from handlers.jobs import BUSY, CUT_SHORT, LEAVING, Jobs
from tests.standins import reports, slack
from tests.standins.slack import CHANNEL, DIRECT, USER, Shown, Slack

LOG_LINE = "words of a stranger"


@dataclass(slots=True)
class StubCore:
    """Answers from a table of command lines; `gate` holds every answer back while it is clear."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def needs_zone(self, line: str) -> bool:
        return "--at" in line

    async def answer(self, line: str, zone: tzinfo) -> Report | Page:
        self.asked.append((line, datetime(2026, 11, 23, tzinfo=UTC).astimezone(zone).strftime("%z")))
        await self.gate.wait()
        match line.split()[:1]:
            case ["help"]:
                return reports.help_page()
            case ["break"]:
                raise RuntimeError(LOG_LINE)
            case ["why-droped"]:
                raise UsageError("There is no “why-droped”.", "Try /signalr why-dropped <connId>.", ("why-dropped a",))
            case ["refused"]:
                return replace(reports.error_report(), command=line)
        return replace(reports.finding_report(), command=line)


@dataclass(slots=True)
class Running:
    """The bot, its core, and the Slack it talks to."""

    slack: Slack
    core: StubCore
    jobs: Jobs
    readiness: Readiness
    app: Any

    async def said(self) -> list[Shown]:
        """Everything people see once all work is done."""
        await self.jobs.drain(timedelta(seconds=20))
        return self.slack.shown


@asynccontextmanager
async def running(jobs: Jobs | None = None) -> AsyncIterator[Running]:
    async with slack.slack() as stand_in:
        settings = Settings(
            slack_bot_token=slack.BOT_TOKEN, slack_signing_secret=slack.SECRET, slack_api_url=stand_in.api_url
        )
        async with open_client(settings) as client:
            core, jobs, readiness = StubCore(), jobs or Jobs(), Readiness("")
            app = build(core, settings, client, jobs)
            served = runner(web_app(app, slack.SECRET, readiness))
            await served.setup()
            await web.TCPSite(served, "127.0.0.1", 0).start()
            stand_in.bot_url = f"http://127.0.0.1:{served.addresses[0][1]}{EVENTS}"
            try:
                yield Running(stand_in, core, jobs, readiness, app)
            finally:
                core.gate.set()
                await jobs.drain(timedelta(seconds=5))
                await served.cleanup()
                assert stand_in.problems == []


@pytest.fixture
async def bot() -> AsyncIterator[Running]:
    async with running() as started:
        yield started


async def test_a_command_is_answered_to_the_asker_alone(bot: Running) -> None:
    answer = await bot.slack.command("why-dropped 5gHk")
    shown = await bot.said()
    assert (answer.status, answer.body, [(each.only_for, each.channel, each.text) for each in shown]) == (
        200,
        "",
        [(USER, CHANNEL, reports.finding_report().headline)],
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("help", "What this bot answers", id="a page"),
        pytest.param("refused", "Log Analytics refused us", id="an engine that failed"),
        pytest.param("why-droped", "There is no “why-droped”.", id="a word that was misspelt"),
        pytest.param("why-dropped payload", reports.finding_report().headline, id="a text that holds the word payload"),
        pytest.param("", reports.finding_report().headline, id="no text at all"),
        pytest.param("x" * 10_000, reports.finding_report().headline, id="ten thousand characters"),
        pytest.param("why-dropped \x00 é \U0001f600 <!channel>", reports.finding_report().headline, id="hostile text"),
    ],
)
async def test_every_text_is_passed_on_as_typed_and_answered(bot: Running, text: str, words: str) -> None:
    await bot.slack.command(text)
    shown = await bot.said()
    assert ([line for line, _ in bot.core.asked], [each.text.startswith(words) for each in shown]) == ([text], [True])


async def test_fifty_commands_at_once_are_all_answered(bot: Running) -> None:
    answers = await asyncio.gather(*(bot.slack.command(f"why-dropped {number}") for number in range(50)))
    shown = await bot.said()
    assert ({answer.status for answer in answers}, len(shown), len(bot.core.asked)) == ({200}, 50, 50)


async def test_a_slow_answer_takes_the_place_of_a_working_message(bot: Running) -> None:
    bot.core.gate.clear()
    await bot.slack.command("why-dropped 5gHk")
    working = await bot.slack.until_said("Looking into it")
    before = working.text
    bot.core.gate.set()
    shown = await bot.said()
    assert (before, [(each.text, each.edits) for each in shown]) == (
        "Looking into it: /signalr why-dropped 5gHk",
        [(reports.finding_report().headline, 1)],
    )


async def test_a_button_runs_its_command_line(bot: Running) -> None:
    await bot.slack.command("why-dropped 5gHk")
    shown = await bot.slack.until_said("Dropped by a ping timeout")
    answer = await bot.slack.click(shown, "run:1", user="U0000000002")
    await bot.said()
    assert (answer.status, bot.core.asked[-1][0], bot.slack.shown[-1].only_for) == (
        200,
        "user kim@example.com --since 2h",
        "U0000000002",
    )


async def test_a_slow_button_leaves_the_message_it_is_on_alone(bot: Running) -> None:
    await bot.slack.command("why-dropped 5gHk")
    shown = await bot.slack.until_said("Dropped by a ping timeout")
    bot.core.gate.clear()
    await bot.slack.click(shown, "run:0")
    await bot.slack.until_said("Looking into it")
    bot.core.gate.set()
    await bot.said()
    assert ([each.edits for each in bot.slack.shown], len(bot.slack.shown)) == ([0, 0, 0], 3)


async def test_a_double_click_does_the_work_once(bot: Running) -> None:
    await bot.slack.command("why-dropped 5gHk")
    shown = await bot.slack.until_said("Dropped by a ping timeout")
    answers = await asyncio.gather(bot.slack.click(shown, "run:0"), bot.slack.click(shown, "run:0"))
    await bot.said()
    assert ([each.status for each in answers], len(bot.core.asked)) == ([200, 200], 2)


async def test_sharing_shows_the_report_to_the_channel_once_and_names_who_shared_it(bot: Running) -> None:
    await bot.slack.command("why-dropped 5gHk")
    shown = await bot.slack.until_said("Dropped by a ping timeout")
    await bot.slack.click(shown, "share")
    await bot.slack.until(lambda: len(bot.slack.shown) == 2)
    await bot.slack.click(shown, "share")
    await bot.said()
    _, shared, again = bot.slack.shown
    assert (shared.only_for, '{"type": "user", "user_id": "U0000000001"}' in json.dumps(shared.blocks), again.text) == (
        "",
        True,
        "This answer is already shared to this channel.",
    )


async def test_a_second_share_while_the_first_is_in_flight_is_told_that_it_is_being_shared(bot: Running) -> None:
    await bot.slack.command("why-dropped 5gHk")
    shown = await bot.slack.until_said("Dropped by a ping timeout")
    bot.slack.throttle("chat.postMessage", 1)
    payload = bot.slack.click_payload(shown, "share")
    bot.slack.expire_urls()
    await bot.slack.post(urlencode({"payload": json.dumps(payload)}))
    await bot.slack.until(lambda: any(method == "chat.postMessage" for method, _ in bot.slack.calls))
    await bot.slack.click(shown, "share")
    again = await bot.slack.until_said("is being shared")
    assert (again.text, [each.only_for for each in await bot.said()]) == (
        "This answer is being shared to this channel already; if it does not appear, share it again.",
        [USER, USER, ""],
    )


async def test_what_is_shared_is_what_was_seen_and_is_not_asked_again(bot: Running) -> None:
    await bot.slack.command("why-dropped 5gHk")
    shown = await bot.slack.until_said("Dropped by a ping timeout")
    await bot.slack.click(shown, "share")
    await bot.said()
    assert len(bot.core.asked) == 1


async def test_sharing_where_the_bot_may_not_post_says_so_and_can_be_tried_again(bot: Running) -> None:
    await bot.slack.command("why-dropped 5gHk")
    shown = await bot.slack.until_said("Dropped by a ping timeout")
    bot.slack.refuse("chat.postMessage", "not_in_channel", times=3)
    payload = bot.slack.click_payload(shown, "share")
    bot.slack.expire_urls()
    await bot.slack.post(urlencode({"payload": json.dumps(payload)}))
    await bot.slack.until_said("Invite it to the channel")
    await bot.slack.click(shown, "share")
    await bot.said()
    assert [each.only_for for each in bot.slack.shown] == [USER, USER, ""]


async def test_the_full_report_goes_to_a_direct_message_as_two_files(bot: Running) -> None:
    await bot.slack.command("why-dropped 5gHk")
    shown = await bot.slack.until_said("Dropped by a ping timeout")
    await bot.slack.click(shown, "full")
    await bot.said()
    markdown, data = bot.slack.uploads.values()
    assert (
        [each["channel"] for each in bot.slack.files],
        markdown.decode().splitlines()[0],
        json.loads(data)["verdict"],
        bot.slack.shown[-1].text,
    ) == (
        [DIRECT, DIRECT],
        "# Dropped by a ping timeout after 12 min 4 s, with 35 others from one network",
        "finding",
        "The full report is in your direct messages with this bot.",
    )


async def test_a_full_report_slack_does_not_take_is_said(bot: Running) -> None:
    await bot.slack.command("why-dropped 5gHk")
    shown = await bot.slack.until_said("Dropped by a ping timeout")
    bot.slack.refuse("files.getUploadURLExternal", "missing_scope")
    await bot.slack.click(shown, "full")
    await bot.said()
    assert bot.slack.shown[-1].text.startswith("Slack did not take the full report.")


async def test_the_kql_is_shown_to_be_pasted(bot: Running) -> None:
    await bot.slack.command("why-dropped 5gHk")
    shown = await bot.slack.until_said("Dropped by a ping timeout")
    await bot.slack.click(shown, "kql")
    await bot.said()
    fences = [part for part in bot.slack.shown[-1].blocks[0]["elements"] if part["type"] == "rich_text_preformatted"]
    assert fences[0]["elements"][0]["text"] == reports.finding_report().kql[0].kql


@pytest.mark.parametrize(
    ("prepare", "where"),
    [
        pytest.param(lambda _: None, (CHANNEL, USER), id="an ephemeral message"),
        pytest.param(
            lambda stand_in: stand_in.refuse("chat.postEphemeral", "channel_not_found"),
            (DIRECT, ""),
            id="a direct message where the channel is gone",
        ),
        pytest.param(
            lambda stand_in: stand_in.throttle("chat.postEphemeral", 1),
            (CHANNEL, USER),
            id="an ephemeral message after Slack asked to wait",
        ),
    ],
)
async def test_an_expired_response_url_is_made_up_for_by(
    bot: Running, prepare: Callable[[Slack], None], where: tuple[str, str]
) -> None:
    prepare(bot.slack)
    form = bot.slack.command_form("why-dropped 5gHk")
    bot.slack.expire_urls()
    await bot.slack.post(urlencode(form))
    assert [(each.channel, each.only_for) for each in await bot.said()] == [where]


async def test_an_unexpected_failure_gives_an_id_and_neither_a_trace_nor_the_log_line(
    bot: Running, caplog: pytest.LogCaptureFixture
) -> None:
    await bot.slack.command("break")
    said = (await bot.said())[0].text
    name = said.split("logged as ")[1].split(".")[0]
    assert (name in caplog.text, "Traceback" in said, LOG_LINE in said + caplog.text) == (True, False, False)


async def test_too_much_work_is_refused_in_words() -> None:
    async with running(Jobs(running=1, waiting=1)) as bot:
        bot.core.gate.clear()
        for number in range(3):
            await bot.slack.command(f"why-dropped {number}")
        refused = bot.slack.shown[0].text
        bot.core.gate.set()
        assert (refused, len(await bot.said())) == (BUSY, 3)


async def test_an_answer_that_cannot_be_finished_at_shutdown_is_given_up_in_words(bot: Running) -> None:
    bot.core.gate.clear()
    await bot.slack.command("why-dropped 5gHk")
    await bot.slack.until(lambda: bool(bot.core.asked))
    given_up = await bot.jobs.drain(timedelta(milliseconds=50))
    late = await bot.slack.command("why-dropped another")
    assert (given_up, [each.text for each in bot.slack.shown], late.status) == (1, [CUT_SHORT, LEAVING], 200)


async def test_a_command_makes_no_call_to_slack_but_its_answer(bot: Running) -> None:
    await bot.slack.command("why-dropped 5gHk")
    await bot.said()
    assert bot.slack.calls == []


async def test_a_response_url_that_fails_is_not_written_to_the_log(
    bot: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="handlers")
    form = bot.slack.command_form("why-dropped 5gHk") | {"response_url": "http://127.0.0.1:9/response/a-secret"}
    await bot.slack.post(urlencode(form))
    shown = await bot.said()
    assert (len(shown), "A response URL failed" in caplog.text, "a-secret" in caplog.text) == (1, True, False)
