"""What an app server can send: the type the service logs, and the words the SDK logs when it starts.

Sources: the table's `MessageType` column on Microsoft Learn; `MessageLog.cs` of the SDK for the ids of the words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message from an app server. `template` and `values` are the SDK's line about it, but for the tracing id."""

    kind: str
    number: int
    template: str
    values: Mapping[str, str | int] = field(default_factory=dict)
    group: str = ""


def broadcast() -> Outgoing:
    return Outgoing("BroadcastDataMessage", 0, "Start to broadcast message {tracingId}.")


def to_connections(ids: Sequence[str]) -> Outgoing:
    return Outgoing(
        "MultiConnectionDataMessage",
        10,
        "Start to send message {tracingId} to {connectionsCount} connections {connectionsList}.",
        {"connectionsCount": len(ids), "connectionsList": ", ".join(ids)},
    )


def to_group(group: str) -> Outgoing:
    return Outgoing(
        "GroupBroadcastDataMessage",
        20,
        "Start to broadcast message {tracingId} to group {group}.",
        {"group": group},
        group,
    )


def to_groups(groups: Sequence[str]) -> Outgoing:
    return Outgoing(
        "MultiGroupBroadcastDataMessage",
        30,
        "Start to broadcast message {tracingId} to {groupsCount} groups {groupsList}.",
        {"groupsCount": len(groups), "groupsList": ", ".join(groups)},
    )


def to_user(user: str) -> Outgoing:
    return Outgoing("UserDataMessage", 40, "Start to send message {tracingId} to user {userId}.", {"userId": user})


def to_users(users: Sequence[str]) -> Outgoing:
    return Outgoing(
        "MultiUserDataMessage",
        50,
        "Start to send message {tracingId} to {usersCount} users {usersList}.",
        {"usersCount": len(users), "usersList": ", ".join(users)},
    )


def join(connection_id: str, group: str) -> Outgoing:
    return Outgoing(
        "JoinGroupWithAckMessage",
        60,
        "Start to send message {tracingId} to add connection {connectionId} to group {group}.",
        {"connectionId": connection_id, "group": group},
        group,
    )


def leave(connection_id: str, group: str) -> Outgoing:
    return Outgoing(
        "LeaveGroupWithAckMessage",
        70,
        "Start to send message {tracingId} to remove connection {connectionId} from group {group}.",
        {"connectionId": connection_id, "group": group},
        group,
    )
