"""Who the bot is to Azure: the credential its settings choose, failing in the bot's own words.

Source: azure-identity, "Azure Identity client library for Python".
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.identity import aio

from bot.errors import AccessDenied, EngineError, EngineTimeout
from bot.settings import Settings

# The metadata address of a machine that is not in Azure can take long to not answer.
SIGN_IN_LIMIT_SECONDS = 30.0
_ENTRA_CODE = re.compile(r"AADSTS\d{1,9}", re.ASCII)
_SERVICE_PRINCIPAL = (
    "Check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, and that the secret has not expired."
)
_AUTHORITY = (
    "Check the network, HTTPS_PROXY and AZURE_AUTHORITY_HOST: it is login.microsoftonline.com except in other clouds."
)
# DefaultAzureCredential keeps only the words of what went wrong inside it, one credential a line; a managed
# identity that is not there may say the same of another host.
_BY_AUTHORITY = r"(?:\A|(?:Environment|WorkloadIdentity)Credential: )"
_UNREACHED = re.compile(_BY_AUTHORITY + r"Cannot connect to host ")
_NO_TOKEN_ANSWER = re.compile(_BY_AUTHORITY + r"Unexpected response from ")
_HINTS = {
    "managed-identity": "Give this host a managed identity; for a user-assigned one set AZURE_CLIENT_ID.",
    "workload-identity": "Check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE, and the "
    "federated credential of the identity they name.",
    "client-secret": _SERVICE_PRINCIPAL,
    "environment": _SERVICE_PRINCIPAL,
    "cli": "Run `az login` as the user the bot runs as.",
    "default": "On Azure give the host a managed identity; elsewhere set AZURE_TENANT_ID, AZURE_CLIENT_ID "
    "and AZURE_CLIENT_SECRET or run `az login`. SIGNALR_BOT_CREDENTIAL names the one that is meant.",
}


def choose(settings: Settings) -> AsyncTokenCredential:
    """The credential that `settings.credential` names; it also trusts the CA bundle of the settings.

    The sign-in host is AZURE_AUTHORITY_HOST, which azure-identity reads for itself. Raises ValueError when
    the environment does not hold what the credential needs.
    """
    tls: dict[str, Any] = {"connection_verify": str(settings.ca_bundle)} if settings.ca_bundle else {}
    names = {"client_id": settings.client_id, "tenant_id": settings.tenant_id}
    given = {name: value for name, value in names.items() if value}
    match settings.credential:
        case "managed-identity":
            return aio.ManagedIdentityCredential(client_id=settings.client_id or None, **tls)
        case "workload-identity":
            return aio.WorkloadIdentityCredential(**given, **tls)
        case "client-secret" | "environment":
            return aio.EnvironmentCredential(**tls)
        case "cli":
            return aio.AzureCliCredential(tenant_id=settings.tenant_id)
        case _:
            return aio.DefaultAzureCredential(**tls)


class SignIn:
    """A credential whose every failure is a BotError, so that it cannot be taken for the log store's.

    azure-monitor-query reports a denied managed identity exactly like a bad query (status 400 and a
    response), and azure-core retries nothing that is not its own kind of error.
    """

    def __init__(self, credential: AsyncTokenCredential, kind: str) -> None:
        self._credential = credential
        self._kind = kind

    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """A token for `scopes`. Raises AccessDenied, EngineTimeout, or EngineError for a TLS failure."""
        try:
            async with asyncio.timeout(SIGN_IN_LIMIT_SECONDS):
                return await self._credential.get_token(*scopes, **kwargs)
        except TimeoutError as error:
            raise EngineTimeout(
                f"Signing in to Azure took longer than {SIGN_IN_LIMIT_SECONDS:.0f} s.", _hint(self._kind)
            ) from error
        except Exception as error:
            raise sign_in_failure(error, self._kind) from error

    async def close(self) -> None:
        await self._credential.close()

    async def __aenter__(self) -> SignIn:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


def sign_in_failure(error: Exception, kind: str) -> EngineError:
    """Why no token came; only Microsoft Entra's error number is repeated from what was said."""
    # DefaultAzureCredential keeps only the words of what went wrong inside it.
    untrusted = any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes(error))
    if untrusted or "CERTIFICATE_VERIFY_FAILED" in str(error):
        return EngineError(
            "The sign-in host showed a TLS certificate that the bot does not trust.",
            "Behind a proxy with its own CA set SIGNALR_BOT_CA_BUNDLE to the file that holds it.",
        )
    if isinstance(error, ValueError) and "invalid authority" in str(error):
        return EngineError(
            "AZURE_AUTHORITY_HOST is not an https address.", "For example https://login.microsoftonline.com"
        )
    if kind not in ("managed-identity", "cli") and (authority := _authority_failure(error)):
        return EngineError(authority, _AUTHORITY)
    code = _ENTRA_CODE.search(str(error))
    said = f" (Microsoft Entra said {code.group()})" if code else ""
    return AccessDenied(f"The bot could not sign in to Azure with the credential {kind!r}{said}.", _hint(kind))


def _authority_failure(error: Exception) -> str:
    """What is wrong with the sign-in host, when it is that and not the credential; else empty."""
    if isinstance(error, ServiceRequestError | ServiceResponseError) or _UNREACHED.search(str(error)):
        return "The sign-in host of Azure could not be reached."
    if not _ENTRA_CODE.search(str(error)) and _NO_TOKEN_ANSWER.search(str(error)):
        return "The sign-in host answered something that is not an answer of Microsoft Entra."
    return ""


def causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what lies behind it, nearest first."""
    seen: set[int] = set()
    next_error: BaseException | None = error
    while next_error is not None and id(next_error) not in seen:
        seen.add(id(next_error))
        yield next_error
        # aiohttp keeps the operating system's error beside the chain, not in it.
        beside = getattr(next_error, "os_error", None) or getattr(next_error, "certificate_error", None)
        if isinstance(beside, BaseException):
            yield beside
        next_error = next_error.__cause__ or next_error.__context__


def _hint(kind: str) -> str:
    return _HINTS.get(kind, _HINTS["default"])
