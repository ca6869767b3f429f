"""The Slack face as a process: the one place that wires settings, engine, core and Bolt together."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from bot import catalog
from bot.core import Core
from bot.engines import Engine
from bot.engines.opening import open_engine
from bot.errors import BotError
from bot.settings import Settings
from handlers import register
from handlers.commands import Answers
from handlers.http import Readiness, web_app
from handlers.jobs import LEAVING, Jobs
from handlers.replies import slack_code

GOODBYE = timedelta(seconds=25)
_LONGEST_RETRY_AFTER_S = 15
_CONNECTING_S = 30
# Bolt reads these by itself: some would replace our token or turn on OAuth with files as its store.
_BOLT_READS = (
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_APP_TOKEN",
    "SLACK_CLIENT_ID",
    "SLACK_CLIENT_SECRET",
    "SLACK_VERIFICATION_TOKEN",
)
_TOKEN_FAULTS = {
    "invalid_auth": "The token is not one Slack knows: copy it again from OAuth & Permissions, Bot User OAuth Token.",
    "not_authed": "The token is empty: copy it from OAuth & Permissions, Bot User OAuth Token.",
    "account_inactive": "The workspace or the app's user was deactivated: install the app again.",
    "token_revoked": "The token was revoked: install the app again and copy the new one.",
    "token_expired": "The token expired: switch token rotation off, or give the bot a new one.",
    "not_allowed_token_type": "This is another kind of token: SLACK_BOT_TOKEN is xoxb-..., SLACK_APP_TOKEN xapp-....",
    "missing_scope": "The app-level token lacks the scope connections:write: make one that has it.",
}


async def serve(settings: Settings) -> int:
    """Serve Slack until SIGTERM or SIGINT, over Socket Mode when there is an app-level token, else over HTTP.

    Returns the exit status: 0 after a clean stop, 2 when the configuration is wrong, 3 when Slack cannot be
    reached; then it has said on standard error what is missing and where to get it.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # A failed sign-in is told to the person who asked; azure-identity would add a page about it.
    logging.getLogger("azure").setLevel(logging.ERROR)
    missing, engine = _checked(settings)
    async with AsyncExitStack() as stack:
        if engine is not None:
            stack.push_async_callback(engine.close)
        if engine is None or missing:
            _complain("The bot cannot start yet.", *missing)
            return 2
        try:
            knowledge = catalog.load()
            core = Core(knowledge, engine, _now, settings.query_timeout, settings.resource_id)
        except BotError as error:
            _complain(error.message, error.hint)
            return 2
        client = await stack.enter_async_context(open_client(settings))
        return await _serve(settings, core, client, _stopping(stack), stack)


def build(core: Answers, settings: Settings, client: AsyncWebClient, jobs: Jobs | None = None) -> AsyncApp:
    """The Bolt app with every listener, which makes no call to Slack of its own accord.

    It answers when a listener returns, 10 ms sooner than Bolt's usual way, because listeners only acknowledge.
    """

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=settings.slack_bot_token)

    with _without(_BOLT_READS):
        app = AsyncApp(
            name="signalr-bot",
            logger=_bolt_logger(),
            client=client,
            authorize=authorize,
            signing_secret=settings.slack_signing_secret,
            process_before_response=True,
        )
    register(app, core, jobs or Jobs(), client)
    return app


@asynccontextmanager
async def open_client(settings: Settings) -> AsyncIterator[AsyncWebClient]:
    """The one Web API client, on one session: connections are kept, and proxies are the environment's."""
    timeout = aiohttp.ClientTimeout(total=60, sock_connect=10)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=_may_use_proxy(settings)) as session:
        client = AsyncWebClient(
            token=settings.slack_bot_token,
            base_url=settings.slack_api_url,
            session=session,
            retry_handlers=_retries(),
            logger=_bolt_logger(),
        )
        # slack_sdk takes HTTP_PROXY for every host and does not read NO_PROXY; aiohttp's trust_env reads both.
        client.proxy = None
        yield client


class _BoundedRateLimitRetry(AsyncRateLimitErrorRetryHandler):
    """Waits as long as Slack asks for, unless that is longer than a person would wait."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if not await super()._can_retry_async(state=state, request=request, response=response, error=error):
            return False
        headers = {} if response is None else {name.lower(): value for name, value in response.headers.items()}
        seconds = headers.get("retry-after", ["1"])[0]
        return seconds.isdecimal() and int(seconds) <= _LONGEST_RETRY_AFTER_S


def _retries() -> list[AsyncRetryHandler]:
    return [
        AsyncConnectionErrorRetryHandler(),
        _BoundedRateLimitRetry(max_retry_count=2),
        AsyncServerErrorRetryHandler(max_retry_count=1),
    ]


def _checked(settings: Settings) -> tuple[list[str], Engine | None]:
    """Every sentence about what the settings lack, and the engine they choose."""
    missing = []
    if not settings.slack_bot_token:
        missing.append(
            "SLACK_BOT_TOKEN is not set: at api.slack.com/apps choose the app, then OAuth & Permissions, "
            "and copy the Bot User OAuth Token (xoxb-)."
        )
    if not settings.slack_app_token and not settings.slack_signing_secret:
        missing.append(
            "Neither SLACK_SIGNING_SECRET nor SLACK_APP_TOKEN is set: for HTTP copy the Signing Secret from Basic "
            "Information, App Credentials; for Socket Mode make an App-Level Token (xapp-, scope connections:write)."
        )
    try:
        return missing, open_engine(settings)
    except BotError as error:
        return [*missing, f"{error.message} {error.hint}"], None


async def _serve(
    settings: Settings, core: Core, client: AsyncWebClient, stopping: asyncio.Event, stack: AsyncExitStack
) -> int:
    """Serve until `stopping`. Then /readyz says no and new work is refused politely, while old work is finished."""
    jobs, readiness = Jobs(), Readiness("Slack has not confirmed the token yet.")
    app = build(core, settings, client, jobs)
    stop_listening: Callable[[], Awaitable[None]] | None = None
    try:
        if settings.slack_app_token:
            where = "over Socket Mode"
            await client.auth_test()
            stop_listening = await _open_socket(app, settings, client)
        else:
            where = f"on {settings.host}:{await _open_port(app, settings, readiness, stack)}"
            await client.auth_test()
    except SlackApiError as error:
        code = slack_code(error)
        _complain(f"Slack refused the bot's token ({code}).", _TOKEN_FAULTS.get(code, "Check it and its scopes."))
        return 2
    except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
        _complain(
            f"Slack cannot be reached at {settings.slack_api_url} ({type(error).__name__}).",
            "Check the network, HTTPS_PROXY and NO_PROXY, and SLACK_API_URL.",
        )
        return 3
    except OSError as error:
        _complain(
            f"The bot cannot listen on {settings.host}:{settings.port}: {error.strerror}.",
            "Set SIGNALR_BOT_PORT or SIGNALR_BOT_HOST to one that is free.",
        )
        return 2
    readiness.reason = ""
    print(f"signalr-bot is ready {where}", flush=True)
    await stopping.wait()
    readiness.reason = LEAVING
    if stop_listening is not None:
        await stop_listening()
    if given_up := await jobs.drain(GOODBYE):
        _complain(f"{given_up} answers were not ready in time; the people who asked were told.")
    return 0


async def _open_port(app: AsyncApp, settings: Settings, readiness: Readiness, stack: AsyncExitStack) -> int:
    """Listen for HTTP; returns the port, which the system chose when the settings say 0."""
    served = web_app(app, settings.slack_signing_secret, readiness)
    runner = web.AppRunner(served, access_log=None, handle_signals=False, shutdown_timeout=5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, settings.host, settings.port).start()
    return int(runner.addresses[0][1])


async def _open_socket(app: AsyncApp, settings: Settings, client: AsyncWebClient) -> Callable[[], Awaitable[None]]:
    """Connect over Socket Mode; returns what disconnects. Raises SlackApiError, or TimeoutError after a while."""
    handler = AsyncSocketModeHandler(app, settings.slack_app_token, logger=_bolt_logger(), web_client=client)
    socket = handler.client
    await socket.aiohttp_client_session.close()
    socket.aiohttp_client_session = aiohttp.ClientSession(trust_env=_may_use_proxy(settings))
    socket.proxy = None
    try:
        async with asyncio.timeout(_CONNECTING_S):
            # Asked for by ourselves, because the handler would try a refused token for ever.
            socket.wss_uri = await socket.issue_new_wss_url()
            await socket.connect()  # type: ignore[no-untyped-call]
    except BaseException:
        await socket.close()  # type: ignore[no-untyped-call]
        raise
    return socket.close


def _stopping(stack: AsyncExitStack) -> asyncio.Event:
    """Set by SIGTERM or SIGINT, until `stack` closes."""
    event, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, event.set)
        stack.callback(loop.remove_signal_handler, number)
    return event


def _may_use_proxy(settings: Settings) -> bool:
    """Whether a proxy of the environment may stand before Slack: never before this machine itself."""
    host = urlsplit(settings.slack_api_url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def _bolt_logger() -> logging.Logger:
    """A logger for Bolt and slack_sdk that drops what they log below ERROR: whole bodies, tokens in URLs."""
    logger = logging.getLogger("signalr_bot.bolt")
    logger.setLevel(logging.ERROR)
    return logger


@contextmanager
def _without(names: Sequence[str]) -> Iterator[None]:
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def _now() -> datetime:
    return datetime.now(UTC)


def _complain(*sentences: str) -> None:
    print(*filter(None, sentences), sep="\n", file=sys.stderr, flush=True)
