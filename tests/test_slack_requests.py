"""What reaches the bot from Slack and from strangers, and what it asks Slack in return."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt.async_app import AsyncBoltRequest

from bot.errors import BotError
from handlers.readiness import Check
from tests.standins import slack
from tests.standins.slack import USER
from tests.test_slack import LOG_LINE, Running, running


@pytest.fixture
async def bot() -> AsyncIterator[Running]:
    async with running() as started:
        yield started


def _person(user: str) -> dict[str, str]:
    """An answer of users.info."""
    return {"text": f'{{"ok": true, "user": {user}}}', "content_type": "application/json"}


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"secret": "another"}, id="signed with another secret"),
        pytest.param({"age_s": 301}, id="older than five minutes"),
        pytest.param({"age_s": -301}, id="from more than five minutes ahead"),
        pytest.param({"X_Slack_Signature": ""}, id="without a signature"),
        pytest.param({"X_Slack_Signature": "v0=é"}, id="with a signature that is no ASCII"),
        pytest.param({"X_Slack_Request_Timestamp": "yesterday"}, id="with a time that is no number"),
        pytest.param({"X_Slack_Request_Timestamp": "9" * 400}, id="with a time of 400 digits"),
    ],
)
@pytest.mark.parametrize("body", ["command", "payload=%7Bbroken", '{"broken', b"\xff\xfe"])
async def test_a_request_that_is_not_slacks_gets_401_and_no_work(
    bot: Running, wrong: dict[str, Any], body: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    sent = urlencode(bot.slack.command_form("why-dropped secret-id")) if body == "command" else body
    answer = await bot.slack.post(sent, **wrong)
    assert (answer.status, bot.core.asked, await bot.said(), "secret-id" in caplog.text) == (401, [], [], False)


async def test_bolt_checks_the_signature_too_however_it_is_served(bot: Running) -> None:
    body = urlencode(bot.slack.command_form("why-dropped a"))
    headers = {"x-slack-signature": ["v0=0"], "x-slack-request-timestamp": ["0"]}
    answer = await bot.app.async_dispatch(AsyncBoltRequest(body=body, headers=headers))
    assert (answer.status, bot.core.asked) == (401, [])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("payload=%7Bbroken", id="cut short"),
        pytest.param('{"a":' * 100_000, id="nested deeper than Python reads"),
        pytest.param("payload=" + "[" * 100_000, id="nested in a form"),
        pytest.param("payload=7", id="a number"),
    ],
)
async def test_a_signed_body_that_does_not_parse_is_400(bot: Running, body: str) -> None:
    assert (await bot.slack.post(body)).status == 400


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_is_not_packed_as_it_says_is_401_without_a_trace(
    bot: Running, encoding: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await bot.slack.post("command=x", secret="another", Content_Encoding=encoding)
    assert (answer.status, bot.core.asked, "Traceback" in caplog.text) == (401, [], False)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(json.dumps({"type": "app_rate_limited", "team_id": slack.TEAM}), id="word of a rate limit"),
        pytest.param(json.dumps({"type": "something_new", "data": [1]}), id="a type that is not known yet"),
        pytest.param(json.dumps({"type": "event_callback", "event": 7}), id="an event that is no object"),
        pytest.param(json.dumps({"type": "event_callback", "team": 7, "user": []}), id="a team that is no object"),
        pytest.param("{}", id="an empty object"),
        pytest.param("command=%2Fsignalr&text=help", id="a command without a user"),
        pytest.param("command=%2Fsignalr&text=help&user_id=", id="a command with an empty user"),
    ],
)
async def test_a_signed_request_that_is_for_nobody_gets_an_empty_200(
    bot: Running, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await bot.slack.post(body)
    shown = await bot.said()
    assert (answer.status, answer.body, shown, "Traceback" in caplog.text) == (200, "", [], False)


@pytest.mark.parametrize(
    ("zones", "line", "asked", "note"),
    [
        pytest.param({USER: "Asia/Kolkata"}, "x --at 14:05", ("+0530", 1), False, id="asked for when a time needs it"),
        pytest.param({USER: "Asia/Kolkata"}, "x --since 2h", ("+0000", 0), False, id="left alone when none does"),
        pytest.param({}, "x --at 14:05", ("+0000", 1), True, id="UTC, and said so, when Slack does not know it"),
    ],
)
async def test_the_askers_time_zone_is(
    bot: Running, zones: dict[str, str], line: str, asked: tuple[str, int], note: bool
) -> None:
    bot.slack.zones = zones
    await bot.slack.command(line)
    shown = await bot.said()
    calls = sum(method == "users.info" for method, _ in bot.slack.calls)
    assert (bot.core.asked[0][1], calls, "read as UTC" in json.dumps(shown[0].blocks)) == (*asked, note)


@pytest.mark.parametrize(
    ("answer", "asked", "note"),
    [
        pytest.param({"text": "<p>no</p>", "content_type": "text/plain"}, "+0000", True, id="that is plain text"),
        pytest.param({"text": "<p>no</p>", "content_type": "text/html"}, "+0000", True, id="that is a web page"),
        pytest.param({"text": "[1]", "content_type": "application/json"}, "+0000", True, id="that is a list"),
        pytest.param(_person("null"), "+0000", True, id="whose user is null"),
        pytest.param(_person('{"tz": 7, "tz_offset": "x"}'), "+0000", True, id="whose zone is a number"),
        pytest.param(_person('{"tz": null, "tz_offset": -7200}'), "-0200", False, id="with an offset and no name"),
        pytest.param(_person('{"tz": "Mars/Base", "tz_offset": 3600}'), "+0100", False, id="with a name nobody knows"),
        pytest.param(_person('{"tz": "", "tz_offset": 999999999}'), "+0000", True, id="with an offset of years"),
    ],
)
async def test_a_time_zone_is_read_from_an_answer(bot: Running, answer: dict[str, str], asked: str, note: bool) -> None:
    bot.slack.reply("users.info", **answer)
    await bot.slack.command("x --at 14:05")
    shown = await bot.said()
    assert (bot.core.asked[0][1], "read as UTC" in json.dumps(shown[0].blocks)) == (asked, note)


async def test_a_time_zone_is_asked_for_once(bot: Running) -> None:
    for _ in range(3):
        await bot.slack.command("x --at 14:05")
        await bot.slack.until(lambda: bool(bot.core.asked))
    await bot.said()
    assert [method for method, _ in bot.slack.calls] == ["users.info"]


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"type": "view_submission", "view": {"callback_id": "x", "type": "modal"}}, id="a modal"),
        pytest.param({"type": "view_closed", "view": {"callback_id": "x", "type": "modal"}}, id="a closed modal"),
        pytest.param({"type": "shortcut", "callback_id": "x"}, id="a shortcut"),
        pytest.param({"type": "message_action", "callback_id": "x"}, id="a message shortcut"),
        pytest.param({"type": "block_suggestion", "action_id": "x", "block_id": "b"}, id="a menu asking for options"),
        pytest.param({"type": "block_actions", "actions": [{"action_id": "link:portal"}]}, id="a link button"),
        pytest.param({"type": "block_actions", "actions": [{"action_id": "run:1"}]}, id="a button without a value"),
        pytest.param({"type": "block_actions", "actions": [{"action_id": "a\nb", "value": "x"}]}, id="an odd button"),
    ],
)
async def test_whatever_slack_sends_is_acknowledged(bot: Running, payload: dict[str, Any]) -> None:
    sent = {"user": {"id": USER}, "team": {"id": slack.TEAM}} | payload
    answer = await bot.slack.post(urlencode({"payload": json.dumps(sent)}))
    assert (answer.status, bot.core.asked) == (200, [])


async def test_readyz_asks_again_when_it_is_time_and_tells_what_is_wrong(bot: Running) -> None:
    wrong: list[Exception] = []

    async def ask() -> None:
        if wrong:
            raise wrong[0]

    bot.readiness.checks = (Check("The log store", ask, every_s=0),)
    told = []
    for failure in ([], [BotError("The logs are gone.")], [RuntimeError(LOG_LINE)], []):
        wrong[:] = failure
        told.append(await bot.readiness.why_not())
    assert told == ["", "The logs are gone.", "The log store could not be asked (RuntimeError).", ""]


async def test_readyz_keeps_a_result_for_a_while() -> None:
    asked: list[int] = []

    async def ask() -> None:
        asked.append(1)

    check = Check("The log store", ask, "Not asked yet.")
    assert ([await check.reason() for _ in range(3)], len(asked)) == (["", "", ""], 1)


async def test_another_command_is_told_which_one_to_use(bot: Running) -> None:
    answer = await bot.slack.command("help", command="/other")
    assert (answer.status, bot.slack.shown[0].text) == (200, "This bot answers /signalr. Try `/signalr help`.")
