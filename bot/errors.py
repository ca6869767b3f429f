"""Everything that can go wrong, as a message for a person and a hint for their next step."""

from __future__ import annotations

from collections.abc import Sequence


class BotError(Exception):
    """A failure to tell a person about: `message` says what happened, `hint` what to do next.

    Both are plain text; each renderer escapes them for its own face.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(BotError):
    """What was typed could not be read; `hint` shows a line that works.

    `suggestions` are whole command lines close to what was typed ("did you mean").
    """

    def __init__(self, message: str, hint: str = "", suggestions: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.suggestions = tuple(suggestions)


class SettingsError(BotError):
    """The environment does not hold what this face needs; start-up only."""


class CatalogError(BotError):
    """A file under queries/ is wrong: the message starts with its path and line; start-up only."""


class EngineError(BotError):
    """The log store did not answer."""


class EngineTimeout(EngineError):
    """The log store did not answer in the time we had."""


class AccessDenied(EngineError):
    """The log store refused us; the hint names the role to ask for, or the credential to mend."""


class LogsNotEnabled(EngineError):
    """The table is not there: no resource log ever arrived; the hint says how to switch logs on."""


class Throttled(EngineError):
    """The log store has too much to do; the hint says when to try again."""


class UnsupportedKql(EngineError):
    """The query is not in the dialect that the engine runs, or names what the table lacks."""
