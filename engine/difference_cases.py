"""One case on which the engines differ, as a file that reproduces it: the rule's text and the facts, no identity."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from engine.decision import Facts
from engine.durable_engine import DurableEngine
from engine.frame_facts import ItemInBulk, SubjectInBulk
from engine.interpreter import decide_units
from engine.written_population import SUBJECT, written_population
from policies.errors import MianshenError, RunError
from policies.example_facts import ExampleFacts
from policies.fixing import fix
from policies.library import read_policy_text
from policies.periods import period_of
from policies.policy import FixedPolicy
from policies.types import Value
from policies.vocabulary import Vocabulary

FORM = "mianshen difference 1"


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """What one engine says: an outcome, or the code of the error it raised, or that the unit is none."""

    outcome: str
    amount: int | None = None


NO_UNIT = EngineAnswer("no-unit")


@dataclass(frozen=True, slots=True)
class Case:
    """One difference. `facts` holds what the engines looked at, in the engines' form: integers scaled, money in
    fen, dates as days since 1970-01-01; pseudonyms are replaced by numbers. `unit` is "" without `for_each`.
    `answers` are those of the run; None: the engine was not asked.
    """

    policy: str
    version: str
    text: str
    on: str
    period: str
    unit: str
    facts: Mapping[str, Any]
    answers: Mapping[str, EngineAnswer | None]

    def to_json(self) -> str:
        """Return the content of the file."""
        return json.dumps({"form": FORM, **asdict(self)}, ensure_ascii=False, indent=2, sort_keys=False) + "\n"


def make_case(
    fixed: FixedPolicy,
    subject: SubjectInBulk,
    unit: str,
    columnar: EngineAnswer | None,
    durable: DurableEngine,
) -> Case:
    """Return the case of one subject and unit; both engines that look at single subjects are asked once more.

    `columnar` is what the batch answered (`NO_UNIT`: that there is no such unit); None: it was not asked.
    """
    notes = _Notes(fixed.policy.for_each)
    recorded = _Recording(subject, _Noted(SUBJECT), notes)
    answers = {
        "columnar": columnar,
        "interpreter": by_interpreter(fixed, recorded).get(unit, NO_UNIT),
        "durable-rules": by_durable(fixed, recorded, durable, unit),
    }
    number = notes.units.get(unit, "") if unit else ""
    policy = fixed.policy
    return Case(
        policy.id, policy.version, policy.text, fixed.on.isoformat(), fixed.period.key, number,
        recorded.noted.to_json(), answers,
    )  # fmt: skip


def by_interpreter(fixed: FixedPolicy, subject: Facts) -> dict[str, EngineAnswer]:
    """Return the interpreter's answers by unit; one answer for "" if it raises."""
    try:
        return {unit: EngineAnswer(one.outcome.value, one.amount) for unit, one in decide_units(fixed, subject)}
    except MianshenError as error:
        return {"": EngineAnswer(f"error: {error.diagnostics[0].code}")}


def by_durable(fixed: FixedPolicy, subject: Facts, durable: DurableEngine, unit: str) -> EngineAnswer | None:
    """Return the answer of durable-rules for one unit; None if it does not decide this policy."""
    if fixed.policy.id not in durable.policies:
        return None
    try:
        found = {name: one for _, name, one in durable.decide(subject, [fixed.policy.id], settling=False)}
    except MianshenError as error:
        return EngineAnswer(f"error: {error.diagnostics[0].code}")
    return EngineAnswer(found[unit].outcome.value, found[unit].amount) if unit in found else NO_UNIT


def write_case(folder: Path, case: Case) -> Path:
    """Write a case whole or not at all, readable by its owner only; the same case gives the same file."""
    content = case.to_json()
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{case.policy}-{case.on}-{digest}.json"
    partial = path.with_suffix(f".{os.getpid()}.partial")
    # The facts are somebody's: nobody else on this machine may read them, not even for a moment.
    number = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(number)
    partial.replace(path)
    return path


@dataclass(frozen=True, slots=True)
class Replayed:
    """A case decided once more: the answers of then and of now."""

    case: Case
    now: Mapping[str, EngineAnswer | None]

    @property
    def differs(self) -> bool:
        """Whether the engines still do not agree."""
        return len({answer for answer in self.now.values() if answer is not None}) > 1


def read_case(path: Path) -> Case:
    """Return the case in a file. Raises RunError `not-a-case` if it is none."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        if given.pop("form") != FORM:
            raise ValueError
        answers = {name: None if one is None else EngineAnswer(**one) for name, one in given.pop("answers").items()}
        return Case(**given, answers=answers)
    except OSError as error:
        raise _no_case(path, error.strerror or str(error)) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _no_case(path, "it is not of this form") from None


def replay(path: Path, vocabulary: Vocabulary) -> Replayed:
    """Decide a kept case again with every engine of this installation.

    Raises RunError if the file is no case, PolicyError if its rule cannot be read with this catalog.
    """
    case = read_case(path)
    policy = read_policy_text(case.text, vocabulary, file=path.name)
    on = _day_of(case, path)
    fixed = fix(policy, vocabulary, on, period_of(policy.period, on))
    try:
        facts = _facts_of(case.facts)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _no_case(path, "its facts are not of this form") from None
    with DurableEngine([fixed], vocabulary) as durable:
        now = {
            "columnar": written_population(facts, policy.space, vocabulary).answer(fixed, case.unit),
            "interpreter": by_interpreter(fixed, facts).get(case.unit, NO_UNIT),
            "durable-rules": by_durable(fixed, facts, durable, case.unit),
        }
    return Replayed(case, now)


def _day_of(case: Case, path: Path) -> date:
    try:
        return date.fromisoformat(case.on)
    except (ValueError, TypeError):
        raise _no_case(path, "it has no date") from None


def _facts_of(given: Mapping[str, Any]) -> ExampleFacts:
    return ExampleFacts(
        str(given["id"]),
        dict(given["values"]),
        {name: _facts_of(one) for name, one in given["links"].items()},
        {name: tuple(_facts_of(one) for one in items) for name, items in given["collections"].items()},
    )


def _no_case(path: Path, why: str) -> MianshenError:
    return RunError.of(
        "not-a-case",
        f"`{path}` 不是可重现的分歧案例（{why}）",
        f"`{path}` is not a case that can be replayed ({why})",
        help_zh="案例在数据目录的 differences 里，由运行保存",
        help_en="cases lie in the folder differences of the home; runs keep them there",
    )


# Noting down what is looked at.


@dataclass(slots=True)
class _Noted:
    """What was seen of one subject or item."""

    id: str
    values: dict[str, Value] = field(default_factory=dict)
    links: dict[str, _Noted] = field(default_factory=dict)
    collections: dict[str, list[_Noted]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "values": {name: self.values[name] for name in sorted(self.values)},
            "links": {name: self.links[name].to_json() for name in sorted(self.links)},
            "collections": {
                name: [one.to_json() for one in self.collections[name]] for name in sorted(self.collections)
            },
        }


@dataclass(slots=True)
class _Notes:
    """Pseudonyms by the numbers that stand for them, and units by theirs."""

    for_each: str | None
    people: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)

    def person(self, pseudonym: str) -> _Noted:
        return _Noted(self.alias(pseudonym))

    def alias(self, pseudonym: str) -> str:
        return self.people.setdefault(pseudonym, f"person {len(self.people) + 1}")


@dataclass(slots=True)
class _Recording:
    """Facts that note down whatever is asked of them."""

    facts: SubjectInBulk | ItemInBulk
    noted: _Noted
    notes: _Notes
    _items: dict[tuple[str, ...], list[_Recording] | None] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.facts.id

    @property
    def space(self) -> str | None:
        return getattr(self.facts, "space", None)

    def value(self, path: tuple[str, ...]) -> Value:
        found = self.facts.value(path)
        if found is None:
            return None
        here = self._at_end_of(path[:-1])
        if self._is_link(path):
            here.links.setdefault(path[-1], self.notes.person(str(found)))
            return self.notes.alias(str(found))
        here.values[path[-1]] = found
        return found

    def items(self, path: tuple[str, ...]) -> Sequence[_Recording] | None:
        if path not in self._items:
            found = self.facts.items(path)
            if found is None:
                self._items[path] = None
            else:
                here = self._at_end_of(path[:-1])
                noted = here.collections.setdefault(path[-1], [_Noted(str(n + 1)) for n in range(len(found))])
                self._items[path] = [_Recording(one, note, self.notes) for one, note in zip(found, noted, strict=True)]
                if path == (self.notes.for_each,) and self.noted.id == SUBJECT:
                    self.notes.units.update({one.id: note.id for one, note in zip(found, noted, strict=True)})
        return self._items[path]

    def _at_end_of(self, links: tuple[str, ...]) -> _Noted:
        here = self.noted
        for number in range(len(links)):
            target = self.facts.value(links[: number + 1])
            here = here.links.setdefault(links[number], self.notes.person(str(target)))
        return here

    def _is_link(self, path: tuple[str, ...]) -> bool:
        """Whether the value at the end of `path` is the pseudonym of somebody."""
        vocabulary = self.facts.store.vocabulary
        facts = self.facts
        links: dict[str, Any] = {}
        space: str | None
        if isinstance(facts, ItemInBulk):
            links, space = dict(facts.declared.links), facts.declared.member_space
            own = facts.declared.attributes
        else:
            space, own = facts.space, {}
        for number, name in enumerate(path):
            here = {**(vocabulary.spaces[space].links if space else {}), **links}
            if name in own or name not in here:
                return False
            if number == len(path) - 1:
                return True
            space, links, own = here[name].target, {}, {}
        return False
