"""The reason inside a connection record's Message, however it is dressed.

Real records carry more than the documented reason: `Connection aborted. Reason: <reason>`, and for a close by the
app server with an error a second sentence, `Server reported error: <exception text>`. The reason may be empty, and
docs and service differ in wording and full stops.
Source: Azure/azure-signalr issues 1261, 1462, 1463; "Unexpected connection dropping" in the logs guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REPORTED = re.compile(r"[\s.;,]*\bserver reported error:\s*", re.IGNORECASE)
_DRESS = re.compile(
    r"\s*(?:(?:the )?(?:client |server )?connection (?:was |has )?(?:aborted|ended|closed)\s*(?:[.:,;-]+|\Z)\s*)?"
    r"(?:[^:]{0,60}\bconnection\b[^:]{0,60}?\breason:|reason:)?\s*",
    re.IGNORECASE,
)
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Reason:
    """`text` as written without its dress, `key` for matching, `reported_error` or "" when none.

    `reports_error` is True for a "Server reported error:" with nothing behind it too.
    """

    text: str
    key: str
    reported_error: str
    reports_error: bool


def read(message: str) -> Reason:
    """The reason in a close record's Message."""
    head, *tail = _REPORTED.split(message, maxsplit=1)
    dress = _DRESS.match(head)
    text = head[dress.end() if dress else 0 :].strip().rstrip(".").strip()
    key = _NOT_WORD.sub(" ", text).strip().lower() or text
    return Reason(text, key, tail[0].strip() if tail else "", bool(tail))
