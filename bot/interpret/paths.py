"""The four paths of a traced message, its id, and what the app server's own lines say about it.

1 client to service, 2 service to app server, 3 app server to service, 4 service to client: the log line's text tells
which. The id of 1 and 2 is made by the service, that of 3 and 4 by the app server: its process in the upper 32 bits,
a counter in the lower. Source: "Message loss" in the logs guide; `MessageLog.cs` and `MessageWithTracingIdHelper.cs`
of the SDK.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.interpret import Question, coverage
from bot.model import NextStep, Row, Window

# The step that asks for the app servers' lines in the workspace.
APP_LINES = "app_lines"
LARGEST = 2**64 - 1
_SIGNED = 2**63
COUNTER = 2**32
# The messages that change a group reach no client. Source: the MessageType column.
_CHANGES = re.compile(r"(?:join|leave)group", re.IGNORECASE)
_TYPE = re.compile(r"Received an? (\w+) message ", re.IGNORECASE)
# What is read of a paste, in characters: far above a real one, and a bound on hostile ones.
_PASTE_MOST = 4_000_000
_LINE_MOST = 20_000


def prefix(trace: int) -> int:
    """The app server process that made the id."""
    return trace // COUNTER


def counter(trace: int) -> int:
    """Which of its messages it is, from 0 on; a process numbers its traced messages of all hubs in one row."""
    return trace % COUNTER


def stored(trace: int) -> int:
    """The id as a signed column of 64 bits holds it."""
    return trace - 2 * _SIGNED if trace >= _SIGNED else trace


def message_type(logged: str, text: str) -> str:
    """The type as the column has it, or else as the text of a path 3 record does; empty when neither does."""
    found = _TYPE.search(text)
    return logged or (found[1] if found else "")


def changes_group(kind: str) -> bool:
    """Whether a message of this type is a join or a leave, which no client receives."""
    return bool(_CHANGES.search(kind))


def where_logged(question: Question) -> tuple[NextStep, ...]:
    """The same question in the part of the window from the first to the last Message record."""
    held = coverage.family(question, coverage.MESSAGE)
    if held is None or held.first is None or held.last is None:
        return ()
    window = Window(held.first, held.last + timedelta(seconds=1))
    return (NextStep("Ask where messages are logged", replace(question.command, window=window).line),)


class Said(StrEnum):
    """What an app server's line says about a message."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RECEIVED = "received"
    ROUTED = "routed"
    OFFLINE = "offline"


class To(StrEnum):
    """Whom a message is for."""

    ALL = "all"
    GROUP = "group"
    USER = "user"
    CONNECTION = "connection"
    CHANGE = "change"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AppLine:
    """A line about the message `trace`; `at` is None when no moment with its zone stands by it.

    `to` and `name` are whom a STARTED line names; `excluding` is whether it leaves somebody out. `instance` is the app
    server, where the line names it. `step` is the query it came with, or "attached"; `sampled` is whether it stands
    for other lines that were not kept.
    """

    said: Said
    trace: int
    text: str
    at: datetime | None = None
    to: To = To.UNKNOWN
    name: str = ""
    excluding: bool = False
    instance: str = ""
    step: str = "attached"
    sampled: bool = False


_TEMPLATES = (
    (Said.STARTED, re.compile(r"Start to (?:broadcast|send) message (?P<id>\d{1,20})(?P<rest>[ .][^\r\n]*)")),
    (Said.SUCCEEDED, re.compile(r"Succeeded to send message (?P<id>\d{1,20})\b")),
    (Said.FAILED, re.compile(r"Failed to send message (?P<id>\d{1,20})\b")),
    (Said.RECEIVED, re.compile(r"\bReceived message (?P<id>\d{1,20}) from client connection")),
    (Said.ROUTED, re.compile(r"Route message (?P<id>\d{1,20}) to service endpoint")),
    (Said.OFFLINE, re.compile(r"\w+ message (?P<id>\d{1,20}) is not sent to endpoint")),
)
_RECEIVERS = (
    (To.CHANGE, re.compile(r" to (?:add|remove) (?:connection|user) (?P<name>\S+) (?:to|from) (?:group|all groups)")),
    (To.OTHER, re.compile(r" to (?:check|close) ")),
    (To.GROUP, re.compile(r" to group (?P<name>.+?)(?P<except> except for \d+ connections.*)?\.?\s*\Z")),
    (To.GROUP, re.compile(r" to 1 groups (?P<name>.+?)\.?\s*\Z")),
    (To.USER, re.compile(r" to (?:1 users|user) (?P<name>.+?)\.?\s*\Z")),
    (To.CONNECTION, re.compile(r" to (?:1 connections|connection) (?P<name>\S+?)\.?\s*\Z")),
    (To.OTHER, re.compile(r" to \d+ ")),
    (To.ALL, re.compile(r"(?P<except> except for .*)?\.?\s*\Z")),
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))")
_HOLE = re.compile(r"\{(\w+)\}")


def app_lines(attached: str) -> Iterator[AppLine]:
    """The tracing lines in the log of app servers, whatever the logger's format; others are passed over."""
    at = None
    for line in attached[:_PASTE_MOST].splitlines():
        line = line[:_LINE_MOST]
        # The usual console format has the moment on a line of its own, above the text.
        at = _moment(line) or (at if line[:1].isspace() else None)
        if "message" in line:
            for text in _texts(line):
                if found := _read(text, at):
                    yield found
                    break


def collected(rows: Iterable[Row]) -> Iterator[AppLine]:
    """The tracing lines in the rows of queries/investigations/trace/app_lines.kql; others are passed over."""
    for row in rows:
        fields = _fields(row["details"])
        for text in (row["Message"], *fields.values()):
            if found := _read(_filled(text, fields)[:_LINE_MOST], row["TimeGenerated"]):
                sampled = (row["ItemCount"] or 1) > 1
                yield replace(found, instance=row["AppRoleInstance"], step=APP_LINES, sampled=sampled)
                break


def _read(text: str, at: datetime | None) -> AppLine | None:
    for said, template in _TEMPLATES:
        match = template.search(text)
        if match is None or int(match["id"]) > LARGEST:
            continue
        if said is not Said.STARTED:
            return AppLine(said, int(match["id"]), match[0], at)
        for to, receiver in _RECEIVERS:
            if named := receiver.match(match["rest"]):
                parts = named.groupdict()
                name = (parts.get("name") or "").strip('"')  # Serilog quotes texts
                return AppLine(said, int(match["id"]), match[0], at, to, name, bool(parts.get("except")))
    return None


def _texts(line: str) -> Iterator[str]:
    """The texts in which to look: those of a JSON object, its holes filled, or the line itself."""
    if line.lstrip().startswith("{"):
        fields = _fields(line)
        for text in fields.values():
            yield _filled(text, fields)
    yield line


def _fields(text: str) -> dict[str, str]:
    """The texts and whole numbers of a JSON object by their names; nothing when it is none."""
    try:
        return dict(_leaves(json.loads(text)))
    except (ValueError, RecursionError):
        return {}


def _filled(template: str, fields: Mapping[str, str]) -> str:
    return _HOLE.sub(lambda hole: fields.get(hole[1], hole[0]), template)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, str(key))
    elif isinstance(value, str | int):
        yield name, str(value)


def _moment(line: str) -> datetime | None:
    found = _MOMENT.search(line)
    if found is None:
        return None
    clock = found[0][11:].replace(",", ".").replace(" ", "").replace("UTC", "Z")
    try:
        return datetime.fromisoformat(f"{found[0][:10]}T{clock}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
