"""The catalog: every query and knowledge table under queries/, read once at start, strictly.

A `.kql` file starts with `// Key: value` lines, the form of Azure's published queries; the body follows untouched.
`queries/investigations/<name>.kql` is a subcommand; `queries/investigations/<name>/<step>.kql` are what it asks next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot import explain, knowledge, kql, times
from bot.command import Parameter, Verb
from bot.errors import CatalogError
from bot.model import Window

_HEADER = re.compile(r"// (?:Param (?P<param>[a-z][a-z0-9_]*)|(?P<key>[A-Z][A-Za-z ]*)): (?P<value>.*\S)\s*\Z")
_PARAM = re.compile(r"(?P<type>[a-z]+)(?:\s*=\s*(?P<default>.*?))?\s*//\s*(?P<help>.*\S)\Z")
_KEYS = {"Display name", "Description", "Topic", "Source"}
_STEP_KEYS = _KEYS | {"Table"}
_INVESTIGATION_KEYS = _KEYS | {"Interpret", "Window", "Example", "Attached"}
_TYPES = ("string", "long", "real", "bool", "datetime", "timespan")
_WINDOW, _RESOURCE = ("window_start", "window_end"), "resource_id"
# The service's records. A step may read another table instead, which a workspace need not have.
_TABLE = "SignalRServiceDiagnosticLogs"


@dataclass(frozen=True, slots=True)
class Query:
    """One `.kql` file: what it asks (`description`), where it comes from, what it reads, and its body.

    An `optional` one reads a table that need not be there, about no resource in particular.
    """

    name: str
    title: str
    description: str
    topic: str
    source: str
    parameters: tuple[Parameter, ...]
    body: str
    optional: bool = False

    def bind(self, window: Window, resource_id: str, values: Mapping[str, Any]) -> kql.BoundQuery:
        """This query with values for its parameters; defaults fill what is not given."""
        unknown = values.keys() - {parameter.name for parameter in self.parameters}
        if unknown:
            raise ValueError(f"{self.name} has no parameter {', '.join(sorted(unknown))}")
        filled = {p.name: values.get(p.name, p.default) for p in self.parameters}
        return kql.bind(self.name, self.title, self.body, window, resource_id, filled)

    def sample(self, window: Window, resource_id: str = "") -> kql.BoundQuery:
        """This query with some value of the right type for each parameter: for checks, and to make engines ready."""
        values = {"datetime": window.start, "timespan": window.span, "long": 1, "real": 1.5, "bool": True}
        return self.bind(window, resource_id, {p.name: values.get(p.type, "sample") for p in self.parameters})


@dataclass(frozen=True, slots=True)
class Investigation:
    """A question: the query asked first, the steps that may follow, and the module that reads the rows."""

    name: str
    verb: Verb
    opening: Query
    steps: Mapping[str, Query]
    interpreter: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything under queries/. `verbs` and `investigations` are keyed by subcommand ("why-dropped")."""

    investigations: Mapping[str, Investigation]
    knowledge: Mapping[str, knowledge.Knowledge]
    coverage: Query

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """Every subcommand that can be asked, `explain` included, which reads no logs of ours."""
        return {name: each.verb for name, each in self.investigations.items()} | {explain.NAME: explain.VERB}

    @property
    def queries(self) -> tuple[Query, ...]:
        """Every query there is, for checks over all of them."""
        found = [self.coverage]
        for each in self.investigations.values():
            found += [each.opening, *each.steps.values()]
        return tuple(found)


def load(folder: Path | None = None) -> Catalog:
    """The catalog in `folder`. Raises CatalogError with path and line for anything it does not understand."""
    root = folder or knowledge.default_folder()
    investigations = {}
    for path in sorted((root / "investigations").glob("*.kql")):
        found = _investigation(path)
        investigations[found.verb.name] = found
    tables = {path.stem: knowledge.load(path) for path in sorted((root / "knowledge").glob("*.toml"))}
    coverage, _ = _read(root / "coverage.kql", "coverage", _KEYS)
    return Catalog(investigations, tables, coverage)


def _investigation(path: Path) -> Investigation:
    opening, header = _read(path, path.stem, _INVESTIGATION_KEYS)
    for key in ("Interpret", "Window", "Example"):
        if key not in header:
            raise CatalogError(f"{path}: an investigation has a line '// {key}: ...'.")
    span = times.duration(header["Window"])
    if span is None:
        raise CatalogError(f"{path}: its Window is no duration such as 24h: {header['Window']!r}.")
    steps = {
        step.stem: _read(step, f"{path.stem}/{step.stem}", _STEP_KEYS)[0]
        for step in sorted(path.with_suffix("").glob("*.kql"))
    }
    verb = Verb(
        name=path.stem.replace("_", "-"),
        summary=opening.description,
        parameters=opening.parameters,
        span=span,
        example=header["Example"],
        attached=header.get("Attached", ""),
    )
    return Investigation(path.stem, verb, opening, steps, header["Interpret"])


def _read(path: Path, name: str, keys: set[str]) -> tuple[Query, dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: cannot be read: {error}.") from error
    lines = text.splitlines()
    header: dict[str, str] = {}
    parameters: list[Parameter] = []
    count = 0
    for count, line in enumerate(lines, 1):
        if not line.startswith("//"):
            break
        match = _HEADER.match(line)
        if match is None or (match["param"] is None and match["key"] not in keys):
            raise CatalogError(f"{path}:{count}: not a header line this file may have: {line!r}.")
        if match["param"]:
            parameters.append(_parameter(f"{path}:{count}", match["param"], match["value"]))
        elif match["key"] in header:
            raise CatalogError(f"{path}:{count}: {match['key']} is there twice.")
        else:
            header[match["key"]] = match["value"]
    for key in ("Display name", "Description", "Topic", "Source"):
        if key not in header:
            raise CatalogError(f"{path}: lacks the header line '// {key}: ...'.")
    body = "\n".join(lines[count - 1 :]).strip()
    table = header.get("Table", _TABLE)
    given = _WINDOW if table != _TABLE else (*_WINDOW, _RESOURCE)
    _check_body(path, body, table, [*given, *(parameter.name for parameter in parameters)])
    return (
        Query(
            name, header["Display name"], header["Description"], header["Topic"], header["Source"],
            tuple(parameters), body, table != _TABLE,
        ),
        header,
    )  # fmt: skip


def _check_body(path: Path, body: str, table: str, names: Sequence[str]) -> None:
    code = "\n".join(line for line in body.splitlines() if not line.lstrip().startswith("//"))
    if not re.match(rf"{table}\s", code.lstrip()):
        raise CatalogError(f"{path}: does not start with {table}; the header line '// Table: ...' names another table.")
    for name in names:
        if not re.search(rf"\b{name}\b", code):
            raise CatalogError(f"{path}: does not read {name}; a value it is given must matter.")
    if not re.search(r"\|\s*(?:take \d+|top \d+ by [^|]*)\s*\Z", code):
        raise CatalogError(f"{path}: must end with `take N` or `top N by`, so that no answer grows without bound.")


def _parameter(where: str, name: str, text: str) -> Parameter:
    match = _PARAM.match(text)
    if match is None or match["type"] not in _TYPES:
        raise CatalogError(f"{where}: a parameter reads '// Param name: type [= default] // what it is'.")
    default = match["default"]
    required = default is None
    return Parameter(
        name=name,
        type=match["type"],
        help=match["help"],
        default=None if default is None else _default(where, match["type"], default),
        required=required,
        positional=required,
    )


def _default(where: str, kind: str, text: str) -> str | int | float | bool | timedelta:
    try:
        match kind:
            case "string":
                return text.strip('"')
            case "long":
                return int(text)
            case "real":
                return float(text)
            case "bool":
                return {"true": True, "false": False}[text]
            case "timespan":
                if (span := times.duration(text)) is not None:
                    return span
    except (ValueError, KeyError) as error:
        raise CatalogError(f"{where}: {text!r} is no {kind}.") from error
    raise CatalogError(f"{where}: {text!r} is no default for a {kind}.")
