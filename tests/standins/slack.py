"""A Slack on this machine: signs and sends, serves the Web API, response URLs, uploads and Socket Mode.

It keeps Slack's rules where breaking them would show only in a real workspace: five uses and thirty minutes of
a response URL, what `replace_original` replaces, what Block Kit refuses, and 429 with Retry-After on demand.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from tests.standins import block_kit

SECRET = "0123456789abcdef0123456789abcdef"
BOT_TOKEN = "xoxb-0-invented"
APP_TOKEN = "xapp-0-invented"
TEAM, CHANNEL, USER, DIRECT = "T0000000001", "C0000000001", "U0000000001", "D0000000001"
URL_LIFE_S = 30 * 60


@dataclass(slots=True)
class Shown:
    """A message that people see: where, who alone (for an ephemeral one), and what it says now."""

    channel: str
    text: str
    blocks: list[dict[str, Any]]
    only_for: str = ""
    edits: int = 0

    @property
    def buttons(self) -> dict[str, str]:
        """action_id -> value of every button."""
        rows = [block["elements"] for block in self.blocks if block["type"] == "actions"]
        return {button["action_id"]: button.get("value", "") for row in rows for button in row}


@dataclass(slots=True)
class ResponseUrl:
    """What one command or click may be answered through."""

    channel: str
    user: str
    source: Shown | None = None
    made: float = field(default_factory=time.monotonic)
    uses: int = 0
    latest: Shown | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How the bot answered a request of ours."""

    status: int
    body: str
    took_s: float


class Slack:
    """Start with `slack()`. `bot_url` is where requests go; everything that came back is kept."""

    def __init__(self) -> None:
        self.bot_url = ""
        self.shown: list[Shown] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.uploads: dict[str, bytes] = {}
        self.files: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self.zones: dict[str, str] = {USER: "Europe/Paris"}
        self.urls: list[ResponseUrl] = []
        self.acks: list[dict[str, Any]] = []
        self._faults: defaultdict[str, list[web.Response]] = defaultdict(list)
        self._changed = asyncio.Event()
        self._sockets: list[web.WebSocketResponse] = []
        self._session: aiohttp.ClientSession | None = None
        self.port = 0

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    def refuse(self, method: str, error: str, times: int = 1) -> None:
        """Answer the next `times` calls of `method` with `error`."""
        self._faults[method] += [web.json_response({"ok": False, "error": error}) for _ in range(times)]

    def throttle(self, method: str, seconds: int) -> None:
        """Answer the next call of `method` with 429."""
        body = {"ok": False, "error": "ratelimited"}
        self._faults[method].append(web.json_response(body, status=429, headers={"Retry-After": str(seconds)}))

    def reply(self, method: str, text: str, content_type: str, status: int = 200, times: int = 1) -> None:
        """Answer the next `times` calls of `method` with just this."""
        self._faults[method] += [
            web.Response(text=text, content_type=content_type, status=status) for _ in range(times)
        ]

    def expire_urls(self) -> None:
        """Let thirty minutes pass for every response URL made so far."""
        for url in self.urls:
            url.made -= URL_LIFE_S

    async def until(self, holds: Callable[[], bool], within_s: float = 10) -> None:
        """Wait until something that came in makes `holds()` true. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def until_said(self, words: str) -> Shown:
        """The first message in which `words` stand, once it is there."""
        await self.until(lambda: any(words in json.dumps(each.blocks) + each.text for each in self.shown))
        return next(each for each in self.shown if words in json.dumps(each.blocks) + each.text)

    def new_url(self, channel: str = CHANNEL, user: str = USER, source: Shown | None = None) -> str:
        self.urls.append(ResponseUrl(channel, user, source))
        return f"http://127.0.0.1:{self.port}/response/{len(self.urls) - 1}"

    def command_form(self, text: str, *, command: str = "/signalr", user: str = USER) -> dict[str, str]:
        return {
            "command": command,
            "text": text,
            "user_id": user,
            "user_name": "invented",
            "channel_id": CHANNEL,
            "channel_name": "general",
            "team_id": TEAM,
            "team_domain": "example",
            "api_app_id": "A0000000001",
            "is_enterprise_install": "false",
            "trigger_id": f"1.{len(self.urls)}.invented",
            "response_url": self.new_url(user=user),
        }

    def click_payload(self, shown: Shown, action_id: str, *, user: str = USER) -> dict[str, Any]:
        ts = f"{1_800_000_000 + self.shown.index(shown)}.000100"
        ephemeral = bool(shown.only_for)
        button = {"type": "button", "action_id": action_id, "block_id": "b", "action_ts": f"{time.time():.6f}"}
        value = shown.buttons.get(action_id, "")
        return {
            "type": "block_actions",
            "user": {"id": user, "team_id": TEAM},
            "team": {"id": TEAM, "domain": "example"},
            "api_app_id": "A0000000001",
            "container": {"type": "message", "message_ts": ts, "channel_id": shown.channel, "is_ephemeral": ephemeral},
            "channel": {"id": shown.channel, "name": "general"},
            "trigger_id": "2.1.invented",
            "response_url": self.new_url(shown.channel, user, shown),
            "actions": [button | ({"value": value} if value else {})],
        }

    async def command(self, text: str, **more: str) -> Answer:
        """Type a command; the answer is the bot's acknowledgement."""
        answer = await self.post(urlencode(self.command_form(text, **more)))
        if answer.status == 200 and answer.body.startswith("{"):
            said = json.loads(answer.body)
            self._keep(Shown(CHANNEL, said.get("text", ""), said.get("blocks", []), more.get("user", USER)))
        return answer

    async def click(self, shown: Shown, action_id: str, *, user: str = USER) -> Answer:
        payload = json.dumps(self.click_payload(shown, action_id, user=user))
        return await self.post(urlencode({"payload": payload}))

    async def post(self, body: str | bytes, *, secret: str = SECRET, age_s: int = 0, **headers: str) -> Answer:
        """Send `body` to the bot as Slack signs it; `secret`, `age_s` and `headers` let it go wrong."""
        raw = body.encode() if isinstance(body, str) else body
        stamp = str(int(time.time()) - age_s)
        signature = "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + raw, hashlib.sha256).hexdigest()
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature,
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        if self._session is None:
            raise RuntimeError("the stand-in is not started")
        began = time.perf_counter()
        async with self._session.post(self.bot_url, data=raw, headers=sent) as answer:
            text = await answer.text()
        return Answer(answer.status, text, time.perf_counter() - began)

    async def send(self, kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Send an envelope over Socket Mode; returns its acknowledgement."""
        await self.until(lambda: bool(self._sockets))
        name = f"envelope-{len(self.acks)}-{time.monotonic_ns()}"
        envelope = {"envelope_id": name, "type": kind, "payload": payload, "accepts_response_payload": True}
        await self._sockets[-1].send_json(envelope)
        await self.until(lambda: any(ack.get("envelope_id") == name for ack in self.acks))
        return next(ack for ack in self.acks if ack.get("envelope_id") == name)

    def _keep(self, shown: Shown) -> Shown:
        self.shown.append(shown)
        self._changed.set()
        return shown

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        args = await _arguments(request)
        self.calls.append((method, args))
        self._changed.set()
        if self._faults[method]:
            return self._faults[method].pop(0)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or args.get("token", "")
        if token != (APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN):
            return web.json_response({"ok": False, "error": "invalid_auth"})
        return web.json_response(self._answer(method, args))

    def _answer(self, method: str, args: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "auth.test":
                return {"ok": True, "team_id": TEAM, "user_id": "U0000000009", "bot_id": "B0000000001"}
            case "users.info":
                zone = self.zones.get(args["user"])
                person = {"id": args["user"], "tz": zone, "tz_offset": 3600}
                return {"ok": True, "user": person} if zone else {"ok": False, "error": "user_not_found"}
            case "conversations.open":
                return {"ok": True, "channel": {"id": DIRECT}}
            case "chat.postMessage" | "chat.postEphemeral":
                return self._posted(args, only_for=args.get("user", "") if method.endswith("Ephemeral") else "")
            case "files.getUploadURLExternal":
                name = f"F{len(self.uploads)}"
                self.uploads[name] = b""
                url = f"http://127.0.0.1:{self.port}/upload/{name}"
                return {"ok": True, "file_id": name, "upload_url": url}
            case "files.completeUploadExternal":
                files = args["files"] if isinstance(args["files"], list) else json.loads(args["files"])
                self.files += [{**each, "channel": args.get("channel_id")} for each in files]
                return {"ok": True, "files": files}
            case "apps.connections.open":
                return {"ok": True, "url": f"ws://127.0.0.1:{self.port}/socket"}
        return {"ok": False, "error": "unknown_method"}

    def _posted(self, args: dict[str, Any], only_for: str) -> dict[str, Any]:
        blocks = args.get("blocks") or []
        blocks = json.loads(blocks) if isinstance(blocks, str) else blocks
        if found := block_kit.problems({"text": args.get("text"), "blocks": blocks}):
            self.problems += found
            return {"ok": False, "error": "invalid_blocks"}
        self._keep(Shown(args["channel"], args["text"], blocks, only_for))
        return {"ok": True, "ts": f"{time.time():.6f}", "channel": args["channel"]}

    async def _response(self, request: web.Request) -> web.Response:
        url = self.urls[int(request.match_info["number"])]
        body = await request.json()
        self._changed.set()
        if time.monotonic() - url.made > URL_LIFE_S:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        if url.uses >= 5:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        url.uses += 1
        if found := block_kit.problems(body):
            self.problems += found
            return web.json_response({"ok": False, "error": "invalid_blocks"}, status=400)
        if "response_type" not in body:
            self.problems.append("a response without response_type")
        old = url.source or url.latest
        if body.get("replace_original") and old is not None:
            old.text, old.blocks, old.edits = body["text"], body.get("blocks", []), old.edits + 1
            return web.Response(text="ok")
        only_for = "" if body.get("response_type") == "in_channel" else url.user
        url.latest = self._keep(Shown(url.channel, body["text"], body.get("blocks", []), only_for))
        return web.Response(text="ok")

    async def _upload(self, request: web.Request) -> web.Response:
        self.uploads[request.match_info["name"]] = await request.read()
        return web.Response(text="OK")

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1, "debug_info": {}, "connection_info": {}})
        self._sockets.append(socket)
        self._changed.set()
        async for message in socket:
            self.acks.append(json.loads(message.data))
            self._changed.set()
        self._sockets.remove(socket)
        return socket


async def _arguments(request: web.Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        return given | await request.json()
    return given | {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


@asynccontextmanager
async def slack() -> AsyncIterator[Slack]:
    """A running stand-in."""
    stand_in = Slack()
    served = web.Application(client_max_size=64 * 1024 * 1024)
    served.add_routes(
        [
            web.route("*", "/api/{method}", stand_in._api),
            web.post("/response/{number}", stand_in._response),
            web.post("/upload/{name}", stand_in._upload),
            web.get("/socket", stand_in._socket),
        ]
    )
    runner = web.AppRunner(served, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stand_in.port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            stand_in._session = session
            yield stand_in
    finally:
        await runner.cleanup()
