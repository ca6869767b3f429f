"""Endpoints out of reach and sign-ins that fail are told for what they are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

from bot.engines.azure_credentials import sign_in_failure
from bot.engines.azure_errors import Scope, refused
from bot.engines.log_analytics import LogAnalyticsEngine
from bot.engines.opening import check_online, open_engine
from bot.errors import AccessDenied, BotError, EngineError
from bot.settings import Settings
from tests.standins import log_analytics as azure
from tests.standins.log_analytics import LogAnalyticsStandIn, Reply
from tests.standins.log_analytics_bench import MINUTE, TABLE, WORKSPACE, bench, bound, failure_of, two_rows

ENDPOINT = "SIGNALR_BOT_LOGS_ENDPOINT"
UNREACHED = "The sign-in host of Azure could not be reached."
ANSWERED_ELSE = "The sign-in host answered something that is not an answer of Microsoft Entra."


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        pytest.param(
            {"ca_bundle": None},
            "127.0.0.1 showed a TLS certificate that the bot does not trust.",
            "SIGNALR_BOT_CA_BUNDLE",
            id="a certificate of an unknown CA",
        ),
        pytest.param(
            {"ca_bundle": Path("no-such-file.pem")},
            "The file of SIGNALR_BOT_CA_BUNDLE could not be read as certificates.",
            "PEM",
            id="a CA bundle that is not there",
        ),
        pytest.param(
            {"logs_endpoint": "https://logs.invalid"},
            "The name logs.invalid could not be looked up.",
            ENDPOINT,
            id="a name nobody knows",
        ),
        pytest.param(
            {"logs_endpoint": "https://127.0.0.1:1"},
            "127.0.0.1 could not be reached.",
            ENDPOINT,
            id="a port nobody listens on",
        ),
        pytest.param(
            {"logs_endpoint": "http://127.0.0.1:1"},
            "SIGNALR_BOT_LOGS_ENDPOINT must start with https://.",
            "https://api.loganalytics.io",
            id="an endpoint without TLS",
        ),
    ],
)
async def test_an_endpoint_out_of_reach_is_named(settings: dict[str, Any], message: str, hint: str) -> None:
    async with bench(**settings) as asked:
        error = await failure_of(asked)
        assert (type(error), error.message, hint in error.hint) == (EngineError, message, True)


async def test_an_endpoint_that_speaks_no_tls_is_named() -> None:
    async def shut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(shut, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, bench(logs_endpoint=f"https://127.0.0.1:{port}") as asked:
        error = await failure_of(asked)
        assert (type(error), error.message) == (EngineError, "No TLS connection to 127.0.0.1 could be made.")


class Denied(ClientAuthenticationError):
    """What a denied managed identity looks like: status 400, as a bad query has."""

    status_code = 400


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        pytest.param(
            Denied("Identity not found"),
            "The bot could not sign in to Azure with the credential 'default'.",
            id="a denied identity is not a bad query",
        ),
        pytest.param(
            ClientAuthenticationError("AADSTS7000222: the secret 'abc' of app 'x' has expired"),
            "The bot could not sign in to Azure with the credential 'default' (Microsoft Entra said AADSTS7000222).",
            id="only the number of Entra's words is repeated",
        ),
        pytest.param(
            ValueError("no token file"),
            "The bot could not sign in to Azure with the credential 'default'.",
            id="an exception that is not Azure's",
        ),
    ],
)
async def test_a_failed_sign_in_is_told(failure: Exception, message: str) -> None:
    async with bench(failure) as asked:
        error = await failure_of(asked)
        told = (type(error), error.message, "SIGNALR_BOT_CREDENTIAL" in error.hint, asked.stand_in.requests)
        assert told == (AccessDenied, message, True, [])


@pytest.mark.parametrize(
    ("failure", "kind", "message"),
    [
        pytest.param(ServiceRequestError("Cannot connect to host x"), "client-secret", UNREACHED, id="a refused host"),
        pytest.param(ServiceResponseError("cut"), "workload-identity", UNREACHED, id="a host that hangs up"),
        pytest.param(
            ClientAuthenticationError("Attempted:\n\tEnvironmentCredential: Cannot connect to host x:443"),
            "default",
            UNREACHED,
            id="a refused host behind the default credential",
        ),
        pytest.param(
            ClientAuthenticationError("Unexpected response from Microsoft Entra ID: <html>"),
            "environment",
            ANSWERED_ELSE,
            id="a web page",
        ),
        pytest.param(
            ClientAuthenticationError("Attempted:\n\tEnvironmentCredential: Unexpected response from Entra: <html>"),
            "default",
            ANSWERED_ELSE,
            id="a web page behind the default credential",
        ),
        pytest.param(
            ValueError("'http://x' is an invalid authority. The value must be a TLS protected (https) URL."),
            "client-secret",
            "AZURE_AUTHORITY_HOST is not an https address.",
            id="a host without TLS",
        ),
    ],
)
def test_a_sign_in_host_out_of_reach_is_not_the_credentials_fault(failure: Exception, kind: str, message: str) -> None:
    error = sign_in_failure(failure, kind)
    told = (type(error), error.message, "AZURE_AUTHORITY_HOST" in error.message + error.hint)
    assert told == (EngineError, message, True)


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        pytest.param("managed-identity", ServiceRequestError("Cannot connect to host 169.254.169.254"), id="its own"),
        pytest.param(
            "default",
            ClientAuthenticationError("\tManagedIdentityCredential: Cannot connect to host 169.254.169.254"),
            id="that of the default credential",
        ),
    ],
)
def test_a_metadata_address_out_of_reach_is_no_sign_in_host(kind: str, failure: Exception) -> None:
    assert type(sign_in_failure(failure, kind)) is AccessDenied


@pytest.mark.parametrize(
    "authority", ["https://127.0.0.1:1", "https://login.invalid", "http://127.0.0.1", "localhost:1"]
)
async def test_the_authority_that_cannot_be_used_is_named_and_azure_logs_nothing(
    authority: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.setenv(name, WORKSPACE)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", authority)
    engine = open_engine(Settings(workspace_id=WORKSPACE, credential="client-secret"))
    with pytest.raises(EngineError) as caught:
        await engine.query(bound(), MINUTE)
    await engine.close()
    told = (type(caught.value), "AZURE_AUTHORITY_HOST" in caught.value.message + caught.value.hint, caplog.text)
    assert told == (EngineError, True, "")


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        pytest.param(None, "", id="an answer"),
        pytest.param(azure.unresolved("SignalRServiceDiagnosticLogs"), "", id="a workspace without a record yet"),
        pytest.param(azure.forbidden(), "The bot's identity may not read the workspace.", id="no role"),
    ],
)
async def test_whether_the_log_store_can_be_asked_is_told_by(reply: Reply | None, outcome: str) -> None:
    async with bench() as asked:
        if reply is not None:
            asked.stand_in.script.append(reply)
        try:
            await check_online(asked.engine, Settings(workspace_id=WORKSPACE))
            told = ""
        except BotError as error:
            told = error.message
        assert (told, "print ready = 1" in asked.stand_in.requests[0].kql) == (outcome, True)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param("7", "Try again in 7 s.", id="seconds"),
        pytest.param("600", "Try again in 10 min.", id="minutes"),
        pytest.param("10000", "Try again in 3 hours.", id="hours"),
        pytest.param("999999999", "Try again in 11575 days.", id="the far future"),
    ],
)
def test_the_wait_the_log_store_asks_for_is_told_in_fitting_units(seconds: str, words: str) -> None:
    failure = refused(429, {"Retry-After": seconds}, b"", Scope(Settings(), by_workspace=True))
    assert failure.error.hint.startswith(words)


@pytest.mark.parametrize("kind", ["client-secret", "environment", "default"])
@pytest.mark.parametrize(
    ("secret", "outcome"),
    [
        pytest.param("right", TABLE, id="with the right secret"),
        pytest.param("wrong", (AccessDenied, True), id="with a wrong secret"),
    ],
)
async def test_the_environment_signs_in(
    kind: str, secret: str, outcome: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LogAnalyticsStandIn(two_rows) as stand_in:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", stand_in.endpoint)
        monkeypatch.setenv("AZURE_TENANT_ID", WORKSPACE)
        monkeypatch.setenv("AZURE_CLIENT_ID", WORKSPACE)
        monkeypatch.setenv("AZURE_CLIENT_SECRET", secret)
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
        engine = LogAnalyticsEngine(
            Settings(
                workspace_id=WORKSPACE,
                logs_endpoint=stand_in.endpoint,
                ca_bundle=stand_in.ca_file,
                credential=kind,
            )
        )
        try:
            found: object = await engine.query(bound(), MINUTE)
        except BotError as error:
            found = (type(error), "AADSTS7000215" in error.message)
        finally:
            await engine.close()
        assert found == outcome


async def test_a_credential_without_its_environment_says_what_it_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    engine = LogAnalyticsEngine(Settings(workspace_id=WORKSPACE, credential="workload-identity"))
    with pytest.raises(AccessDenied, match="'workload-identity'") as caught:
        await engine.query(bound(), MINUTE)
    await engine.close()
    assert "AZURE_FEDERATED_TOKEN_FILE" in caught.value.hint
