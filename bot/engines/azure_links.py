"""Where the portal opens a query.

Source: the link that Log Analytics makes for "Share > Copy link to query" (its form is not documented;
Microsoft's own tutorials use it).
"""

from __future__ import annotations

import base64
import gzip
import re
from datetime import datetime
from urllib.parse import quote

from bot.model import Window

# A Slack button takes a URL of 3,000 characters.
LONGEST = 3000
_NAME = r"[\w()-][\w().-]{0,89}"
_SIGNALR_ID = re.compile(
    rf"/subscriptions/{_NAME}/resourceGroups/{_NAME}"
    rf"/providers/Microsoft\.SignalRService/SignalR/{_NAME}(?:/replicas/{_NAME})?\Z",
    re.IGNORECASE,
)


def is_signalr_id(text: str) -> bool:
    """Whether `text` is the full Azure id of a SignalR resource; the only text put into a request's path."""
    return bool(_SIGNALR_ID.match(text))


def query_link(portal: str, tenant_id: str, resource_id: str, kql: str, window: Window) -> str:
    """The portal's address that opens `kql` on a resource; empty when a button could not hold it.

    Empty too for a text that UTF-8 cannot write (half a surrogate pair).
    """
    try:
        packed = base64.b64encode(gzip.compress(kql.encode(), mtime=0)).decode()
    except UnicodeEncodeError:
        return ""
    span = f"{_instant(window.start)}/{_instant(window.end)}"
    tenant = f"@{quote(tenant_id, safe='')}/" if tenant_id else ""
    link = (
        f"{portal}/#{tenant}blade/Microsoft_Azure_Monitoring_Logs/LogsBlade"
        f"/resourceId/{quote(resource_id, safe='')}/source/LogsBlade.AnalyticsShareLinkToQuery"
        f"/q/{quote(packed, safe='')}/timespan/{quote(span, safe='')}"
    )
    return link if len(link) <= LONGEST else ""


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
