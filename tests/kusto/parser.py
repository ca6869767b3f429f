"""Microsoft's KQL parser and binder, as a value the tests can ask."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
REQUIRED = "SIGNALR_BOT_REQUIRE_NODE"
OLDEST_NODE = 18


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault; `line` and `column` count from 1 in the text that was checked."""

    line: int
    column: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How Microsoft's parser reads one query."""

    diagnostics: tuple[Diagnostic, ...]
    columns: tuple[tuple[str, str], ...]
    literals: tuple[str, ...]

    def diagnostics_of(self, prefix: str) -> tuple[Diagnostic, ...]:
        """The diagnostics whose code starts with `prefix`; Microsoft's own start with KS."""
        return tuple(each for each in self.diagnostics if each.code.startswith(prefix))


class Kusto:
    """One running parser, which knows the columns of `tables` (see `log_tables`)."""

    def __init__(self, process: subprocess.Popen[str], tables: list[dict[str, Any]]) -> None:
        self._process = process
        self._send({"tables": tables})

    def _send(self, request: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def read(self, queries: Mapping[str, str]) -> dict[str, Reading]:
        """How each query of a mapping from path to KQL is read."""
        listed = [{"path": path, "kql": kql} for path, kql in queries.items()]
        self._send({"queries": listed})
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("tests/kusto/check.mjs stopped; its own words are above")
        return {
            read["path"]: Reading(
                tuple(Diagnostic(**diagnostic) for diagnostic in read["diagnostics"]),
                tuple((column["name"], column["type"]) for column in read["columns"]),
                tuple(read["literals"]),
            )
            for read in json.loads(answer)["queries"]
        }


def log_tables() -> list[dict[str, Any]]:
    """The tables of queries/tables.toml as {name, columns: [{name, type}]}."""
    declared = tomllib.loads((ROOT / "queries" / "tables.toml").read_text(encoding="utf-8"))
    return [
        {
            "name": table["name"],
            "columns": [{"name": column["name"], "type": column["type"]} for column in table["column"]],
        }
        for table in declared["table"]
    ]


def _give_up(reason: str) -> NoReturn:
    """Skip, or fail where the check is mandatory (the CI run sets SIGNALR_BOT_REQUIRE_NODE)."""
    if os.environ.get(REQUIRED):
        pytest.fail(f"{reason} ({REQUIRED} makes this check mandatory)", pytrace=False)
    pytest.skip(reason)


def _install(npm: str) -> None:
    """Bring node_modules to the locked version, once."""
    installed, locked = HERE / "node_modules" / ".package-lock.json", HERE / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= locked.stat().st_mtime:
        return
    command = [npm, "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        _give_up("npm could not install Microsoft's KQL parser within five minutes")
    if done.returncode:
        _give_up(f"npm could not install Microsoft's KQL parser: {done.stderr.strip()[-500:]}")


@contextmanager
def running() -> Iterator[Kusto]:
    """A parser that runs until the block ends; skips the test where Node.js is missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        _give_up("KQL is checked by Microsoft's own parser only where node and npm are installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        _give_up(f"Microsoft's KQL parser is run by Node.js {OLDEST_NODE} or newer, this is {version.strip()}")
    _install(npm)
    with subprocess.Popen(
        [node, str(HERE / "check.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        yield Kusto(process, log_tables())
