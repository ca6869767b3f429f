"""Which engine the settings choose, and whether it can be asked; each is imported only when chosen."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from bot.engines import Engine
from bot.errors import EngineTimeout, LogsNotEnabled, SettingsError, Throttled
from bot.kql import bind
from bot.model import Window
from bot.settings import Settings

_PROBE_LIMIT = timedelta(seconds=15)


def open_engine(settings: Settings) -> Engine:
    """The engine for `settings`. Raises SettingsError when they name no logs at all."""
    if settings.logs is not None:
        from bot.engines.embedded import EmbeddedEngine

        return EmbeddedEngine(settings.logs)
    if settings.uses_log_analytics:
        from bot.engines.log_analytics import LogAnalyticsEngine

        _silence_azure()
        return LogAnalyticsEngine(settings)
    raise SettingsError(
        "No logs to ask: neither an archive on disk nor a Log Analytics workspace is chosen.",
        "Give --logs PATH or set SIGNALR_BOT_LOGS for an archive; set SIGNALR_BOT_WORKSPACE_ID or "
        "SIGNALR_BOT_RESOURCE_ID for Log Analytics; or try `signalr-bot demo`.",
    )


async def check_offline(engine: Engine, settings: Settings) -> None:
    """See what needs no network before the first question. Raises BotError with what is wrong."""
    if not settings.uses_log_analytics:
        try:
            await engine.span()
        except EngineTimeout:
            # Logs so many that reading them takes a while are no reason not to start.
            return
        return
    if urlsplit(settings.logs_endpoint).scheme != "https":
        from bot.engines.azure_errors import needs_https

        raise needs_https()
    if settings.ca_bundle is not None:
        from bot.engines.log_analytics import trusting

        trusting(settings.ca_bundle)


async def check_online(engine: Engine, settings: Settings) -> None:
    """Ask the logs something cheap. Raises BotError when they cannot be asked."""
    if not settings.uses_log_analytics:
        await engine.span()
        return
    now = datetime.now(UTC)
    window = Window(now - timedelta(minutes=1), now)
    try:
        await engine.query(bind("ready", "Ready", "print ready = 1", window, settings.resource_id, {}), _PROBE_LIMIT)
    except (LogsNotEnabled, Throttled):
        # It answered: that no record came yet, or that others ask too much, is told to whoever asks a question.
        return


def _silence_azure() -> None:
    """Drop what Azure's libraries log: the answer tells it in our words, theirs quote what Entra said."""
    for name in ("azure", "msal"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
