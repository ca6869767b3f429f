"""Records in JSON, CSV and "key = value" text, whoever wrote them, as `bot.explain.lines.Record`.

Shapes: the storage archive and Log Analytics rows of resource logs, live trace's CSV and copied fields, Serilog's
compact JSON, ASP.NET's JSON console, Application Insights rows, SignalR protocol frames, HTTP error bodies.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from bot.explain.lines import Record, plain

FRAMES_END = "\x1e"
_DEPTH = 6
# What others call our fields; keys are compared in lower case without spaces, dots, dashes and underscores.
_NAMES = {
    "connection": ("connectionid", "transportconnectionid", "serviceconnectionid", "serverconnectionid"),
    "connection_type": ("connectiontype",),
    "user": ("userid",),
    "tracing": ("messagetracingid", "tracingid"),
    "hub": ("hub", "hubname"),
    "group": ("groupname", "group"),
    "address": ("calleripaddress", "ip", "clientip"),
    "time": ("timegenerated", "time", "timestamp", "timestamp[utc]", "@t", "date", "eventtime"),
    "level": ("level", "loglevel", "severitylevel", "severity", "@l"),
    "category": ("category", "categoryname", "sourcecontext", "logger", "loggername"),
    "operation": ("operationname", "eventname"),
    "collection": ("collection",),
}
_FIELDS = {name: ours for ours, names in _NAMES.items() for name in names}
_MESSAGES = (
    "@m", "renderedmessage", "formattedmessage", "message", "msg", "@mt", "messagetemplate", "outermessage",
    "errormessage", "log", "text", "body", "error", "detail", "title",
)  # fmt: skip
_MORE = ("@x", "exception", "innermostmessage", "problemid", "stack", "innerexception", "errors", "details")
_LINE = re.compile(r"\s*[\"']?([A-Za-z@][\w @.\[\]()-]{0,40}?)[\"']?\s*(?:=|:(?!//))\s*(.*?),?\s*\Z")
_LOGFMT = re.compile(r"([A-Za-z_][\w.]{1,40})=(\"(?:[^\"\\]|\\.)*\"|\S*)")
_HOLE = re.compile(r"\{[@$]?(\w+)(?:[,:][^{}]*)?\}")
_STATUS = re.compile(r"[1-5]\d\d\Z")


def records(text: str) -> Iterator[Record]:
    """The records of pasted `text`, which is clean already."""
    found = _document(text)
    if found is None:
        found = _csv(text)
    if found is None:
        found = _pairs(text)
    if found is not None:
        yield from found
        return
    yield from _mixed(text)


def _mixed(text: str) -> Iterator[Record]:
    """Line by line: a line of JSON is a record, runs of other lines are plain."""
    waiting: list[str] = []
    for line in text.replace(FRAMES_END, "\n").split("\n"):
        start = line.find("{")
        objects = _json(line[start:]) if start >= 0 and line.rstrip()[-1:] in "}]'`\"" else None
        if objects is None and start >= 0 and (copied := _logfmt(line)) is None:
            waiting.append(line)
        elif objects is not None:
            yield from plain(iter(waiting))
            waiting = []
            # Words before the object may be a message of their own, whose properties it holds.
            if len(line[:start].strip()) > 40:
                waiting.append(line[:start])
            yield from objects
        elif (copied := _logfmt(line)) is not None:
            yield from plain(iter(waiting))
            waiting = []
            yield copied
        else:
            waiting.append(line)
    yield from plain(iter(waiting))


def _document(text: str) -> list[Record] | None:
    """The records of a text that is JSON from its first character to its last; None for any other."""
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        return None
    return _json(text.strip().replace(FRAMES_END, ""))


def _json(text: str) -> list[Record] | None:
    try:
        value = json.loads(text.strip().rstrip(",`"))
    except (ValueError, RecursionError):
        return None
    found = list(_objects(value, _DEPTH))
    return found or None


def _objects(value: Any, depth: int) -> Iterator[Record]:
    if isinstance(value, list):
        for each in value:
            yield from _objects(each, depth - 1) if depth else ()
    elif isinstance(value, dict):
        tables = value.get("tables")
        if isinstance(tables, list):
            for table in tables:
                yield from _table(table)
            return
        for key in ("records", "value", "rows"):
            if isinstance(value.get(key), list):
                yield from _objects(value[key], depth - 1) if depth else ()
                return
        if (record := _record(value)) is not None:
            yield record


def _table(table: Any) -> Iterator[Record]:
    if not isinstance(table, dict):
        return
    names = [str(each.get("name", "")) for each in table.get("columns", []) if isinstance(each, dict)]
    for row in table.get("rows", []):
        if isinstance(row, list) and (record := _record(dict(zip(names, row, strict=False)))) is not None:
            yield record


def _record(value: Mapping[str, Any]) -> Record | None:
    if (frame := _frame(value)) is not None:
        return frame
    known: dict[str, str] = {}
    _gather(value, known, _DEPTH)
    fields = {ours: known[name] for name, ours in reversed(_FIELDS.items()) if known.get(name)}
    message = next((known[name] for name in _MESSAGES if known.get(name)), "")
    message = _HOLE.sub(lambda hole: known.get(_key(hole[1])) or hole[0], message)
    more = "\n".join(known[name] for name in _MORE if known.get(name) and known[name] != message)
    status = next((known[name] for name in ("status", "statuscode", "resultcode") if known.get(name)), "")
    if _STATUS.match(status):
        more = f"HTTP status {status}\n{more}"
    if not message and not more:
        operation = fields.get("operation", "")
        return Record(operation, fields) if operation else None
    return Record(message or more, fields, more)


def _gather(value: Mapping[str, Any], known: dict[str, str], depth: int) -> None:
    for name, inner in value.items():
        key = _key(str(name))
        if isinstance(inner, str) and inner[:1] in "{[" and key in ("properties", "customdimensions", "log", "state"):
            with suppress(ValueError, RecursionError):
                inner = json.loads(inner)
        if isinstance(inner, dict) and depth:
            _gather(inner, known, depth - 1)
            inner = inner.get("message") or inner.get("Message") or ""
        elif isinstance(inner, list):
            for each in inner:
                if isinstance(each, dict) and depth:
                    _gather(each, known, depth - 1)
            inner = "\n".join(str(each) for each in inner if isinstance(each, str))
        if inner is not None and inner != "" and key not in known:
            known[key] = str(inner)


def _key(name: str) -> str:
    return re.sub(r"[\s_.-]", "", name).lower()


def _frame(value: Mapping[str, Any]) -> Record | None:
    """A SignalR protocol frame: `type` is a number, 7 is close, 3 the completion of a call."""
    kind = value.get("type")
    if not isinstance(kind, int) or isinstance(kind, bool) or not 1 <= kind <= 9:
        return None
    said = value.get("error")
    if isinstance(said, str) and said.strip():
        return Record(said, {"frame": str(kind)})
    return Record(f"SignalR frame of type {kind} without an error", {"frame": str(kind)})


def _csv(text: str) -> list[Record] | None:
    """The rows of comma- or tab-separated text with a header that names a message; None for any other."""
    head = text.lstrip("\n").split("\n", 1)[0]
    delimiter = "\t" if "\t" in head else ";" if head.count(";") > head.count(",") else ","
    names = [_key(name.strip(" \"'")) for name in head.split(delimiter)]
    if len(names) < 2 or "message" not in names or not (set(names) - {"message"}) & _FIELDS.keys():
        return None
    try:
        rows = list(csv.DictReader(io.StringIO(text.lstrip("\n")), delimiter=delimiter))
    except csv.Error:
        return None
    found = [_record({str(name): cell for name, cell in row.items() if isinstance(cell, str)}) for row in rows]
    return [record for record in found if record is not None] or None


def _pairs(text: str) -> list[Record] | None:
    """Records copied field by field, a line each; a field that comes again begins the next one."""
    if text.count("\n") > 5_000:
        return None
    lines = [line for line in text.split("\n") if line.strip(" {},")]
    pairs = [_LINE.match(line) for line in lines]
    known = [pair for pair in pairs if pair and _key(pair[1]) in (*_FIELDS, *_MESSAGES)]
    if len(known) < 2 or len(known) * 2 < len(lines) or not any(_key(pair[1]) in _MESSAGES for pair in known):
        return None
    groups: list[dict[str, Any]] = [{}]
    for pair in pairs:
        if pair is None:
            continue
        key = _key(pair[1])
        if key in groups[-1]:
            groups.append({})
        groups[-1][key] = pair[2].strip().strip("\"'")
    found: Sequence[Record | None] = [_record(group) for group in groups]
    return [record for record in found if record is not None] or None


def _logfmt(line: str) -> Record | None:
    """A line of `key=value` words, one of which is a message; None for any other."""
    if "essage=" not in line and "msg=" not in line:
        return None
    pairs = {_key(name): value.strip('"') for name, value in _LOGFMT.findall(line)}
    if not any(pairs.get(name) for name in ("message", "msg")) or len(pairs) < 2:
        return None
    return _record(pairs)
