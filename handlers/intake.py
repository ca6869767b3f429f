"""Whatever Slack sends, on its way into Bolt: no payload may end in an error or go without an acknowledgement."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

_log = logging.getLogger(__name__)


async def dispatched(app: AsyncApp, payload: Mapping[str, Any]) -> BoltResponse:
    """Bolt's answer to a payload that is known to be Slack's; an empty 200 for what no listener knows.

    Slack adds types of payloads, such as app_rate_limited, which are nobody's and no error.
    """
    try:
        answer = await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=dict(payload)))
    except Exception as error:
        # Bolt takes the shape of a payload on trust while it looks for the team and the user.
        _log.info("A payload was acknowledged unread: %s", type(error).__name__)
        return BoltResponse(status=200)
    return BoltResponse(status=200) if answer.status == 404 else answer


class Envelopes:
    """Takes Socket Mode's envelopes to `app`, and acknowledges each."""

    def __init__(self, app: AsyncApp) -> None:
        self._app = app

    async def take(self, client: SocketModeClient, request: SocketModeRequest) -> None:
        began = time.time()
        answer = await dispatched(self._app, request.payload)
        if answer.status != 200:
            _log.info("A listener answered an envelope with %d.", answer.status)
            answer = BoltResponse(status=200)
        await send_async_response(client, request, answer, began)
