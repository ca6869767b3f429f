"""A Core with the engine that the command line and the environment choose."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from bot.catalog import Catalog
from bot.core import Core
from bot.engines.opening import open_engine
from bot.options import Options
from bot.settings import Settings, from_environment


def settings_for(options: Options) -> Settings:
    """The environment's settings; `--logs` goes before them. Raises SettingsError."""
    settings = from_environment(os.environ)
    return settings if options.logs is None else replace(settings, logs=options.logs)


@asynccontextmanager
async def opened(options: Options, catalog: Catalog) -> AsyncIterator[Core]:
    """A Core that is closed at the end. Raises SettingsError."""
    settings = settings_for(options)
    engine = open_engine(settings)
    core = Core(catalog, engine, options.clock(), settings.query_timeout, settings.resource_id)
    try:
        yield core
    finally:
        await core.close()
