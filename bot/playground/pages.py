"""The pages of the demo: what to choose, what to ask, and the truth beside an answer. Times are in UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.command import Verb
from bot.errors import BotError
from bot.interpret.said import count, moment, short
from bot.model import NextStep, Page, Report, Verdict
from bot.playground.archives import Archive
from bot.simulator import CauseTold, Truth, scenarios
from bot.simulator.scenarios import Scenario

NAME = "demo"
TRUTH = "truth"
STEPS = 5
_LABEL = 30
# Sensible first choices, and what their buttons say.
FIRST = {
    "app-server-crash": "Crash an app server",
    "service-reload": "Reload the service",
    "leak-user": "Leak connections",
    "auth-wrong-hub": "Break the tokens",
    "message-lost-in-service": "Lose messages",
}
TOPICS = {
    "servers": "App servers, hubs and the service mode",
    "service": "The service itself",
    "network": "Networks and clients",
    "growth": "Growth, leaks and limits",
    "auth": "Tokens and keys",
    "messages": "Messages and groups",
    "healthy": "Days on which nothing is wrong",
    "unclear": "Days on which the logs cannot decide",
}
_TOPIC_OF_QUESTION = {
    "auth": "auth",
    "growth": "growth",
    "throttling": "growth",
    "messages": "messages",
    "trace": "messages",
    "group-race": "messages",
}
_TOPIC_OF_FAMILY = {"service": "service", "net": "network", "client": "network", "auth": "network"}
_VERDICTS = {
    Verdict.OK: "nothing wrong",
    Verdict.FINDING: "something is wrong",
    Verdict.UNDECIDED: "the logs cannot decide",
    Verdict.NO_DATA: "no data",
    Verdict.ERROR: "could not answer",
}


def menu() -> Page:
    """What can be chosen: first choices with their stories, and every scenario by topic."""
    every = [scenarios.load(name) for name in scenarios.names()]
    lines = [
        (
            "",
            "Choose what goes wrong, ask, and see whether the answer is right. A model of the service makes these logs"
            " up from start to end; no real service is asked.",
        ),
        ("", "To begin with:"),
        *((f"{NAME} {each.name}", each.story) for each in every if each.name in FIRST),
        ("", f"All {len(every)}; the page of a topic tells what happens in each:"),
    ]
    for name, title in TOPICS.items():
        listed = ", ".join(each.name for each in every if _topic_of(each) == name)
        lines.append((f"{NAME} {name}", f"{title}: {listed}"))
    return Page("Simulated logs to practise on", lines, _choices(FIRST))


def topic(name: str) -> Page:
    """What happens in each scenario of a topic."""
    found = [each for each in map(scenarios.load, scenarios.names()) if _topic_of(each) == name]
    lines = [("", "Choose what happens in the simulated logs:"), *((f"{NAME} {e.name}", e.story) for e in found)]
    labels = {each.name: f"Try {each.name}" for each in found if len(each.name) <= _LABEL - len("Try ")}
    return Page(TOPICS[name], lines, _choices(labels))


def chosen(archive: Archive, verbs: Mapping[str, Verb]) -> Page:
    """What to ask the logs that were just chosen; what happened in them is not told."""
    told, prefix = archive.told, f"{NAME} {archive.told.name}"
    asks = [truth.ask for truth in told.truths if verb_of(truth) in verbs]
    lines = [
        (
            "",
            f"Made up from start to end: {count(told.records, 'record')} of"
            f" {count(told.client_connections, 'client connection')} and"
            f" {count(told.server_connections, 'server connection')}, {span(archive)}. At most"
            f" {told.quota:,} may be open at once. Logged: {', '.join(told.families) or 'nothing'}.",
        ),
        ("", "What happened is not told yet. Ask:"),
        *((f"{prefix} {truth.ask}", verbs[verb_of(truth)].summary) for truth in told.truths if verb_of(truth) in verbs),
        (f"{prefix} <any command>", "asks the same logs, all of them unless you name a window"),
        (f"{prefix} {TRUTH}", "what really happened, beside what the bot says"),
    ]
    steps = [NextStep(short(f"Ask {ask}", _LABEL), f"{prefix} {ask}") for ask in asks[: STEPS - 1]]
    return Page(f"The logs of {told.name} are ready", lines, (*steps, truth_step(prefix)))


def truth(archive: Archive, answers: Sequence[tuple[Truth, Report | Page | BotError]]) -> Page:
    """What really happened, and for each question about it the right answer and the bot's."""
    lines = [("", archive.told.story), ("", f"Made up from start to end, {span(archive)}.")]
    for each, found in answers:
        said = _heard(found, each) if isinstance(found, Report) else f"{_VERDICTS[Verdict.ERROR]}. {found}"
        lines += [
            (f"{NAME} {archive.told.name} {each.ask}", ""),
            ("", f"True: {_right(each)}"),
            ("", f"The bot: {said}"),
        ]
    steps = (NextStep("Choose another fault", NAME),)
    return Page(f"What really happened: {archive.told.name}", lines, steps)


def truth_step(prefix: str) -> NextStep:
    """The way from a question about simulated logs to the truth about them."""
    return NextStep("Tell what really happened", f"{prefix} {TRUTH}")


def verb_of(truth: Truth) -> str:
    """The subcommand that a truth is about."""
    return truth.ask.split()[0]


def span(archive: Archive) -> str:
    """'from 2026-11-23 08:00:00 UTC to 2026-11-23 10:00:00 UTC'."""
    return f"from {moment(archive.start)} to {moment(archive.end)}"


def _choices(labels: Mapping[str, str]) -> tuple[NextStep, ...]:
    return tuple(NextStep(label, f"{NAME} {name}") for name, label in list(labels.items())[:STEPS])


def _topic_of(scenario: Scenario) -> str:
    """Where a scenario is listed: by the first question about it, else by the family of its first cause."""
    families = [cause.family for truth in scenario.truths for cause in truth.causes]
    question = scenario.truths[0].ask.split()[0] if scenario.truths else ""
    if not families and all("ok" in truth.verdicts for truth in scenario.truths[:1]):
        return "healthy"
    if question in _TOPIC_OF_QUESTION:
        return _TOPIC_OF_QUESTION[question]
    return _TOPIC_OF_FAMILY.get(families[0], "servers") if families else "unclear"


def _right(truth: Truth) -> str:
    verdict = " or ".join(_VERDICTS[Verdict(each)] for each in truth.verdicts)
    missing = [f"Not logged: {', '.join(truth.missing)}."] if truth.missing else []
    also = [f"Also true: {', '.join(truth.also)}."] if truth.also else []
    return " ".join([f"{verdict}.", *map(_cause, truth.causes), *also, *missing])


def _cause(cause: CauseTold) -> str:
    words = [f"owner: {cause.owner}"] if cause.owner else []
    if cause.first is not None and cause.last is not None:
        words = [count(cause.size, "client connection"), f"from {moment(cause.first)} to {moment(cause.last)}", *words]
    words += [f"{key}: {value}" for key, value in cause.shared.items()]
    return f"{cause.family}/{cause.code}, {', '.join(words)}."


def _heard(report: Report, truth: Truth) -> str:
    """What a report says, and how it compares with the truth."""
    named = [cause for cause in (report.cause, *report.further) if cause is not None]
    words = [f"{_VERDICTS[report.verdict]}. {report.headline.rstrip('.')}."]
    for cause in named:
        scopes = [each.scope for each in report.findings if each.code == cause.code and each.scope is not None]
        reach = f" {scopes[0].size:,} {scopes[0].unit}, from {moment(scopes[0].first)}," if scopes else ""
        words.append(f"{cause.family}/{cause.code},{reach} owner: {cause.owner}, confidence {cause.confidence}.")
    said = {f"{cause.family}/{cause.code}" for cause in named}
    true = {f"{cause.family}/{cause.code}" for cause in truth.causes}
    if report.verdict not in truth.verdicts or said - true - {*truth.also}:
        return " ".join([*words, "The two differ."])
    return " ".join([*words, "The two agree." if said >= true else "The bot leaves a cause out."])
