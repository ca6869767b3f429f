"""The environment, read once into a frozen value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from bot.errors import SettingsError

CREDENTIALS = ("default", "managed-identity", "workload-identity", "client-secret", "environment", "cli")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_NUMBER = re.compile(r"[0-9]{1,9}\Z")
PUBLIC_LOGS_ENDPOINT = "https://api.loganalytics.io"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the bot was told by its environment; every name is documented in README.md, Configuration.

    Exactly one of `logs` (an archive on disk) and `workspace_id` or `resource_id` (Log Analytics) chooses
    the engine; `logs` wins. `logs_audience` is what a token is asked for: the endpoint itself unless set.
    """

    logs: Path | None = None
    workspace_id: str = ""
    resource_id: str = ""
    logs_endpoint: str = PUBLIC_LOGS_ENDPOINT
    logs_audience: str = PUBLIC_LOGS_ENDPOINT
    ca_bundle: Path | None = None
    credential: str = "default"
    client_id: str = ""
    tenant_id: str = ""
    portal: str = "https://portal.azure.com"
    query_timeout: timedelta = timedelta(seconds=60)
    slack_bot_token: str = ""
    slack_signing_secret: str = ""
    slack_app_token: str = ""
    slack_api_url: str = "https://slack.com/api/"
    host: str = "0.0.0.0"  # noqa: S104 - a container's port is reached from outside
    port: int = 3000

    @property
    def uses_log_analytics(self) -> bool:
        return self.logs is None and bool(self.workspace_id or self.resource_id)


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings named by SIGNALR_BOT_* and SLACK_* variables.

    Raises SettingsError naming the variable, what is wrong with it and a value that works.
    """

    def text(name: str, default: str = "") -> str:
        return environment.get(name, "").strip() or default

    def url(name: str, default: str) -> str:
        value = text(name, default)
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("https", "http") and bool(parts.hostname)
        except ValueError:
            usable = False
        if not usable:
            raise SettingsError(f"{name} is not a web address: {value!r}.", f"Set it to one like {default}")
        return value

    def number(name: str, default: int, least: int, most: int) -> int:
        value = text(name, str(default))
        if not _NUMBER.match(value) or not least <= int(value) <= most:
            raise SettingsError(
                f"{name} is not a whole number from {least} to {most}: {value!r}.", f"For example {default}."
            )
        return int(value)

    def token(name: str) -> str:
        value = text(name)
        if not value.isascii() or not value.isprintable() or " " in value:
            raise SettingsError(
                f"{name} holds a space, a line break or another character that no token has.",
                "Copy it again, alone and on one line.",
            )
        return value

    def path(name: str) -> Path | None:
        value = text(name)
        return Path(value).expanduser() if value else None

    workspace = text("SIGNALR_BOT_WORKSPACE_ID")
    if workspace and not _GUID.match(workspace):
        raise SettingsError(
            "SIGNALR_BOT_WORKSPACE_ID is not a workspace id: it is the GUID on the workspace's Overview page,"
            " not its name or resource id.",
            "For example 00000000-0000-0000-0000-000000000000.",
        )
    resource = text("SIGNALR_BOT_RESOURCE_ID")
    if resource and not resource.lower().startswith("/subscriptions/"):
        raise SettingsError(
            "SIGNALR_BOT_RESOURCE_ID is not a resource id: it starts with /subscriptions/.",
            "Copy it from the SignalR resource's Properties page in the portal.",
        )
    credential = text("SIGNALR_BOT_CREDENTIAL", "default")
    if credential not in CREDENTIALS:
        raise SettingsError(
            f"SIGNALR_BOT_CREDENTIAL is not one the bot knows: {credential!r}.",
            f"Use one of {', '.join(CREDENTIALS)}.",
        )
    endpoint = url("SIGNALR_BOT_LOGS_ENDPOINT", PUBLIC_LOGS_ENDPOINT)
    return Settings(
        logs=path("SIGNALR_BOT_LOGS"),
        workspace_id=workspace,
        resource_id=resource,
        logs_endpoint=endpoint,
        logs_audience=url("SIGNALR_BOT_LOGS_AUDIENCE", endpoint),
        ca_bundle=path("SIGNALR_BOT_CA_BUNDLE"),
        credential=credential,
        client_id=text("AZURE_CLIENT_ID"),
        tenant_id=text("AZURE_TENANT_ID"),
        portal=url("SIGNALR_BOT_PORTAL", "https://portal.azure.com").rstrip("/"),
        query_timeout=timedelta(seconds=number("SIGNALR_BOT_QUERY_TIMEOUT", 60, 1, 600)),
        slack_bot_token=token("SLACK_BOT_TOKEN"),
        slack_signing_secret=token("SLACK_SIGNING_SECRET"),
        slack_app_token=token("SLACK_APP_TOKEN"),
        slack_api_url=url("SLACK_API_URL", "https://slack.com/api/").rstrip("/") + "/",
        host=text("SIGNALR_BOT_HOST", "0.0.0.0"),  # noqa: S104
        port=number("SIGNALR_BOT_PORT", 3000, 0, 65535),
    )
