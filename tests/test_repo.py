"""Nothing in the repository names one machine, a registry, a secret or a real person's data."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "LICENSE",
    "Makefile",
    "README.md",
    "bot",
    "handlers",
    "manifest.yml",
    "pyproject.toml",
    "queries",
    "tests",
}
INVENTED_DOMAINS = re.compile(r"(^|\.)(example(\.(com|net|org))?|invalid|test|localhost)$", re.IGNORECASE)


def is_public(address: str) -> bool:
    """Whether an IPv4 address could be someone's; documentation ranges are not global."""
    try:
        return IPv4Address(address).is_global
    except AddressValueError:
        return False


def is_real_guid(guid: str) -> bool:
    """Whether a GUID looks random: an invented one repeats few digits."""
    return len(set(guid.lower()) - {"-"}) > 6


def is_real_mailbox(mailbox: str) -> bool:
    return not INVENTED_DOMAINS.search(mailbox.rpartition("@")[2])


def always(_: str) -> bool:
    return True


# What a line may not hold: a pattern, and whether a match of it is really a fault.
FORBIDDEN: dict[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "a folder of one machine": (re.compile(r"(?<![\w.~}/-])/(?:work|root|home/\w+|Users/\w+)/\w+"), always),
    "a package registry": (
        re.compile(r"registry\.npmjs\.org|pypi\.org|pythonhosted\.org|--(?:extra-)?index-url|\"resolved\":"),
        always,
    ),
    "unfinished work": (re.compile(r"\b(?:TODO|FIXME|XXX)\b"), always),
    "a Slack token": (re.compile(r"\bxox[a-z]-\d{9,}-\d{9,}-\w{20,}|\bxapp-\d-\w+-\d{9,}-\w{20,}"), always),
    "an access key": (re.compile(r"(?:AccessKey|AccountKey|SharedKey)=[\w+/]{40,}="), always),
    "a private key": (re.compile(r"-----BEGIN (?:\w+ )?PRIVATE KEY-----"), always),
    "a public address": (re.compile(r"(?<![\w./-])\d{1,3}(?:\.\d{1,3}){3}(?![\w.-])"), is_public),
    "a GUID that is not invented": (
        re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),
        is_real_guid,
    ),
    "a mailbox": (re.compile(r"\b[\w.+-]+@(?:[\w-]+\.)+[a-zA-Z]{2,}\b"), is_real_mailbox),
}


def faults(text: str) -> Iterator[tuple[int, str, str]]:
    """(line from 1, what it is, the words) for everything that `text` should not hold."""
    for number, line in enumerate(text.splitlines(), 1):
        for what, (pattern, is_fault) in FORBIDDEN.items():
            yield from ((number, what, found[0]) for found in pattern.finditer(line) if is_fault(found[0]))


def files() -> list[Path]:
    """What git holds or would hold, this file's own list of forbidden words aside."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout, so there is no list of what belongs to the repository")
    listed = (ROOT / name for name in done.stdout.split("\0") if name)
    return [path for path in listed if path.is_file() and path != Path(__file__)]


def test_the_top_level_holds_only_what_belongs_there() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in files()} <= TOP_LEVEL


def test_no_file_holds_what_does_not_belong_in_a_repository() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {what}: {words}"
        for path in files()
        # A picture's bytes spell anything.
        if path.suffix != ".png"
        for line, what, words in faults(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("open('/root/logs')", ["a folder of one machine"], id="a home folder"),
        pytest.param("GET /api/work/items", [], id="a web path"),
        pytest.param('"resolved": "https://example.com/a.tgz"', ["a package registry"], id="a lock file's host"),
        pytest.param("# TODO later", ["unfinished work"], id="a note to self"),
        pytest.param("xoxb-123456789012-123456789012-abcdefghijabcdefghij", ["a Slack token"], id="a bot token"),
        pytest.param("xoxb-sample", [], id="a token nobody could use"),
        pytest.param(f"AccessKey={'a' * 43}=;", ["an access key"], id="a connection string"),
        pytest.param("AccessKey=sample;", [], id="a connection string nobody could use"),
        pytest.param("-----BEGIN RSA PRIVATE KEY-----", ["a private key"], id="a key file"),
        pytest.param("ip = '8.8.8.8'", ["a public address"], id="an address of someone's"),
        pytest.param("192.0.2.1 198.51.100.7 10.0.0.1 127.0.0.1 0.0.0.0", [], id="addresses for documents"),
        pytest.param("Chrome/120.0.0.1", [], id="a version"),
        pytest.param("1b4e28ba-2fa1-11d2-883f-0016d3cca427", ["a GUID that is not invented"], id="a random GUID"),
        pytest.param("00000000-0000-0000-0000-000000000012", [], id="a zero GUID"),
        pytest.param("ann@contoso.com", ["a mailbox"], id="a mailbox of a company"),
        pytest.param("ann@mail.example.com", [], id="a mailbox for documents"),
    ],
)
def test_the_check_sees_what_it_should(line: str, expected: list[str]) -> None:
    assert [what for _, what, _ in faults(line)] == expected
