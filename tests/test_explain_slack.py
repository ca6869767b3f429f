"""The message shortcut and the mention, over HTTP against a local Slack."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest

from handlers.explain import FILE_MOST
from tests.standins import slack
from tests.standins.slack import CHANNEL, USER
from tests.test_slack import Running, running

QUOTA = '{"type":7,"error":"Message count reaches limit."}'
SAID = "The Free tier's messages of the day are used up"
UNKNOWN = "I do not know this text, so I cannot say what it means."


@pytest.fixture
async def bot() -> AsyncIterator[Running]:
    async with running() as started:
        yield started


async def shortcut(bot: Running, message: Any) -> int:
    payload = {
        "type": "message_action",
        "callback_id": "explain",
        "user": {"id": USER},
        "team": {"id": slack.TEAM},
        "channel": {"id": CHANNEL},
        "response_url": bot.slack.new_url(),
        "message": message,
    }
    return (await bot.slack.post(urlencode({"payload": json.dumps(payload)}))).status


async def mention(bot: Running, **event: Any) -> int:
    inner = {"type": "app_mention", "user": USER, "channel": CHANNEL, "ts": "1.1", **event}
    body = {"type": "event_callback", "team_id": slack.TEAM, "event_id": "Ev1", "event": inner}
    return (await bot.slack.post(json.dumps(body), Content_Type="application/json")).status


@pytest.mark.parametrize(
    ("message", "said"),
    [
        pytest.param({"text": QUOTA}, SAID, id="its text"),
        pytest.param({"text": f"look:\n```{QUOTA}```"}, SAID, id="a code block"),
        pytest.param({"text": "", "attachments": [{"text": QUOTA}]}, SAID, id="an attachment's text"),
        pytest.param({"text": "<!channel> lunch?"}, UNKNOWN, id="text that is unknown"),
        pytest.param({"text": "", "files": 7, "attachments": [7]}, "What this bot answers", id="nothing at all"),
    ],
)
async def test_the_shortcut_explains_to_the_asker_alone(bot: Running, message: dict[str, Any], said: str) -> None:
    status = await shortcut(bot, message)
    shown = await bot.said()
    assert (status, [(each.text, each.only_for) for each in shown]) == (200, [(said, USER)])


@pytest.mark.parametrize(
    ("event", "said"),
    [
        pytest.param({"text": f"<@U0000000009> {QUOTA}"}, SAID, id="the text behind it"),
        pytest.param({"text": f"<@U0000000009> explain {QUOTA}"}, SAID, id="the text behind the word"),
        pytest.param({"text": "<@U0000000009>"}, "What this bot answers", id="help for a mention alone"),
    ],
)
async def test_a_mention_is_answered_to_the_asker_alone(bot: Running, event: dict[str, Any], said: str) -> None:
    status = await mention(bot, **event)
    shown = await bot.said()
    assert (status, [(each.text, each.only_for, each.channel) for each in shown]) == (200, [(said, USER, CHANNEL)])


async def test_a_mention_that_is_delivered_twice_is_answered_once(bot: Running) -> None:
    for _ in range(2):
        await mention(bot, text=f"<@U0000000009> {QUOTA}")
    assert len(await bot.said()) == 1


async def test_another_bot_gets_no_answer(bot: Running) -> None:
    await mention(bot, text=f"<@U0000000009> {QUOTA}", bot_id="B0000000002")
    assert await bot.said() == []


async def test_pasted_marks_ring_no_bell_and_are_not_posted_to_the_channel(bot: Running) -> None:
    await mention(bot, text="<@U0000000009> <!channel> <@U0000000002> Connection &lt;!here&gt; started")
    shown = await bot.said()
    kinds = [part["type"] for each in shown for part in _parts(each.blocks)]
    assert ([each.only_for for each in shown], {"user", "broadcast", "link"} & set(kinds)) == ([USER], set())


def _parts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [part for each in value for part in _parts(each)]
    if isinstance(value, dict):
        inner = [part for each in value.values() for part in _parts(each)]
        return [value, *inner] if "type" in value else inner
    return []


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        pytest.param({"text": QUOTA}, "text/plain", SAID, id="is read"),
        pytest.param({"text": QUOTA + "\n" + "x" * FILE_MOST}, "text/plain", SAID, id="that is large is read in part"),
        pytest.param({"text": "<html>", "content_type": "text/html"}, "text/plain", "Slack did not hand out app.log.",
                     id="that is a login page is refused"),
        pytest.param({"text": "gone", "status": 404}, "text/plain", "Slack did not hand out app.log.",
                     id="that is gone is refused"),
        pytest.param({"text": "a\0b"}, "text/plain", "app.log is no text file.", id="of bytes is refused"),
        pytest.param({"text": QUOTA}, "image/png", "app.log is no text file.", id="that is a picture is refused"),
    ],
)  # fmt: skip
async def test_a_file_in_the_message(bot: Running, answer: dict[str, Any], kind: str, said: str) -> None:
    answer = {"content_type": "text/plain"} | answer
    bot.slack.reply("app.log", **answer)
    file = {"name": "app.log", "mimetype": kind, "url_private_download": f"{bot.slack.api_url}app.log"}
    await shortcut(bot, {"text": "", "files": [file]})
    shown = await bot.said()
    assert [each.text.startswith(said) for each in shown] == [True]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://files.slack.com.example.com/app.log", id="at another host"),
        pytest.param("http://files.slack.com/app.log", id="without TLS"),
        pytest.param("https://files.slack.com@example.com/app.log", id="behind a user name"),
        pytest.param(7, id="that is no address"),
    ],
)
async def test_the_token_is_sent_to_nobody_else(bot: Running, url: Any) -> None:
    await shortcut(bot, {"text": "", "files": [{"name": "app.log", "url_private": url}]})
    shown = await bot.said()
    assert [each.text.startswith("app.log is not kept by Slack") for each in shown] == [True]


async def test_slack_may_check_the_address_of_events(bot: Running) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "invented"})
    answer = await bot.slack.post(body, Content_Type="application/json")
    assert (answer.status, "invented" in answer.body) == (200, True)
