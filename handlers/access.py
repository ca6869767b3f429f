"""Whether Slack takes the bot's tokens, told in words with a next step."""

from __future__ import annotations

from collections.abc import Awaitable

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import BotError

_COPY = {
    "SLACK_BOT_TOKEN": "at api.slack.com/apps choose the app, then OAuth & Permissions, Bot User OAuth Token (xoxb-)",
    "SLACK_APP_TOKEN": "at api.slack.com/apps choose the app, then Basic Information, App-Level Tokens (xapp-, scope "
    "connections:write)",
}
_WHOSE = {"SLACK_BOT_TOKEN": "the bot's token", "SLACK_APP_TOKEN": "the app-level token in SLACK_APP_TOKEN"}
_FAULTS = {
    "invalid_auth": "The token in {name} is not one Slack knows: copy it again, {copy}.",
    "not_authed": "{name} is empty: copy it, {copy}.",
    "account_inactive": "The workspace or the app's user was deactivated: install the app again.",
    "token_revoked": "The token was revoked: install the app again and copy a new {name}, {copy}.",
    "token_expired": "The token expired: switch token rotation off, or copy a new {name}, {copy}.",
    "not_allowed_token_type": "{name} holds another kind of token: {copy}.",
    "missing_scope": "The token in {name} lacks a scope: copy one that has it, {copy}.",
}
# Errors of Slack's own that say nothing about the token (docs.slack.dev, reference/methods/auth.test, errors).
_PASSING = {"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable", "accesslimited"}


class TokenRefused(BotError):
    """Slack answered that a token will not do."""


class SlackUnwell(BotError):
    """Slack was not reached, or something else answered."""


async def check_bot_token(client: AsyncWebClient) -> None:
    """Ask Slack who the bot is (auth.test). Raises TokenRefused or SlackUnwell."""
    await _asked(client.auth_test(), "SLACK_BOT_TOKEN", client.base_url)


async def socket_address(web: AsyncWebClient, app_token: str) -> str:
    """The WebSocket address for Socket Mode (apps.connections.open). Raises TokenRefused or SlackUnwell."""
    call = web.apps_connections_open(app_token=app_token)
    answer = await _asked(call, "SLACK_APP_TOKEN", web.base_url)
    address = answer.get("url")
    if not isinstance(address, str):
        raise _unwell(web.base_url, "gave no address for Socket Mode")
    return address


async def _asked(call: Awaitable[AsyncSlackResponse], name: str, url: str) -> AsyncSlackResponse:
    try:
        return await call
    except SlackApiError as error:
        raise _told(error, name, url) from error
    except (SlackClientError, ClientError, OSError, TimeoutError) as error:
        raise SlackUnwell(
            f"Slack cannot be reached at {url} ({type(error).__name__}).",
            "Check the network, HTTPS_PROXY and NO_PROXY, and SLACK_API_URL.",
        ) from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # slack_sdk takes the body of an answer for an object, whatever it is.
        raise _unwell(url, "did not answer as Slack's API does") from error


def _told(error: SlackApiError, name: str, url: str) -> BotError:
    """What an answer that is no success means: the token's fault only when Slack itself names an error."""
    response = error.response
    status = response.status_code if isinstance(response, AsyncSlackResponse) else None
    said = response.data if isinstance(response, AsyncSlackResponse) else None
    code = said.get("error") if isinstance(said, dict) else None
    if status is None or not isinstance(code, str):
        return _unwell(url, f"answered with HTTP {status}" if status else "did not answer as Slack's API does")
    if code not in _FAULTS and (status == 429 or status >= 500 or code in _PASSING):
        return _unwell(url, f"answered with HTTP {status}")
    hint = _FAULTS.get(code, "Check {name} and its scopes, {copy}.").format(name=name, copy=_COPY[name])
    return TokenRefused(f"Slack refused {_WHOSE[name]} ({code[:60]!s}).", hint)


def _unwell(url: str, what: str) -> SlackUnwell:
    return SlackUnwell(
        f"Slack cannot be asked just now: {url} {what}.",
        "Try again in a minute; if it lasts, look at slack-status.com, and check SLACK_API_URL and the proxy.",
    )
