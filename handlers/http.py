"""The HTTP side of the Slack face: who may speak to the bot, and what a load balancer is told."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier

from handlers.intake import dispatched
from handlers.readiness import Check

EVENTS = "/slack/events"
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Readiness:
    """Why the bot cannot take work just now, as a sentence, empty when it can; and what else must be well."""

    reason: str = "The bot is starting."
    checks: tuple[Check, ...] = ()

    async def why_not(self) -> str:
        """The first reason there is; empty when the bot can take work."""
        if self.reason:
            return self.reason
        return next(filter(None, await asyncio.gather(*(check.reason() for check in self.checks))), "")


def health_app(readiness: Readiness) -> web.Application:
    """Serves /healthz and /readyz."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        if reason := await readiness.why_not():
            return web.json_response({"status": "not ready", "reason": reason}, status=503)
        return web.json_response({"status": "ready"})

    served = web.Application()
    served.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return served


def web_app(app: AsyncApp, signing_secret: str, readiness: Readiness) -> web.Application:
    """Serves Slack's requests at /slack/events, and what `health_app` does.

    A signature is checked before anything reads the body: Bolt parses first, so that a forged body which
    does not parse would be an error of ours. Bolt also loses a form that merely contains the word "payload"
    (slack_bolt.request.internals.parse_body, 1.30); so it is handed what we parsed, as Socket Mode does.
    """
    verifier = SignatureVerifier(signing_secret)

    async def events(request: web.Request) -> web.Response:
        try:
            raw = await request.read()
        except web.HTTPException:
            raise
        except Exception:
            # Whatever a stranger sends: a body that is cut short, or not chunked or packed as its headers say.
            return web.json_response({"error": "unreadable body"}, status=400)
        if not _is_signed(verifier, raw, request):
            if dict(parse_qsl(raw[:200].decode("utf-8", "replace"))).get("ssl_check") == "1":
                return web.Response()
            _log.info("A request to %s was refused: its signature or time is wrong.", EVENTS)
            return web.json_response({"error": "invalid request"}, status=401)
        try:
            body = _parsed(raw.decode("utf-8"))
        except (ValueError, TypeError, RecursionError):
            return web.json_response({"error": "unreadable body"}, status=400)
        return await to_aiohttp_response(await dispatched(app, body))

    served = health_app(readiness)
    served.add_routes([web.post(EVENTS, events)])
    return served


def runner(served: web.Application) -> web.AppRunner:
    """What serves `served`; it unpacks no body: Slack packs none, and a stranger's may be a bomb."""
    return web.AppRunner(served, access_log=None, handle_signals=False, shutdown_timeout=5, auto_decompress=False)


def _is_signed(verifier: SignatureVerifier, raw: bytes, request: web.Request) -> bool:
    """Whether Slack's signature fits; what cannot even be read as one does not."""
    timestamp = request.headers.get("X-Slack-Request-Timestamp")
    signature = request.headers.get("X-Slack-Signature")
    try:
        return verifier.is_valid(raw, timestamp, signature)
    except (ValueError, TypeError, OverflowError):
        return False


def _parsed(body: str) -> dict[str, Any]:
    """The payload of a request: JSON, a form with JSON in `payload`, or a form.

    Raises ValueError, TypeError or RecursionError.
    """
    if body.startswith("{"):
        payload = json.loads(body)
    else:
        form = dict(parse_qsl(body, keep_blank_values=True))
        payload = json.loads(form["payload"]) if "payload" in form and "command" not in form else form
    if not isinstance(payload, dict):
        raise TypeError("the payload is no object")
    return payload
