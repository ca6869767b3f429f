"""manifest.yml: what Slack would refuse, what it would not notice, and that it asks for what the code uses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import handlers
from handlers.explain import SHORTCUT
from handlers.http import EVENTS

ROOT = Path(__file__).parent.parent
# The bot scope of each Web API method, from docs.slack.dev, reference/methods; none where a token is enough.
SCOPES = {
    "auth_test": set(),
    "users_info": {"users:read"},
    "chat_postMessage": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "conversations_open": {"im:write"},
    "files_upload_v2": {"files:write"},
}
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
COMMANDS = MANIFEST["features"]["slash_commands"]


def _methods_called() -> set[str]:
    """Every Web API method the Slack face calls on a client."""
    files = [*(ROOT / "handlers").glob("*.py"), ROOT / "bot" / "app.py"]
    called = re.compile(
        r"client\.((?:admin|api|apps|auth|bookmarks|canvases|chat|conversations|dnd|emoji|files|im|lists|pins|reactions"
        r"|reminders|search|team|usergroups|users|views|workflows)_\w+)\("
    )
    return {name for file in files for name in called.findall(file.read_text())}


def test_the_scopes_are_those_of_the_methods_that_are_called() -> None:
    needed = {scope for method in _methods_called() for scope in SCOPES[method]}
    # files:read is for the addresses that a message's files name, which no method of the Web API stands for.
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == needed | {"commands", "app_mentions:read", "files:read"}


def test_the_shortcut_is_the_one_the_bot_answers() -> None:
    shortcuts = [(each["type"], each["callback_id"]) for each in MANIFEST["features"]["shortcuts"]]
    assert shortcuts == [("message", SHORTCUT)]


def test_the_events_are_those_the_bot_listens_to() -> None:
    assert MANIFEST["settings"]["event_subscriptions"]["bot_events"] == ["app_mention"]


def test_every_scope_says_why_it_is_asked_for() -> None:
    lines = re.findall(r"^ +- ([a-z:]+)( # \w.*)?$", (ROOT / "manifest.yml").read_text(), re.MULTILINE)
    assert [scope for scope, reason in lines if not reason] == []


def test_the_commands_are_those_the_bot_answers() -> None:
    assert [each["command"] for each in COMMANDS] == [handlers.COMMAND]


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(COMMANDS[0]["url"], id="commands"),
        pytest.param(MANIFEST["settings"]["interactivity"]["request_url"], id="buttons"),
        pytest.param(MANIFEST["settings"]["event_subscriptions"]["request_url"], id="events"),
    ],
)
def test_requests_go_to_the_path_that_is_served(address: str) -> None:
    assert address == f"https://example.com{EVENTS}"


@pytest.mark.parametrize(
    ("text", "most"),
    [
        pytest.param(MANIFEST["display_information"]["name"], 35, id="the app's name"),
        pytest.param(MANIFEST["display_information"]["description"], 140, id="the app's description"),
        pytest.param(MANIFEST["features"]["bot_user"]["display_name"], 80, id="the bot's name"),
        pytest.param(MANIFEST["features"]["shortcuts"][0]["name"], 24, id="the shortcut's name"),
        pytest.param(MANIFEST["features"]["shortcuts"][0]["description"], 150, id="the shortcut's description"),
        pytest.param(COMMANDS[0]["command"], 32, id="the command"),
        pytest.param(COMMANDS[0]["description"], 2_000, id="the command's description"),
        pytest.param(COMMANDS[0]["usage_hint"], 1_000, id="the command's usage hint"),
    ],
)
def test_lengths(text: str, most: int) -> None:
    assert 1 <= len(text) <= most


def test_the_manifest_says_nothing_that_slack_does_not_know() -> None:
    assert {key: sorted(value) for key, value in MANIFEST.items()} == {
        "_metadata": ["major_version"],
        "display_information": ["background_color", "description", "name"],
        "features": ["bot_user", "shortcuts", "slash_commands"],
        "oauth_config": ["scopes"],
        "settings": [
            "event_subscriptions",
            "interactivity",
            "org_deploy_enabled",
            "socket_mode_enabled",
            "token_rotation_enabled",
        ],
    }


def test_the_command_is_one_slack_can_register() -> None:
    assert re.fullmatch(r"/[a-z0-9_-]{1,31}", COMMANDS[0]["command"])


def test_buttons_reach_the_bot() -> None:
    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True
