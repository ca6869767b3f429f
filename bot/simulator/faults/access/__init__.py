"""Faults that keep clients and app servers out: tokens, limits, and the service's mode."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.simulator.act import Begin
from bot.simulator.faults.access import (
    diagnostic_limit,
    message_quota,
    negotiate_burst,
    refused_server,
    serverless_entries,
    token_expired,
    token_refused,
)

KINDS: Mapping[str, Begin] = MappingProxyType(
    {
        "diagnostic-limit": diagnostic_limit.begin,
        "message-quota": message_quota.begin,
        "negotiate-burst": negotiate_burst.begin,
        "refused-server": refused_server.begin,
        "serverless-entries": serverless_entries.begin,
        "token-expired": token_expired.begin,
        "token-refused": token_refused.begin,
    }
)
