"""The environment becomes settings, or a sentence that names the variable and a value that works."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import Settings, from_environment

WORKSPACE = "00000000-0000-0000-0000-000000000000"
RESOURCE = f"/subscriptions/{WORKSPACE}/resourceGroups/sample/providers/Microsoft.SignalRService/SignalR/sample"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, Settings(), id="an empty environment gives the defaults"),
        pytest.param(
            {
                "SIGNALR_BOT_LOGS": "logs",
                "SIGNALR_BOT_WORKSPACE_ID": WORKSPACE,
                "SIGNALR_BOT_RESOURCE_ID": RESOURCE,
                "SIGNALR_BOT_LOGS_ENDPOINT": "https://logs.example.com",
                "SIGNALR_BOT_LOGS_AUDIENCE": "https://audience.example.com",
                "SIGNALR_BOT_CA_BUNDLE": "proxy.pem",
                "SIGNALR_BOT_CREDENTIAL": "cli",
                "AZURE_CLIENT_ID": "client",
                "AZURE_TENANT_ID": "tenant",
                "SIGNALR_BOT_PORTAL": "https://portal.example.com/",
                "SIGNALR_BOT_QUERY_TIMEOUT": "5",
                "SLACK_BOT_TOKEN": "bot-token",
                "SLACK_SIGNING_SECRET": "signing-secret",
                "SLACK_APP_TOKEN": "app-token",
                "SLACK_API_URL": "https://slack.example.com/api",
                "SIGNALR_BOT_HOST": "192.0.2.1",
                "SIGNALR_BOT_PORT": "8080",
            },
            Settings(
                logs=Path("logs"),
                workspace_id=WORKSPACE,
                resource_id=RESOURCE,
                logs_endpoint="https://logs.example.com",
                logs_audience="https://audience.example.com",
                ca_bundle=Path("proxy.pem"),
                credential="cli",
                client_id="client",
                tenant_id="tenant",
                portal="https://portal.example.com",
                query_timeout=timedelta(seconds=5),
                slack_bot_token="bot-token",
                slack_signing_secret="signing-secret",
                slack_app_token="app-token",
                slack_api_url="https://slack.example.com/api/",
                host="192.0.2.1",
                port=8080,
            ),
            id="every variable is read",
        ),
        pytest.param(
            {"SIGNALR_BOT_LOGS_ENDPOINT": "https://logs.example.com"},
            Settings(logs_endpoint="https://logs.example.com", logs_audience="https://logs.example.com"),
            id="a token is asked for the endpoint unless an audience is set",
        ),
        pytest.param(
            {"SIGNALR_BOT_WORKSPACE_ID": f" {WORKSPACE}\n", "SIGNALR_BOT_PORT": " "},
            Settings(workspace_id=WORKSPACE),
            id="space around a value is ignored and a blank value is none",
        ),
        pytest.param(
            {"SIGNALR_BOT_LOGS": "~/logs"},
            Settings(logs=Path.home() / "logs"),
            id="a tilde is the home folder",
        ),
        pytest.param(
            {"SIGNALR_BOT_RESOURCE_ID": RESOURCE.upper()},
            Settings(resource_id=RESOURCE.upper()),
            id="a resource id may be in any case",
        ),
    ],
)
def test_the_environment_is_read_whole(environment: Mapping[str, str], expected: Settings) -> None:
    assert from_environment(environment) == expected


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        pytest.param("SIGNALR_BOT_WORKSPACE_ID", "my-workspace", WORKSPACE, id="a workspace's name"),
        pytest.param("SIGNALR_BOT_WORKSPACE_ID", RESOURCE, WORKSPACE, id="a workspace's resource id"),
        pytest.param("SIGNALR_BOT_RESOURCE_ID", "chat-prod", "Properties", id="a resource's name"),
        pytest.param("SIGNALR_BOT_CREDENTIAL", "password", "managed-identity", id="an unknown credential"),
        pytest.param("SIGNALR_BOT_PORT", "-1", "3000", id="a negative port"),
        pytest.param("SIGNALR_BOT_PORT", "65536", "3000", id="a port past the last"),
        pytest.param("SIGNALR_BOT_PORT", "http", "3000", id="a port that is a word"),
        pytest.param("SIGNALR_BOT_PORT", "٣٠٠٠", "3000", id="a port in other digits"),
        pytest.param("SIGNALR_BOT_PORT", "9" * 5000, "3000", id="a port of 5,000 digits"),
        pytest.param("SIGNALR_BOT_QUERY_TIMEOUT", "-1", "60", id="a negative time"),
        pytest.param("SIGNALR_BOT_QUERY_TIMEOUT", "1.5", "60", id="a fraction of a second"),
        pytest.param("SIGNALR_BOT_LOGS_ENDPOINT", "api.example.com", "https://", id="an address without https"),
        pytest.param("SIGNALR_BOT_LOGS_ENDPOINT", "https://[oops", "https://", id="an address cut short"),
        pytest.param("SIGNALR_BOT_LOGS_AUDIENCE", "file:///etc/passwd", "https://", id="a file for an audience"),
        pytest.param("SIGNALR_BOT_PORTAL", "javascript:alert(1)", "https://", id="a script for a portal"),
        pytest.param("SLACK_BOT_TOKEN", "xoxb-1\nxoxb-2", "one line", id="a token with a line break inside"),
        pytest.param("SLACK_APP_TOKEN", "xapp 1", "one line", id="a token with a space inside"),
        pytest.param("SLACK_SIGNING_SECRET", "a\x1b[0mb", "one line", id="a secret with an escape inside"),
        pytest.param("SLACK_BOT_TOKEN", "xoxb-é", "one line", id="a token that is no ASCII"),
        pytest.param("SLACK_API_URL", "https://", "https://slack.com/api/", id="an address without a host"),
    ],
)
def test_a_wrong_value_is_named_with_one_that_works(name: str, value: str, hint: str) -> None:
    with pytest.raises(SettingsError) as raised:
        from_environment({name: value})
    assert (name in raised.value.message, hint in raised.value.hint) == (True, True)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param(Settings(), False, id="nothing is chosen"),
        pytest.param(Settings(workspace_id=WORKSPACE), True, id="a workspace"),
        pytest.param(Settings(resource_id=RESOURCE), True, id="a resource"),
        pytest.param(Settings(logs=Path("logs"), workspace_id=WORKSPACE), False, id="an archive wins"),
    ],
)
def test_the_settings_choose_the_engine(settings: Settings, expected: bool) -> None:
    assert settings.uses_log_analytics is expected
