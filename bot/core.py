"""Core: the object every face holds."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta, tzinfo
from time import perf_counter

from bot import command, explain, guide
from bot.catalog import Catalog, Investigation, Query
from bot.command import Command, HelpRequest, VersionRequest
from bot.engines import Engine
from bot.errors import CatalogError, EngineError, EngineTimeout
from bot.interpret import COVERAGE, OPENING, Ask, Interpreter, Question, coverage
from bot.interpret.said import some
from bot.kql import BoundQuery
from bot.model import (
    Conclusion,
    Family,
    Finding,
    NextStep,
    Page,
    RanQuery,
    Report,
    Severity,
    Table,
    Target,
    Verdict,
    Window,
)

# So many of several resources are offered as the next question.
_OFFERED = 3
# Of the time that is left, the share that a query may take whose table need not be there.
_OPTIONAL = 0.5


@dataclass(frozen=True, slots=True)
class _Run:
    """One query that came back, or the failure that it ended in."""

    bound: BoundQuery
    outcome: Table | EngineError
    took: timedelta


class Core:
    """Answers command lines from one engine with one catalog.

    `clock` returns the present as an aware datetime; it is the only source of "now". `timeout` is the longest a
    whole answer may wait for the engine. `resource_id` is the resource asked about when a command names none.
    Raises CatalogError for an investigation whose interpreter does not exist.
    """

    def __init__(
        self,
        catalog: Catalog,
        engine: Engine,
        clock: Callable[[], datetime],
        timeout: timedelta,
        resource_id: str = "",
    ) -> None:
        self._catalog = catalog
        self._engine = engine
        self._clock = clock
        self._timeout = timeout
        self._resource_id = resource_id
        self._interpreters: dict[str, Interpreter] = {}
        for name, investigation in catalog.investigations.items():
            try:
                module = importlib.import_module(f"bot.interpret.{investigation.interpreter}")
            except ModuleNotFoundError as error:
                raise CatalogError(f"{investigation.name}.kql: there is no interpreter {error.name}.") from error
            self._interpreters[name] = module

    async def answer(self, line: str | Sequence[str], zone: tzinfo, attached: str = "") -> Report | Page:
        """The report or page for a command line (text as typed, or argv words already split).

        `zone` is the asker's time zone, for times without one; `attached` are log lines that came along. An engine
        failure becomes a Report with verdict `error`; bad input raises UsageError.
        """
        # Before anything is split into words: a log line's quotes and brackets are its own.
        if (pasted := explain.pasted(line)) is not None:
            return explain.explain("\n".join(filter(None, (pasted, attached))), now=self._clock())
        if isinstance(line, str):
            line, below = command.divided(line, self._catalog.verbs)
            attached = below or attached
        match command.parse(line, self._catalog.verbs, self._clock(), zone):
            case HelpRequest(topic):
                return guide.page(self._catalog, topic)
            case VersionRequest():
                return guide.version()
            case Command() as asked:
                return await self.investigate(asked, attached)

    def needs_zone(self, line: str | Sequence[str]) -> bool:
        """Whether `line` names a wall-clock time without a zone, so that the asker's zone matters."""
        return explain.pasted(line) is None and command.needs_zone(line, self._catalog.verbs)

    async def investigate(self, asked: Command, attached: str = "") -> Report:
        """The report for a command that was already read, and the log lines `attached` to it."""
        return await _Investigation(
            self._catalog,
            self._engine,
            self._interpreters[asked.verb],
            _within(asked.resource or self._resource_id),
            Question(asked, self._clock().astimezone(UTC), attached=attached),
            self._timeout,
        ).report()

    async def close(self) -> None:
        """Close the engine."""
        await self._engine.close()


class _Investigation:
    """One command on its way to a report: runs the rounds of queries, keeps what each returned."""

    def __init__(
        self,
        catalog: Catalog,
        engine: Engine,
        interpreter: Interpreter,
        resource: str,
        question: Question,
        timeout: timedelta,
    ) -> None:
        asked = question.command
        self._knowledge = catalog.knowledge
        self._coverage_query = catalog.coverage
        self._investigation: Investigation = catalog.investigations[asked.verb]
        self._engine = engine
        self._interpreter = interpreter
        self._asked = asked
        self._resource = resource
        self._question = question
        self._began = perf_counter()
        self._deadline = self._began + timeout.total_seconds()
        self._waited = timedelta(0)
        self._runs: dict[str, _Run] = {}

    async def report(self) -> Report:
        window = self._asked.window
        opening = self._investigation.opening
        queries = {
            OPENING: opening.bind(window, self._resource, self._asked.arguments),
            COVERAGE: self._coverage_query.bind(window, self._resource, coverage.parameters(window)),
        }
        steps = [step.sample(window, "/sample") for step in self._investigation.steps.values()]
        self._engine.prepare([*queries.values(), *steps])
        queries |= {ask.step: self._bind(ask) for ask in self._interpreter.asks(self._question, {})}
        await self._round(queries)
        for name in (OPENING, COVERAGE):
            if isinstance(failure := self._runs[name].outcome, EngineError):
                return self._failed(failure)
        seen = self._tables()[COVERAGE].rows
        logged = None if seen else await self._logged()
        question = replace(self._question, coverage=coverage.read(seen, window), logged=logged)
        while asks := self._interpreter.asks(question, self._answers()):
            await self._round({ask.step: self._bind(ask) for ask in asks})
            if all(isinstance(self._runs[ask.step].outcome, EngineError) for ask in asks):
                break
        return self._concluded(question, coverage.resources(seen))

    async def _logged(self) -> Window | None:
        """From the first to the last record there is, for a question whose window holds none; None when unknown."""
        known = await self._engine.span()
        if known is not None:
            return known
        wide = Window.ending(max(self._question.now, self._asked.window.end), command.LONGEST)
        run = await self._run(self._coverage_query.bind(wide, self._resource, coverage.parameters(wide)))
        rows = run.outcome.rows if isinstance(run.outcome, Table) else ()
        if not rows:
            return None
        first, last = min(row["first_seen"] for row in rows), max(row["last_seen"] for row in rows)
        return Window(first, last + timedelta(seconds=1))

    def _bind(self, ask: Ask) -> BoundQuery:
        """A step's query, about the one resource that the rows so far name: neighbours in a workspace are others."""
        step: Query = self._investigation.steps[ask.step]
        return step.bind(ask.window or self._asked.window, self._named() or self._resource, ask.values)

    async def _round(self, queries: Mapping[str, BoundQuery]) -> None:
        """Run `queries` side by side; a failure is kept as that query's outcome, and the others go on."""
        began = perf_counter()
        runs = await asyncio.gather(*(self._run(bound) for bound in queries.values()))
        self._waited += timedelta(seconds=perf_counter() - began)
        self._runs.update(zip(queries, runs, strict=True))

    async def _run(self, bound: BoundQuery) -> _Run:
        began = perf_counter()
        left = timedelta(seconds=self._deadline - began) * (_OPTIONAL if self._is_optional(bound) else 1)
        outcome: Table | EngineError
        try:
            if left <= timedelta(0):
                raise EngineTimeout("The time for this answer was used up.", "Ask with a narrower window.")
            outcome = await self._engine.query(bound, left)
        except EngineError as error:
            outcome = error
        return _Run(bound, outcome, timedelta(seconds=perf_counter() - began))

    def _is_optional(self, bound: BoundQuery) -> bool:
        return any(step.optional and step.name == bound.name for step in self._investigation.steps.values())

    def _tables(self) -> dict[str, Table]:
        return {name: run.outcome for name, run in self._runs.items() if isinstance(run.outcome, Table)}

    def _answers(self) -> dict[str, Table]:
        return {name: table for name, table in self._tables().items() if name != COVERAGE}

    def _concluded(self, question: Question, resources: Sequence[str]) -> Report:
        found = self._interpreter.conclude(question, self._answers(), self._knowledge)
        # Rows of several resources were counted as one unless they name the resource asked about.
        several = resources if len(resources) > 1 and not self._named() else ()
        found = replace(
            found,
            notes=(*found.notes, *_several(several), *self._notes()),
            next_steps=(*found.next_steps, *self._one_each(several)),
        )
        only = resources[0] if len(resources) == 1 else ""
        return Report(
            **{field.name: getattr(found, field.name) for field in fields(Conclusion)},
            query=self._asked.verb,
            command=self._asked.line,
            target=Target(self._named() or only or self._resource_seen()),
            window=self._asked.window,
            coverage=question.coverage,
            kql=self._ran(),
            total=timedelta(seconds=perf_counter() - self._began),
            engine=self._waited,
        )

    def _one_each(self, resources: Sequence[str]) -> list[NextStep]:
        named = ((resource.rsplit("/", 1)[-1], resource) for resource in resources[:_OFFERED])
        return [NextStep(f"Only {name}"[:30], replace(self._asked, resource=full).line) for name, full in named]

    def _failed(self, error: EngineError) -> Report:
        finding = Finding(
            code="engine-error",
            cause=Family.UNKNOWN,
            severity=Severity.ERROR,
            title="The logs could not be asked",
            meaning=error.message,
            fixes=(error.hint,) if error.hint else (),
        )
        return Report(
            query=self._asked.verb,
            command=self._asked.line,
            target=Target(self._resource_seen()),
            window=self._asked.window,
            verdict=Verdict.ERROR,
            headline=error.message,
            findings=(finding,),
            kql=self._ran(),
            total=timedelta(seconds=perf_counter() - self._began),
            engine=self._waited,
        )

    def _named(self) -> str:
        """The full resource id when the opening's rows name exactly one; else empty."""
        opening = self._tables().get(OPENING)
        seen = {str(row.get("_ResourceId") or "").lower() for row in (opening.rows if opening else ())} - {""}
        return seen.pop() if len(seen) == 1 else ""

    def _resource_seen(self) -> str:
        return self._named() or self._asked.resource or self._resource

    def _notes(self) -> list[str]:
        notes: list[str] = []
        for run in self._runs.values():
            if not isinstance(run.outcome, EngineError):
                notes += run.outcome.notes
            elif not self._is_optional(run.bound):
                notes.append(f"Not answered: {run.bound.title}. {run.outcome.message} {run.outcome.hint}".strip())
        return list(dict.fromkeys(notes))

    def _ran(self) -> tuple[RanQuery, ...]:
        seen = self._resource_seen()
        return tuple(
            RanQuery(
                name=name,
                title=run.bound.title,
                kql=run.bound.kql,
                rows=len(run.outcome.rows) if isinstance(run.outcome, Table) else 0,
                engine=run.took,
                # The portal opens a query on the SignalR resource, which has no other table.
                portal_url="" if self._is_optional(run.bound) else self._engine.portal_url(run.bound, seen),
            )
            for name, run in self._runs.items()
            if isinstance(run.outcome, Table) or not self._is_optional(run.bound)
        )


def _within(resource: str) -> str:
    """A resource as the queries compare it: the whole id, or "/name" as the end of one; empty for every resource."""
    resource = resource.rstrip("/")
    return resource if not resource or resource.startswith("/") else f"/{resource}"


def _several(resources: Sequence[str]) -> list[str]:
    if not resources:
        return []
    names = [resource.rsplit("/", 1)[-1] for resource in resources]
    return [f"Counted over {len(names):,} resources together ({some(names)}); name one with --resource=NAME."]
