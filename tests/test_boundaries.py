"""The rooms stay apart: the core without Slack, the simulator alone, one quoter, no file too long to read."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
QUERIES, SCENARIOS = ROOT / "queries", ROOT / "bot" / "simulator" / "scenarios"
LONGEST = 400
TEXT = {".py", ".kql", ".toml", ".md", ".mjs", ".yml", ".json", ".txt"}

IMPORT_ALL_BUT_APP = """
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("slack_bolt", "slack_sdk", "handlers"):
            raise ImportError(f"imports {name}")

sys.meta_path.insert(0, Refuse())
import bot
for module in pkgutil.walk_packages(bot.__path__, "bot."):
    if module.name in ("bot.app", "bot.__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        print(f"{module.name}: {error}")
"""

# An operator after a bar, or a let line: what no sentence for a person holds.
KQL_TEXT = re.compile(
    r"\|\s+(where|take|limit|top|summarize|project|extend|order by|sort by|union|join|count|distinct)\b"
    r"|^\s*let\s+\w+\s*=",
    re.MULTILINE,
)


def modules(room: Path) -> list[Path]:
    return sorted(path for path in room.rglob("*.py") if "node_modules" not in path.parts)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(tree: ast.Module, package: str) -> Iterator[tuple[int, str]]:
    """(line, full name) of everything a module of `package` imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def imports_of(path: Path) -> list[tuple[int, str]]:
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    return list(imports(ast.parse(path.read_text(encoding="utf-8")), package))


def belongs(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def written_kql(tree: ast.Module) -> list[int]:
    """The lines of the string constants that hold KQL; words about the code (docstrings) are not code."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and KQL_TEXT.search(node.value)
    ]


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_everything_but_the_app_is_importable_without_slack() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL_BUT_APP], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_the_simulator_imports_nothing_else_of_the_bot() -> None:
    assert not [
        f"{where(path, line)} imports {name}"
        for path in modules(ROOT / "bot" / "simulator")
        for line, name in imports_of(path)
        if belongs(name, "bot") and not belongs(name, "bot.simulator")
    ]


def test_only_the_tools_and_the_demos_import_the_simulator() -> None:
    callers = {"bot.cli", "bot.demo", "bot.tools"}
    assert not [
        f"{where(path, line)} imports {name}"
        for room in ("bot", "handlers")
        for path in modules(ROOT / room)
        for line, name in imports_of(path)
        if belongs(name, "bot.simulator")
        and not belongs(module_name(path), "bot.simulator")
        and not belongs(module_name(path), "bot.playground")
        and module_name(path) not in callers
    ]


def rules() -> list[Path]:
    """What decides over rows, lines and texts."""
    places = [ROOT / "bot" / name for name in ("interpret", "explain", "knowledge.py", "reasons.py", "catalog.py")]
    return [path for place in places for path in (modules(place) if place.is_dir() else [place])]


def room(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in TEXT)


def naming(paths: Iterable[Path], names: Iterable[str]) -> list[str]:
    """Where one of `names` stands as a word of its own."""
    either = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(names)))})(?![\w-])")
    return [
        f"{where(path, number)} names {found[0]}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := either.search(line))
    ]


def test_the_rules_import_neither_the_simulator_nor_an_engine() -> None:
    assert not [
        f"{where(path, line)} imports {name}"
        for path in rules()
        for line, name in imports_of(path)
        if belongs(name, "bot.simulator") or belongs(name, "bot.engines")
    ]


def test_the_rules_name_no_scenario_of_the_simulator() -> None:
    documents = {
        path: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in room(SCENARIOS) + room(QUERIES)
        if path.suffix == ".toml"
    }
    causes = {
        cause["code"]
        for document in documents.values()
        for truth in document.get("truth", [])
        for cause in truth.get("causes", [])
    }
    codes = {entry["code"] for document in documents.values() for entry in document.get("entry", []) if "code" in entry}
    verbs = {path.stem.replace("_", "-") for path in (QUERIES / "investigations").glob("*.kql")}
    # Both sides speak of causes, findings and questions; these two are words of everybody.
    shared = causes | codes | verbs | {"scale-in", "scale-out"}
    names = {path.stem for path in SCENARIOS.glob("*.toml")} - shared
    assert (naming([*rules(), *room(QUERIES)], names), len(names) > 50) == ([], True)


def test_the_simulator_names_no_file_of_the_rules() -> None:
    assert naming(room(ROOT / "bot" / "simulator"), {path.name for path in room(QUERIES)} - {"README.md"}) == []


def test_only_the_app_imports_the_slack_face() -> None:
    assert not [
        f"{where(path, line)} imports {name}"
        for path in modules(ROOT / "bot")
        for line, name in imports_of(path)
        if module_name(path) != "bot.app"
        and any(belongs(name, room) for room in ("handlers", "slack_bolt", "slack_sdk"))
    ]


def test_only_the_quoter_writes_kql() -> None:
    assert not [
        where(path, line)
        for room in ("bot", "handlers")
        for path in modules(ROOT / room)
        if module_name(path) != "bot.kql"
        for line in written_kql(ast.parse(path.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        pytest.param("q = f'T | where a == {a}'", [1], id="an operator in an f-string"),
        pytest.param("q = '| take ' + str(n)", [1], id="an operator in a sum"),
        pytest.param("q = f'let a = {a};'", [1], id="a let line"),
        pytest.param("\nq = '''T\n|  summarize count()'''", [2], id="an operator on its own line"),
        pytest.param("'''Runs `T | where a`.'''", [], id="a docstring may explain KQL"),
        pytest.param("t = 'let us see | who is there'", [], id="a sentence with a bar"),
    ],
)
def test_the_check_for_kql_sees_what_it_should(source: str, lines: list[int]) -> None:
    assert written_kql(ast.parse(source)) == lines


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param("import bot.core", ["bot.core"], id="a plain import"),
        pytest.param("from bot import core", ["bot.core"], id="a name from a package"),
        pytest.param("def f():\n    from bot.core import Core", ["bot.core.Core"], id="an import in a function"),
        pytest.param("from . import clock", ["bot.simulator.clock"], id="an import from the same package"),
        pytest.param("from ..core import Core", ["bot.core.Core"], id="an import from the package above"),
    ],
)
def test_the_check_for_imports_sees_what_it_should(source: str, found: list[str]) -> None:
    assert [name for _, name in imports(ast.parse(source), "bot.simulator")] == found


def test_no_file_is_too_long_to_read() -> None:
    counted = {
        path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines())
        for room in ("bot", "handlers", "queries", "tests")
        for path in (ROOT / room).rglob("*")
        if path.suffix in TEXT and "node_modules" not in path.parts
    }
    assert {str(path): lines for path, lines in counted.items() if lines > LONGEST} == {}
