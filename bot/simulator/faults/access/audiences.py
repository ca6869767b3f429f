"""The audience of a token: what it has to be, and the usual ways of getting it wrong.

Sources: `DefaultServiceEndpointGenerator.cs` of the SDK for the shape; the REST API reference for its audience.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bot.simulator.events import SERVICE_URL

_HOST = SERVICE_URL.removeprefix("https://")
_OTHER_HOST = "chat-staging.example.com"

# (expected, actual) for a path of the service ("client" or "server") and a hub.
_Mistake = Callable[[str, str], tuple[str, str]]


def audience(path: str, hub: str) -> str:
    return f"{SERVICE_URL}/{path}/?hub={hub}"


def _other_host(path: str, hub: str) -> tuple[str, str]:
    right = audience(path, hub)
    return right, right.replace(_HOST, _OTHER_HOST)


def _scheme(path: str, hub: str) -> tuple[str, str]:
    right = audience(path, hub)
    return right, right.replace("https://", "http://")


def _several(path: str, hub: str) -> tuple[str, str]:
    """A custom domain makes the service accept two audiences; the token names the proxy in front of both."""
    right = audience(path, hub)
    return f"{right}, {right.replace(_HOST, 'chat.example.com')}", right.replace(_HOST, "proxy.example.com")


MISTAKES: Mapping[str, _Mistake] = MappingProxyType(
    {
        "other-host": _other_host,
        "other-hub": lambda path, hub: (audience(path, hub), audience(path, "reports")),
        "no-prefix": lambda path, hub: (audience(path, f"shop_{hub}"), audience(path, hub)),
        "scheme": _scheme,
        "slash": lambda path, hub: (audience(path, hub), f"{audience(path, hub)}/"),
        "case": lambda path, hub: (audience(path, hub), audience(path, hub.title())),
        "rest": lambda path, hub: (audience(path, hub), f"{SERVICE_URL}/api/hubs/{hub}"),
        "several": _several,
    }
)


def mistaken(mistake: str, path: str, hub: str) -> tuple[str, str]:
    """The expected and the actual audience. Raises ValueError for a mistake that nobody makes."""
    if mistake not in MISTAKES:
        raise ValueError(f"there is no mistake {mistake!r}; there are {', '.join(MISTAKES)}")
    return MISTAKES[mistake](path, hub)
