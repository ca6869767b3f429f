"""Audiences side by side: in which parts two of them differ."""

from __future__ import annotations

import pytest

from bot.interpret.auth.audience import read

RIGHT = "https://a.example.com/client/?hub=chat"


def said(expected: str, actual: str) -> str:
    return f"Failed to validate audience. Expected Audiences: {expected}. Actual Audiences: {actual}"


@pytest.mark.parametrize(
    ("expected", "actual", "parts"),
    [
        pytest.param(
            RIGHT, "https://b.example.com/client/?hub=chat", [("host", "a.example.com", "b.example.com")], id="host"
        ),
        pytest.param(
            RIGHT, "http://a.example.com/client/?hub=chat", [("scheme", "https", "http")], id="scheme, not port"
        ),
        pytest.param(
            RIGHT, "https://a.example.com:443/client/?hub=chat", [("port", "none written", ":443")], id="port"
        ),
        pytest.param(
            RIGHT,
            "https://A.example.com/client/?hub=chat",
            [("case", "a.example.com", "A.example.com")],
            id="host case",
        ),
        pytest.param(
            RIGHT, "https://a.example.com/client/?hub=Chat", [("case", "hub chat", "hub Chat")], id="hub case"
        ),
        pytest.param(
            RIGHT, "https://a.example.com/client/?hub=shop_chat", [("prefix", "hub chat", "hub shop_chat")], id="prefix"
        ),
        pytest.param(RIGHT, "https://a.example.com/client/?hub=news", [("hub", "hub chat", "hub news")], id="hub"),
        pytest.param(RIGHT, "https://a.example.com/client/", [("hub", "hub chat", "no hub")], id="no hub"),
        pytest.param(
            RIGHT,
            "https://a.example.com/client?hub=chat",
            [("slash", "a slash behind the path", "no slash behind the path")],
            id="slash behind the path",
        ),
        pytest.param(
            RIGHT,
            "https://a.example.com/server/?hub=chat",
            [("kind", "a client connection", "a server connection")],
            id="kind",
        ),
        pytest.param(
            RIGHT,
            "https://b.example.com:8080/api/v1/hubs/news",
            [
                ("kind", "a client connection", "a REST request"),
                ("host", "a.example.com", "b.example.com"),
                ("port", "none written", ":8080"),
                ("hub", "hub chat", "hub news"),
            ],
            id="several parts, all named",
        ),
        pytest.param(
            f"{RIGHT}, https://chat.example.com/client/?hub=chat",
            "https://chat.example.com/client/?hub=chat/",
            [("slash", "no slash behind the hub", "a slash behind the hub")],
            id="the closest of several",
        ),
        pytest.param(
            f'["{RIGHT}";\n"x"]', f"'{RIGHT}'.", [("same", RIGHT, RIGHT)], id="brackets, quotes and line breaks"
        ),
        pytest.param(RIGHT, "[]", [("missing", RIGHT, "")], id="an empty list"),
        pytest.param(RIGHT, "https://[::1/client", [("form", RIGHT, "https://[::1/client")], id="no URL at all"),
        pytest.param(
            RIGHT,
            "https://a.example.com:99999/",
            [("form", RIGHT, "https://a.example.com:99999/")],
            id="an impossible port",
        ),
        pytest.param("API://App", "api://app", [("case", "App", "app")], id="an application's id"),
    ],
)
def test_the_parts_that_differ_are_named(expected: str, actual: str, parts: list[tuple[str, str, str]]) -> None:
    failure = read(said(expected, actual))
    assert failure is not None
    named = [(each.part.removeprefix("audience-"), each.expected, each.actual) for each in failure.differences]
    assert named == parts


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("", id="nothing"),
        pytest.param("The audience is invalid", id="no lists"),
        pytest.param("Expected Audiences: " + "x" * 10_000, id="only what is expected, at length"),
    ],
)
def test_a_text_without_two_lists_is_no_audience_failure(message: str) -> None:
    assert read(message) is None
