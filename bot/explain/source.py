"""Where the command line takes pasted text from: words, a file, or standard input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from bot.errors import UsageError
from bot.explain.lines import PASTE_MOST

FILE = "--file"
_EXAMPLE = "explain --file app.log"


def text(words: Sequence[str], stdin: BinaryIO) -> str:
    """The text to explain, from the words behind `explain`; `--file -` and no words at all read `stdin`.

    Reads at most a few characters more than are looked at. Raises UsageError for a file that cannot be read.
    """
    given = [word for word in words if word != "--"]
    if not given:
        return _decoded(stdin.read(PASTE_MOST * 4))
    name, equals, value = given[0].partition("=")
    if name != FILE:
        return " ".join(given)
    rest = [*([value] if equals else []), *given[1:]]
    if len(rest) != 1 or not rest[0]:
        raise UsageError(f"{FILE} takes one file, or - for standard input.", _EXAMPLE)
    return content(rest[0], stdin, _EXAMPLE)


def content(name: str, stdin: BinaryIO, example: str) -> str:
    """The text of the file `name`, of `stdin` for "-". Raises UsageError with a line that works."""
    if name == "-":
        return _decoded(stdin.read(PASTE_MOST * 4))
    try:
        with Path(name).expanduser().open("rb") as file:
            return _decoded(file.read(PASTE_MOST * 4))
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(f"{name} cannot be read: {reason}.", example) from error


def _decoded(raw: bytes) -> str:
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return raw.decode(encoding, "replace")
