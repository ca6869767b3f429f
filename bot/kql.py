"""Python values to KQL literals, and `let` lines above a body; the only code that quotes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.errors import UsageError
from bot.model import Window

# Kusto's literal rules were tried against Microsoft's parser with random texts: see README,
# "How values reach a query". Double quotes, backslash escapes, \uXXXX for what no editor shows.
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if code < 0x20 or 0x7F <= code <= 0x9F or code in (0x2028, 0x2029, 0xFEFF):
        return f"\\u{code:04x}"
    return character


def clean(text: str, what: str) -> str:
    """`text` unchanged, when it can be an identifier in these logs.

    Raises UsageError for control characters and lone surrogates: no id of this service holds them, and
    the two engines do not read their escapes alike.
    """
    for character in text:
        code = ord(character)
        control = code < 0x20 or 0x7F <= code <= 0x9F or code in (0x2028, 0x2029, 0xFEFF)
        if control or 0xD800 <= code <= 0xDFFF:
            raise UsageError(
                f"The {what} holds a character that no id of Azure SignalR Service holds (U+{code:04X}).",
                "Copy the id again without line breaks or invisible characters.",
            )
    return text


def literal(value: object) -> str:
    """The KQL literal of a str, bool, int, float, aware datetime or timedelta.

    Raises TypeError for any other type, ValueError for a naive datetime or a float that is not finite.
    """
    match value:
        case str():
            return '"' + "".join(map(_escape, value)) + '"'
        case bool():
            return "true" if value else "false"
        case int():
            return f"long({value})"
        case float():
            if not math.isfinite(value):
                raise ValueError(f"not a finite number: {value!r}")
            return f"real({value!r})"
        case datetime():
            if value.tzinfo is None:
                raise ValueError(f"a naive datetime has no place in a query: {value!r}")
            return f"datetime({value.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%f')}Z)"
        case timedelta():
            sign = "-" if value < timedelta(0) else ""
            whole = abs(value)
            minutes, seconds = divmod(whole.seconds, 60)
            clock = f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}.{whole.microseconds:06d}"
            return f"time({sign}{whole.days}.{clock})"
        case _:
            raise TypeError(f"no KQL literal for {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A query body with the values it reads.

    `values` maps a `let` name to a Python value; it always holds `window_start`, `window_end` and
    `resource_id`. `kql` is the whole text: what Azure runs, and what a person can paste.
    """

    name: str
    title: str
    body: str
    window: Window
    values: Mapping[str, Any]

    @property
    def kql(self) -> str:
        lines = [f"let {name} = {literal(value)};" for name, value in self.values.items()]
        return "\n".join([*lines, self.body])


def bind(name: str, title: str, body: str, window: Window, resource_id: str, params: Mapping[str, Any]) -> BoundQuery:
    """`body` bound to a window, a resource and its parameters. Raises ValueError for an odd name."""
    for key in params:
        if not _NAME.match(key):
            raise ValueError(f"not a parameter name: {key!r}")
    values = {"window_start": window.start, "window_end": window.end, "resource_id": resource_id, **params}
    return BoundQuery(name, title, body, window, values)
