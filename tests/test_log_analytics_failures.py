"""Every way Log Analytics refuses a query becomes the bot's own error; what may heal is asked again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engines.azure_answers import read_answer
from bot.engines.azure_errors import Failure, Scope, refused, without_tables
from bot.errors import (
    AccessDenied,
    BotError,
    EngineError,
    EngineTimeout,
    LogsNotEnabled,
    Throttled,
    UnsupportedKql,
)
from bot.settings import Settings
from tests.standins import log_analytics as azure
from tests.standins.log_analytics import Reply
from tests.standins.log_analytics_bench import RESOURCE, SECRET, TABLE, bench, failure_of

LOGS_ARE_OFF = "Log Source Settings"
ENDPOINT = "SIGNALR_BOT_LOGS_ENDPOINT"
WRONG_TOKEN = "The log store did not accept the bot's sign-in."
NO_API = "127.0.0.1 sent {} instead of an answer.".format


@pytest.mark.parametrize(
    ("reply", "kind", "message", "hint"),
    [
        pytest.param(
            azure.unresolved("SignalRServiceDiagnosticLogs"),
            LogsNotEnabled,
            "The log store has no table SignalRServiceDiagnosticLogs.",
            LOGS_ARE_OFF,
            id="the table is not there",
        ),
        pytest.param(
            azure.unresolved("ConnectionID"),
            UnsupportedKql,
            "The log store knows no table or column ConnectionID (SEM0100).",
            "columns",
            id="a column is not there",
        ),
        pytest.param(
            azure.semantic_error(f"not tabular: {SECRET}", "SEM0003"),
            UnsupportedKql,
            "The log store could not make sense of the query (SEM0003).",
            "portal",
            id="another semantic error, which quotes the query",
        ),
        pytest.param(
            azure.syntax_error(3, 17, SECRET),
            UnsupportedKql,
            "The log store could not read the query at line 3, position 17 (SYN0002).",
            "portal",
            id="a syntax error, which quotes the query",
        ),
        pytest.param(
            azure.refusal(400, ("BadArgumentError", "Response (SYN0001) could not be parsed")),
            UnsupportedKql,
            "The log store could not read the query (SYN0001).",
            "portal",
            id="a syntax error in the short form",
        ),
        pytest.param(
            azure.forbidden(),
            AccessDenied,
            "The bot's identity may not read the workspace.",
            "Log Analytics Reader",
            id="no role",
        ),
        pytest.param(Reply(403), AccessDenied, "The bot's identity may not read the workspace.", "hour", id="bare 403"),
        pytest.param(
            azure.page(403), EngineError, "127.0.0.1 answered with HTTP 403 and no reason.", ENDPOINT, id="a 403 page"
        ),
        pytest.param(
            azure.refusal(401, ("AuthenticationFailed", "no")), AccessDenied, WRONG_TOKEN, "TENANT_ID", id="401"
        ),
        pytest.param(azure.text(401), AccessDenied, WRONG_TOKEN, "https://logs.example.com", id="401 without a body"),
        pytest.param(
            azure.refusal(403, ("InvalidAuthenticationTokenAudience", "no")),
            AccessDenied,
            WRONG_TOKEN,
            "SIGNALR_BOT_LOGS_AUDIENCE",
            id="a token for another audience",
        ),
        pytest.param(
            azure.refusal(404, ("PathNotFoundError", "The requested path does not exist")),
            EngineError,
            "The log store knows no workspace with this id.",
            "Overview page",
            id="a workspace that is not there",
        ),
        pytest.param(
            azure.refusal(400, ("FailedToResolveResource", "no")),
            EngineError,
            "The log store knows no workspace with this id.",
            "GUID",
            id="a workspace that cannot be resolved",
        ),
        pytest.param(
            azure.page(404), EngineError, "127.0.0.1 answered with HTTP 404 and no reason.", ENDPOINT, id="a 404 page"
        ),
        pytest.param(
            Reply(307, headers={"Location": "https://login.example.com/"}),
            EngineError,
            "127.0.0.1 answered with HTTP 307 and no reason.",
            "proxy",
            id="a redirect is not followed",
        ),
        pytest.param(Reply(204), LogsNotEnabled, "The workspace holds no logs yet.", LOGS_ARE_OFF, id="204"),
        pytest.param(
            azure.refusal(400, ("WorkspaceNotPlacedError", "no")),
            LogsNotEnabled,
            "The workspace holds no logs yet.",
            LOGS_ARE_OFF,
            id="a workspace without data",
        ),
        pytest.param(
            azure.gateway_timeout(),
            EngineTimeout,
            "The query ran longer than the log store allows.",
            "narrower window",
            id="504 is final",
        ),
        pytest.param(
            azure.refusal(400, ("BadArgumentError", "x"), ("E_RUNAWAY_QUERY", "The query is too complex")),
            EngineError,
            "The query needs more work than the log store allows.",
            "narrower window",
            id="a runaway query",
        ),
        pytest.param(azure.page(200), EngineError, NO_API("a web page"), ENDPOINT, id="a page with status 200"),
        pytest.param(azure.text(200), EngineError, "127.0.0.1 sent an empty answer.", ENDPOINT, id="an empty 200"),
        pytest.param(
            azure.text(200, b'{"tables": [{"na'),
            EngineError,
            "127.0.0.1 sent something that is not an answer of the Log Analytics API.",
            "proxy",
            id="half an answer",
        ),
        pytest.param(
            azure.text(200, b'{"error": {"code": "PartialError", "message": "No table could be read."}}'),
            EngineError,
            "The log store could not finish the query: No table could be read.",
            "narrower window",
            id="an error without tables",
        ),
        pytest.param(
            azure.refusal(400, ("BadArgumentError", f"it is about {SECRET}")),
            EngineError,
            "The log store refused the query (HTTP 400, BadArgumentError).",
            "portal",
            id="a refusal nobody documented",
        ),
        pytest.param(
            azure.text(400, b'{"error": "text"}'),
            EngineError,
            "127.0.0.1 answered with HTTP 400 and no reason.",
            ENDPOINT,
            id="an error that is a text",
        ),
        pytest.param(
            azure.text(400, b'{"error": {"code": {}, "message": 7, "innererror": [1]}}'),
            EngineError,
            "127.0.0.1 answered with HTTP 400 and no reason.",
            ENDPOINT,
            id="an error of odd types",
        ),
        pytest.param(
            Reply(200, b"no gzip", {"Content-Encoding": "gzip"}),
            EngineError,
            "127.0.0.1 did not answer as a Log Analytics endpoint does.",
            ENDPOINT,
            id="broken packing",
        ),
    ],
)
async def test_a_refusal_is_told_in_our_words(reply: Reply, kind: type[BotError], message: str, hint: str) -> None:
    async with bench() as asked:
        asked.stand_in.script = [reply] * 9
        error = await failure_of(asked)
        told = (type(error), error.message, hint in error.hint, SECRET in error.hint)
        assert told == (kind, message, True, False)


@pytest.mark.parametrize(
    ("reply", "kind", "message", "hint"),
    [
        pytest.param(
            azure.forbidden(resource=True),
            AccessDenied,
            "The bot's identity may not read the logs of the SignalR resource.",
            "Monitoring Reader",
            id="no role on the resource",
        ),
        pytest.param(
            azure.refusal(404, ("ResourceNotFoundError", "no")),
            EngineError,
            "The log store knows no SignalR resource with this id.",
            "Properties page",
            id="no such resource",
        ),
    ],
)
async def test_a_resource_is_refused_in_its_own_words(
    reply: Reply, kind: type[BotError], message: str, hint: str
) -> None:
    async with bench(workspace_id="", resource_id=RESOURCE) as asked:
        asked.stand_in.script = [reply]
        error = await failure_of(asked)
        assert (type(error), error.message, hint in error.hint) == (kind, message, True)


async def test_a_path_that_is_no_resource_is_never_asked() -> None:
    async with bench(workspace_id="", resource_id="/subscriptions/x/../y") as asked:
        error = await failure_of(asked)
        assert (error.message, asked.stand_in.requests) == (
            "SIGNALR_BOT_RESOURCE_ID is not the id of a SignalR resource.",
            [],
        )


@pytest.mark.parametrize(
    ("replies", "requests"),
    [
        pytest.param([azure.throttled("2")], 2, id="429 that names a wait"),
        pytest.param([azure.throttled()], 2, id="429 that names none"),
        pytest.param([azure.page(502), azure.page(502)], 3, id="a gateway that failed twice"),
        pytest.param([azure.refusal(503, ("ServiceUnavailable", "no"))], 2, id="503"),
        pytest.param([azure.cut()], 2, id="a connection that was cut"),
    ],
)
async def test_what_may_heal_is_asked_again(replies: list[Reply], requests: int) -> None:
    async with bench() as asked:
        asked.stand_in.script = list(replies)
        assert (await asked.ask(), len(asked.stand_in.requests)) == (TABLE, requests)


async def test_the_wait_a_throttled_query_is_told_is_kept() -> None:
    async with bench() as asked:
        asked.stand_in.script = [azure.throttled("2"), azure.throttled("7")]
        await asked.ask()
        assert asked.pauses == [2.0, 7.0]


@pytest.mark.parametrize(
    ("reply", "requests", "kind", "message"),
    [
        pytest.param(
            azure.throttled("300"),
            1,
            Throttled,
            "The log store has too many queries to answer and asks to wait 300 s.",
            id="a wait that does not fit the time left",
        ),
        pytest.param(
            azure.throttled("Fri, 01 Jan 2100 00:00:00 GMT"),
            1,
            Throttled,
            "The log store has too many queries to answer and asks to wait",
            id="a wait given as a far date",
        ),
        pytest.param(
            azure.throttled("soon"),
            5,
            Throttled,
            "The log store has too many queries to answer.",
            id="a wait that nobody can read",
        ),
        pytest.param(
            azure.page(502),
            3,
            EngineError,
            "A gateway on the way to 127.0.0.1 failed (HTTP 502).",
            id="a gateway that stays away",
        ),
        pytest.param(
            azure.refusal(500, ("InternalServerError", "no")),
            3,
            EngineError,
            "The log store could not work (HTTP 500).",
            id="a service that stays ill",
        ),
        pytest.param(
            azure.cut(),
            3,
            EngineError,
            "The connection to 127.0.0.1 was cut before the answer was complete.",
            id="a connection that is always cut",
        ),
        pytest.param(
            azure.gateway_timeout(),
            1,
            EngineTimeout,
            "The query ran longer than the log store allows.",
            id="a query that ran too long is not run again",
        ),
        pytest.param(
            azure.refusal(400, ("BadArgumentError", "no"), headers={"Retry-After": "1"}),
            1,
            EngineError,
            "The log store refused the query (HTTP 400, BadArgumentError).",
            id="a bad query is not sent again, whatever it is told",
        ),
    ],
)
async def test_asking_again_ends(reply: Reply, requests: int, kind: type[BotError], message: str) -> None:
    async with bench() as asked:
        asked.stand_in.script = [reply] * 9
        error = await failure_of(asked)
        told = (len(asked.stand_in.requests), type(error), error.message.startswith(message))
        assert told == (requests, kind, True)


KEYS = st.sampled_from(
    ["error", "code", "message", "innererror", "details", "line", "pos", "tables", "rows", "columns"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["SEM0100", "SYN0002"])
ANY_JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6))


@given(status=st.integers(100, 599), body=ANY_JSON, after=st.text())
def test_no_body_of_a_refusal_breaks_the_bot(status: int, body: Any, after: str) -> None:
    failure = refused(status, {"Retry-After": after}, json.dumps(body).encode(), Scope(Settings(), True))
    assert bool(failure.error.message and failure.error.hint)


@given(body=ANY_JSON | st.fixed_dictionaries({"error": ANY_JSON, "tables": ANY_JSON}))
def test_an_answer_of_any_shape_is_read_or_refused(body: Any) -> None:
    try:
        answer = read_answer(json.dumps(body).encode())
    except ValueError:
        return
    assert answer.table is not None or isinstance(without_tables(answer.error, Scope(Settings(), True)), Failure)
