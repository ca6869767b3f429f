"""Faults of messages: lost on a leg of their way, or sent before their receiver was ready."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.simulator import tracing
from bot.simulator.act import Begin
from bot.simulator.faults.messages import group_race, message_loss, traced_message

KINDS: Mapping[str, Begin] = MappingProxyType(
    {
        "group-race": group_race.begin,
        "message-loss": message_loss.begin,
        "traced-message": traced_message.begin,
        "tracing": tracing.begin,
    }
)
