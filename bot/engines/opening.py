"""Which engine the settings choose; each is imported only when chosen, for its start-up cost."""

from __future__ import annotations

from bot.engines import Engine
from bot.errors import SettingsError
from bot.settings import Settings


def open_engine(settings: Settings) -> Engine:
    """The engine for `settings`. Raises SettingsError when they name no logs at all."""
    if settings.logs is not None:
        from bot.engines.embedded import EmbeddedEngine

        return EmbeddedEngine(settings.logs)
    if settings.uses_log_analytics:
        from bot.engines.log_analytics import LogAnalyticsEngine

        return LogAnalyticsEngine(settings)
    raise SettingsError(
        "No logs to ask: neither an archive on disk nor a Log Analytics workspace is chosen.",
        "Give --logs PATH or set SIGNALR_BOT_LOGS for an archive; set SIGNALR_BOT_WORKSPACE_ID or "
        "SIGNALR_BOT_RESOURCE_ID for Log Analytics; or try `signalr-bot demo`.",
    )
