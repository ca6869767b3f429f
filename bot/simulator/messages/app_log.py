"""The log of the app servers, as the Azure SignalR SDK writes it.

Templates, event ids and levels: `MessageLog.cs` and `ServiceConnectionBase.cs` of the SDK since 1.19.1.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from bot.simulator import events
from bot.simulator.clock import Clock
from bot.simulator.events import SERVICE_URL, Event
from bot.simulator.messages.outgoing import Outgoing
from bot.simulator.service import ServerConnection

_LIFETIME = "Microsoft.Azure.SignalR.ServiceLifetimeManager"
_CONNECTION = "Microsoft.Azure.SignalR.ServiceConnection"
_CONSOLE_LEVELS = {"Information": "info", "Warning": "warn"}
_CUT = "The remote party closed the WebSocket connection without completing the close handshake."
_DROPPED = (
    "Connection to '{Endpoint}' was dropped, probably caused by network instability or service restart. "
    "Will reconnect after the back off period. Error detail: {Error}. Id: {ServiceConnectionId}."
)
_SILENT = (
    "Connection to service '{Endpoint}' timeout. {ServiceTimeout}ms elapsed without receiving a message "
    "from service. Id: {ServiceConnectionId}"
)
_TOLD = "Connection {ServiceConnectionId} received error message from service: {Error}"


class Style(StrEnum):
    """The two formatters of .NET that the simulator knows: over two lines, or one JSON object a line."""

    CONSOLE = "console"
    JSON = "json"


class AppLog:
    """Lines of all app servers in one file, in the order in which they were written; times are UTC."""

    def __init__(self, path: Path, style: Style, start: datetime, clock: Clock) -> None:
        self._path = path
        self._style = style
        self._start = start
        self._clock = clock
        self._lines: list[str] = []

    def sending(self, trace: int, message: Outgoing) -> None:
        """The SDK begins to send a traced message."""
        self._write("Information", _LIFETIME, message.number, message.template, {"tracingId": trace, **message.values})

    def sent(self, trace: int) -> None:
        """A message is flushed to the server connection; a change of a group is acknowledged."""
        self._write("Information", _LIFETIME, 110, "Succeeded to send message {tracingId}.", {"tracingId": trace})

    def received(self, trace: int, connection_id: str) -> None:
        """A client's message has reached the app server."""
        values: dict[str, str | int] = {"tracingId": trace, "connectionId": connection_id}
        text = "Received message {tracingId} from client connection {connectionId}."
        self._write("Information", _CONNECTION, 120, text, values)

    def opened(self, line: ServerConnection) -> None:
        values: dict[str, str | int] = {"ServiceConnectionId": line.id}
        self._write("Information", _CONNECTION, 20, "Service connection {ServiceConnectionId} connected.", values)

    def closed(self, line: ServerConnection, event: Event) -> None:
        """How the app server learns of the end of a server connection."""
        values: dict[str, str | int] = {"Endpoint": f"(Primary){SERVICE_URL}(hub={line.hub})"}
        values["ServiceConnectionId"] = line.id
        match event.reason:
            case "":
                closed = "Service connection {ServiceConnectionId} closed."
                self._write("Information", _CONNECTION, 14, closed, values)
            case events.PING_TIMEOUT:
                self._write("Information", _CONNECTION, 18, _SILENT, values | {"ServiceTimeout": "30000.00"})
            case events.RELOAD_CLIENT | events.RELOAD_SERVER as reason:
                self._write("Warning", _CONNECTION, 27, _TOLD, values | {"Error": f"{reason}."})
            case _:
                self._write("Information", _CONNECTION, 4, _DROPPED, values | {"Error": _CUT})

    def save(self) -> None:
        """Write the file, over an earlier one."""
        self._path.write_text("".join(self._lines), encoding="utf-8", newline="\n")

    def _write(self, level: str, category: str, number: int, template: str, values: dict[str, str | int]) -> None:
        moment = self._start + timedelta(milliseconds=self._clock.now)
        stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
        text = template.format_map(values)
        if self._style is Style.CONSOLE:
            self._lines.append(f"{stamp} {_CONSOLE_LEVELS[level]}: {category}[{number}]\n      {text}\n")
            return
        state = {"Message": text, **{name: values[name] for name in values if f"{{{name}}}" in template}}
        entry = {
            "Timestamp": stamp,
            "EventId": number,
            "LogLevel": level,
            "Category": category,
            "Message": text,
            "State": state | {"{OriginalFormat}": template},
        }
        self._lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
