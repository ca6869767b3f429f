"""Log rows as the tests write them, turned into files that the embedded engine reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from bot import times

RESOURCE = (
    "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/RG-DEMO/PROVIDERS/MICROSOFT.SIGNALRSERVICE"
    "/SIGNALR/CHAT-PROD"
)
DAY = "2026-11-23"
_TOP = {"Level": "level", "OperationName": "operationName", "CallerIpAddress": "callerIpAddress"}
_PROPERTIES = {
    "Collection": "collection", "Message": "message", "ConnectionId": "connectionId",
    "ConnectionType": "connectionType", "TransportType": "transportType", "UserId": "userId", "HubName": "hub",
    "MessageTracingId": "messageTracingId", "MessageType": "messageType", "GroupName": "groupName",
    "InvocationId": "invocationId",
}  # fmt: skip


def record(row: Mapping[str, Any]) -> dict[str, Any]:
    """The archived record of a row that uses the table's columns, or the short `at`, `op` and `id`."""
    full = {
        "Collection": "Connection", "ConnectionType": "Client", "Level": "Informational", "Message": "",
        "OperationName": row.get("op", ""), "ConnectionId": row.get("id", ""), **row,
    }  # fmt: skip
    at = full["at"]
    return {
        "time": at if "T" in at else f"{DAY}T{at}Z",
        "location": row.get("Location", "westeurope"),
        "category": "AllLogs",
        "resourceId": row.get("_ResourceId", RESOURCE),
        **{field: full[column] for column, field in _TOP.items() if column in full},
        "properties": {
            "type": "ConnectivityLogs",
            **{field: full[column] for column, field in _PROPERTIES.items() if column in full},
        },
    }


def records(rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The records of all rows, `repeat` unrolled with {n} as the number, `every` apart."""
    for row in rows:
        step = times.duration(row["every"]) if "every" in row else None
        for number in range(1, row.get("repeat", 1) + 1):
            each = {
                key: value.replace("{n}", str(number)) if isinstance(value, str) else value
                for key, value in row.items()
            }
            if step:
                moved = datetime.fromisoformat(f"{DAY}T{row['at']}") + (number - 1) * step
                each["at"] = moved.isoformat() + "Z"
            yield record(each)


def write(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A JSON-lines file of `rows` at `path`."""
    path.write_text("".join(json.dumps(each) + "\n" for each in records(rows)), encoding="utf-8")
    return path
