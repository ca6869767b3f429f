"""The Slack face as a process: the one place that wires settings, engine, core and Bolt together."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from bot import catalog
from bot.core import Core
from bot.engines import Engine
from bot.engines.opening import check_offline, check_online, open_engine
from bot.errors import BotError
from bot.playground import Playground
from bot.settings import Settings
from handlers import register
from handlers.access import SlackUnwell, TokenRefused, check_bot_token, socket_address
from handlers.commands import Answers
from handlers.http import Readiness, health_app, runner, web_app
from handlers.intake import Envelopes
from handlers.jobs import LEAVING, Jobs
from handlers.readiness import Check

GOODBYE = timedelta(seconds=25)
_LONGEST_RETRY_AFTER_S = 15
_CONNECTING_S = 30
_UNASKED = "The log store has not answered yet."
# Bolt reads these by itself: some would replace our token or turn on OAuth with files as its store.
_BOLT_READS = (
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_APP_TOKEN",
    "SLACK_CLIENT_ID",
    "SLACK_CLIENT_SECRET",
    "SLACK_VERIFICATION_TOKEN",
)


async def serve(settings: Settings) -> int:
    """Serve Slack until SIGTERM or SIGINT, over Socket Mode when there is an app-level token, else over HTTP.

    Returns the exit status: 0 after a clean stop, 2 when the configuration is wrong, 3 when Slack cannot be
    reached; then it has said on standard error what is missing and where to get it.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    missing, engine = _checked(settings)
    async with AsyncExitStack() as stack:
        if engine is not None:
            stack.push_async_callback(engine.close)
        if engine is None or missing:
            _complain("The bot cannot start yet.", *missing)
            return 2
        try:
            await check_offline(engine, settings)
            knowledge = catalog.load()
            core = Core(knowledge, engine, _now, settings.query_timeout, settings.resource_id)
            playground = Playground(core, knowledge, _now, settings.query_timeout)
        except BotError as error:
            _complain("The bot cannot start yet.", error.message, error.hint)
            return 2
        stack.push_async_callback(playground.close)
        client = await stack.enter_async_context(open_client(settings))
        logs = Check("The log store", lambda: check_online(engine, settings), "" if settings.logs else _UNASKED)
        return await _serve(settings, playground, client, _stopping(stack), stack, logs)


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
    settings: Settings,
    core: Answers,
    client: AsyncWebClient,
    stopping: asyncio.Event,
    stack: AsyncExitStack,
    logs: Check,
) -> int:
    """Serve until `stopping`. Then /readyz says no and new work is refused politely, while old work is finished."""
    jobs, readiness = Jobs(), Readiness("Slack has not confirmed the token yet.")
    app = build(core, settings, client, jobs)
    socket_mode: SocketModeClient | None = None
    if settings.slack_app_token:
        served = health_app(readiness)
    else:
        served = web_app(app, settings.slack_signing_secret, readiness)
    try:
        where = f"{settings.host}:{await _open_port(served, settings, stack)}"
        await check_bot_token(client)
        if settings.slack_app_token:
            socket_mode = await _open_socket(app, settings, client)
    except TokenRefused as error:
        _complain(error.message, error.hint)
        return 2
    except SlackUnwell as error:
        _complain(error.message, error.hint)
        return 3
    except OSError as error:
        _complain(*_cannot_listen(error, settings))
        return 2

    async def ask_slack() -> None:
        if socket_mode is not None and not await socket_mode.is_connected():
            raise SlackUnwell("The Socket Mode connection to Slack is lost; it is tried again.")
        await check_bot_token(client)

    readiness.reason, readiness.checks = "", (Check("Slack", ask_slack), logs)
    print(f"signalr-bot is ready {'over Socket Mode' if socket_mode else f'on {where}'}", flush=True)
    if socket_mode:
        print(f"/healthz and /readyz are on {where}", flush=True)
    await stopping.wait()
    readiness.reason = LEAVING
    if socket_mode is not None:
        await socket_mode.close()  # type: ignore[no-untyped-call]
    if given_up := await jobs.drain(GOODBYE):
        _complain(f"{given_up} answers were not ready in time; the people who asked were told.")
    return 0


async def _open_port(served: web.Application, settings: Settings, stack: AsyncExitStack) -> int:
    """Listen for HTTP; returns the port, which the system chose when the settings say 0. Raises OSError."""
    listening = runner(served)
    await listening.setup()
    stack.push_async_callback(listening.cleanup)
    await web.TCPSite(listening, settings.host, settings.port).start()
    return int(listening.addresses[0][1])


def _cannot_listen(error: OSError, settings: Settings) -> tuple[str, str]:
    """Why the HTTP server did not start, and what to set."""
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return (
            f"The bot cannot listen on {settings.host}: that is no address of this machine.",
            "Set SIGNALR_BOT_HOST to one, for example 127.0.0.1, or to 0.0.0.0 for all.",
        )
    return (
        f"The bot cannot listen on {settings.host}:{settings.port}: {error.strerror}.",
        "Set SIGNALR_BOT_PORT to a port that is free and that the bot may open.",
    )


async def _open_socket(app: AsyncApp, settings: Settings, client: AsyncWebClient) -> SocketModeClient:
    """Connected over Socket Mode. Raises TokenRefused, or SlackUnwell after a while."""
    # Asked for by ourselves, because the client would try a refused token for ever.
    address = await socket_address(client, settings.slack_app_token)
    logger = logging.getLogger("signalr_bot.socket")
    logger.setLevel(logging.CRITICAL)
    opened = SocketModeClient(settings.slack_app_token, logger, client)
    opened.socket_mode_request_listeners.append(Envelopes(app).take)  # type: ignore[arg-type]
    await opened.aiohttp_client_session.close()
    opened.aiohttp_client_session = aiohttp.ClientSession(trust_env=_may_use_proxy(settings))
    opened.proxy = None
    opened.wss_uri = address
    try:
        async with asyncio.timeout(_CONNECTING_S):
            await opened.connect()  # type: ignore[no-untyped-call]
    except BaseException as error:
        await opened.close()  # type: ignore[no-untyped-call]
        if isinstance(error, TimeoutError):
            raise SlackUnwell(
                f"Slack's Socket Mode could not be connected to within {_CONNECTING_S} s.",
                "Check that the network and HTTPS_PROXY let WebSocket connections to Slack through.",
            ) from error
        raise
    # From here on the client connects again by itself, and its log is the only word of it.
    logger.addFilter(_without_details)
    logger.setLevel(logging.ERROR)
    return opened


def _without_details(record: logging.LogRecord) -> bool:
    """Keeps of a line of the Socket Mode client only that it failed: its details hold addresses with a ticket."""
    record.msg, record.args = "The Socket Mode connection to Slack failed; it is tried again.", ()
    record.exc_info = record.exc_text = None
    return True


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
