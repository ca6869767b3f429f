"""Audiences side by side: what a token was made for, what the service takes, and in which part the two differ.

Sources: "Unauthorized connections" in the logs guide for the sentence; `DefaultServiceEndpointGenerator.cs` and
`ServiceEndpointProvider.cs` of the SDK, and the REST API reference, for what an audience looks like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from bot.interpret.said import short

_EXPECTED = re.compile(r"(?:expected|valid)\s+audiences?\s*(?:is|are)?\s*[:=]\s*", re.IGNORECASE)
_ACTUAL = re.compile(r"(?:actual|given|received)\s+audiences?\s*(?:is|are)?\s*[:=]\s*", re.IGNORECASE)
# Between two values of a list; inside a URL none of these stands unless something URL-like follows.
_BETWEEN = re.compile(r"[\s,;|]+")
_BETWEEN_URLS = re.compile(r"""[\s,;|"'\]\[]+(?=["'\[(<]*[a-z][a-z0-9+.-]*://)|["']\s*[,;|\s]\s*["']""", re.IGNORECASE)
_AROUND = " \t\r\n\"'`[](){}<>,;|"
# A list longer than this is a stranger's joke; the closest pair is looked for among the first ones.
_MOST = 20
_PORTS = {"https": 443, "http": 80, "wss": 443, "ws": 80}


class Part(StrEnum):
    """A part of an audience, as the code of its finding is called; in the order in which a fix starts."""

    MISSING = "audience-missing"
    FORM = "audience-form"
    KIND = "audience-kind"
    HOST = "audience-host"
    PORT = "audience-port"
    SCHEME = "audience-scheme"
    PREFIX = "audience-prefix"
    HUB = "audience-hub"
    CASE = "audience-case"
    SLASH = "audience-slash"
    PATH = "audience-path"
    QUERY = "audience-query"
    ENCODING = "audience-encoding"
    SAME = "audience-same"


# How far apart two audiences are that differ in a part; a pair that differs less is the one that was meant.
_WEIGHT = {
    Part.MISSING: 100,
    Part.FORM: 60,
    Part.HOST: 16,
    Part.KIND: 12,
    Part.HUB: 8,
    Part.PATH: 6,
    Part.PREFIX: 4,
    Part.QUERY: 4,
    Part.PORT: 3,
    Part.SCHEME: 3,
    Part.CASE: 2,
    Part.SLASH: 1,
    Part.ENCODING: 1,
    Part.SAME: 0,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One part in which the two differ, with what each holds there."""

    part: Part
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An audience failure: the closest pair of its lists, and what differs between the two.

    `expected` is "" when the service named none, `actual` when the token holds none.
    """

    expected: str
    actual: str
    differences: tuple[Difference, ...]
    others: int

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(difference.part for difference in self.differences)


def read(message: str) -> Failure | None:
    """The audience failure in a record's Message; None when it is not about audiences."""
    wanted, had = _EXPECTED.search(message), _ACTUAL.search(message)
    if wanted is None or had is None:
        return None
    first, second = sorted((wanted, had), key=lambda match: match.start())
    lists = {first: message[first.end() : second.start()], second: message[second.end() :]}
    expected, actual = _values(lists[wanted]), _values(lists[had])
    if not expected or not actual:
        held = Difference(Part.MISSING, short(", ".join(expected), 200), short(", ".join(actual), 200))
        return Failure(", ".join(expected), ", ".join(actual), (held,), 0)
    pairs = [(one, other, _differences(one, other)) for one, other in product(expected[:_MOST], actual[:_MOST])]
    one, other, differences = min(pairs, key=lambda pair: _distance(pair[2]))
    return Failure(one, other, differences, len(expected) + len(actual) - 2)


def _values(text: str) -> list[str]:
    """The audiences in a list written with any separators, quotes and brackets, without the sentence's full stop."""
    text = text.strip().removesuffix(".")
    between = _BETWEEN_URLS if "://" in text else _BETWEEN
    return [value for piece in between.split(text) if (value := piece.strip(_AROUND))]


def _distance(differences: Iterable[Difference]) -> int:
    return sum(_WEIGHT[difference.part] for difference in differences)


@dataclass(frozen=True, slots=True)
class _Audience:
    """A URL taken apart. `kind` says for which kind of request it is; `rest` is its path without kind and hub."""

    scheme: str
    host: str
    port: int | None
    port_written: bool
    kind: str
    hub: str
    path: str
    slashes: frozenset[str]
    query: tuple[tuple[str, str], ...]


def _differences(expected: str, actual: str) -> tuple[Difference, ...]:
    if expected == actual:
        return (Difference(Part.SAME, short(expected, 200), short(actual, 200)),)
    one, other = _parse(expected), _parse(actual)
    if one is None or other is None:
        part = Part.CASE if expected.casefold() == actual.casefold() else Part.FORM
        return (Difference(part, short(expected, 200), short(actual, 200)),)
    found = [*_origin(one, other), *_request(one, other)]
    if not found:
        # Only the spelling differs: %2F for /, an empty query, a fragment.
        found = [Difference(Part.ENCODING, short(expected, 200), short(actual, 200))]
    order = list(Part)
    return tuple(sorted(found, key=lambda difference: order.index(difference.part)))


def _parse(text: str) -> _Audience | None:
    try:
        url: SplitResult = urlsplit(text)
        port = url.port
    except ValueError:
        return None
    if not url.scheme or not url.netloc:
        return None
    host = url.netloc.rsplit("@", 1)[-1]
    host = host if port is None else host.removesuffix(f":{port}")
    query = parse_qsl(url.query, keep_blank_values=True)
    hub = next((value for key, value in query if key.casefold() == "hub"), "")
    path = unquote(url.path)
    kind, in_path = _kind(path)
    # A slash behind the hub of a query belongs to the audience, not to the hub.
    ends = {"path": path.endswith("/"), "hub": hub.endswith("/")}
    return _Audience(
        url.scheme,
        host,
        port if port is not None else _PORTS.get(url.scheme),
        port is not None,
        kind,
        hub.rstrip("/") or in_path,
        path.rstrip("/"),
        frozenset(where for where, there in ends.items() if there),
        tuple((key, value) for key, value in query if key.casefold() != "hub"),
    )


def _kind(path: str) -> tuple[str, str]:
    """The kind of request that a path is of, and the hub that the path of a REST request names."""
    first, *more = [piece for piece in path.split("/") if piece] or [""]
    match first.casefold():
        case "client":
            return "client connection", ""
        case "server":
            return "server connection", ""
        case "aspnetclient":
            return "client connection of ASP.NET SignalR", ""
        case "aspnetserver":
            return "server connection of ASP.NET SignalR", ""
        case "api":
            at = next((place for place, piece in enumerate(more) if piece.casefold() in ("hubs", "hub")), None)
            return "REST request", more[at + 1] if at is not None and at + 1 < len(more) else ""
        case "":
            return "service as a whole", ""
        case _:
            return f"path /{short(first, 60)}", ""


def _origin(one: _Audience, other: _Audience) -> list[Difference]:
    found = []
    if one.scheme.casefold() != other.scheme.casefold():
        found.append(Difference(Part.SCHEME, one.scheme, other.scheme))
    if one.host.casefold() != other.host.casefold():
        found.append(Difference(Part.HOST, short(one.host, 120), short(other.host, 120)))
    elif one.host != other.host:
        found.append(Difference(Part.CASE, short(one.host, 120), short(other.host, 120)))
    same_default = one.scheme.casefold() != other.scheme.casefold() and not (one.port_written or other.port_written)
    if (one.port != other.port and not same_default) or one.port_written != other.port_written:
        found.append(Difference(Part.PORT, _port(one), _port(other)))
    return found


def _port(audience: _Audience) -> str:
    return f":{audience.port}" if audience.port_written else "none written"


def _request(one: _Audience, other: _Audience) -> list[Difference]:
    found = []
    if one.kind.casefold() != other.kind.casefold():
        found.append(Difference(Part.KIND, f"a {one.kind}", f"a {other.kind}"))
    elif _without(one) != _without(other):
        part = Part.CASE if _without(one).casefold() == _without(other).casefold() else Part.PATH
        found.append(Difference(part, short(one.path, 120), short(other.path, 120)))
    if hub := _hub(one, other):
        found.append(hub)
    # Kinds differ in their slashes and queries by nature; only between two of a kind is that a mistake of its own.
    if one.kind == other.kind:
        if one.slashes != other.slashes:
            found.append(_slash(one, other))
        if sorted(one.query) != sorted(other.query):
            found.append(Difference(Part.QUERY, _query(one), _query(other)))
    return found


def _without(audience: _Audience) -> str:
    """The path, without the hub that a REST request names in it."""
    return audience.path.replace(f"/{audience.hub}", "/{hub}", 1) if audience.hub else audience.path


def _hub(one: _Audience, other: _Audience) -> Difference | None:
    expected, actual = unquote(one.hub), unquote(other.hub)
    if expected == actual or (one.kind != other.kind and not (expected and actual)):
        return None
    low, other_low = expected.casefold(), actual.casefold()
    if low == other_low:
        part = Part.CASE
    elif low and other_low and (low.endswith(f"_{other_low}") or other_low.endswith(f"_{low}")):
        part = Part.PREFIX
    else:
        part = Part.HUB
    return Difference(part, _named(expected), _named(actual))


def _named(hub: str) -> str:
    return f"hub {short(hub, 120)}" if hub else "no hub"


def _slash(one: _Audience, other: _Audience) -> Difference:
    """Where one has a slash and the other has none; the first such place."""
    place = min(one.slashes ^ other.slashes)
    with_one, without = f"a slash behind the {place}", f"no slash behind the {place}"
    return Difference(Part.SLASH, *((with_one, without) if place in one.slashes else (without, with_one)))


def _query(audience: _Audience) -> str:
    return short("&".join(f"{key}={value}" for key, value in audience.query), 120) or "none"
