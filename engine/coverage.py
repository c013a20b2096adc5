"""What the examples of a policy have shown of it, and what no example has shown yet.

Counted are: each of the three answers; every leaf true, false, and deciding (the answer hangs on it); every tier;
both sides of every branch; the two values nearest to every boundary; every datum missing in an undetermined
example. What is not counted as seen is named, so that a case can be written (or proposed) for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.coverage_sites import leaves_of, side_of, sites_of
from engine.decision import Outcome
from engine.example_decisions import DecidedExample, decided_examples, decides, leaf_steps
from engine.interpreter_values import Log, Surroundings, evaluate, surroundings
from engine.policy_inputs import inputs_of, whole_condition
from policies.errors import MianshenError, Place
from policies.fixing import fix
from policies.policy import FixedPolicy, Policy
from policies.scopes import GRANTS
from policies.text import Bilingual
from policies.tree import Aggregate, Attribute, If
from policies.vocabulary import Vocabulary

Kind = Literal["outcome", "leaf", "decides", "tier", "branch", "boundary", "missing"]


@dataclass(frozen=True, slots=True)
class Point:
    """One thing an example can show: `key` is stable, such as `leaf 2 false` or `leaf 1 first-yes`."""

    kind: Kind
    key: str
    words: Bilingual
    text: str = ""
    place: Place = Place()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every point of a policy, with the names of the examples that show it (none: nobody has)."""

    policy: str
    version: str
    examples: int
    points: tuple[tuple[Point, tuple[str, ...]], ...]

    @property
    def seen(self) -> int:
        """How many points some example shows."""
        return sum(bool(names) for _, names in self.points)

    @property
    def percent(self) -> int:
        """Their share of all points, rounded down: 100 only if nothing is left out."""
        return 100 * self.seen // len(self.points) if self.points else 100

    @property
    def unseen(self) -> tuple[Point, ...]:
        """What no example shows, in the order of the file."""
        return tuple(point for point, names in self.points if not names)

    @property
    def never_deciding(self) -> tuple[Point, ...]:
        """The leaves on which no example's answer hangs: others mask them."""
        return tuple(point for point in self.unseen if point.kind == "decides")


def coverage_of(policy: Policy, vocabulary: Vocabulary) -> Coverage:
    """Return what the policy's examples show. Pure; a policy without examples shows nothing."""
    decided = list(decided_examples(policy, vocabulary))
    points: dict[str, Point] = {}
    shown: dict[str, list[str]] = {}
    for fixed in _settled(policy, vocabulary, decided):
        for point in _points(fixed):
            points.setdefault(point.key, point)
    for one in decided:
        for key in shown_by(one):
            names = shown.setdefault(key, [])
            if one.name not in names:
                names.append(one.name)
    found = tuple((point, tuple(shown.get(key, ()))) for key, point in points.items())
    return Coverage(policy.id, policy.version, len(policy.examples), found)


def _settled(policy: Policy, vocabulary: Vocabulary, decided: list[DecidedExample]) -> list[FixedPolicy]:
    """Return the policy as settled for the examples; for its first day if there is none."""
    if decided:
        return [one.fixed for one in decided]
    try:
        return [fix(policy, vocabulary, policy.in_force[0])]
    except MianshenError:
        return []


def _points(fixed: FixedPolicy) -> Iterator[Point]:
    place = fixed.eligibility.place
    yield Point("outcome", "answer eligible", Bilingual("有人符合", "somebody is eligible"), place=place)
    yield Point("outcome", "answer ineligible", Bilingual("有人不符合", "somebody is not eligible"), place=place)
    if inputs_of(fixed):
        yield Point("outcome", "answer undetermined", Bilingual("缺数据而无法判定", "data are missing"), place=place)
    for number, leaf in enumerate(leaves_of(whole_condition(fixed)), start=1):
        for kind, suffix, words in (
            ("leaf", "true", Bilingual("条件成立", "the condition holds")),
            ("leaf", "false", Bilingual("条件不成立", "the condition does not hold")),
            ("decides", "decides", Bilingual("结果取决于这一条", "the answer hangs on this condition")),
        ):
            yield Point(kind, f"leaf {number} {suffix}", words, leaf.text, leaf.place)  # type: ignore[arg-type]
    for number, tier in enumerate(fixed.tiers, start=1):
        words = Bilingual(f"按第 {number} 档发放", f"tier {number} is granted")
        yield Point("tier", f"tier {number} granted", words, tier.text or "-", tier.place)
    for site, _ in sites_of(fixed):
        if isinstance(site.node, If):
            for side, words in (
                ("true", Bilingual("分支条件成立", "the branch is taken")),
                ("false", Bilingual("分支条件不成立", "the branch is not taken")),
            ):
                yield Point("branch", f"{site.key} {side}", words, site.text, site.place)
        else:
            for side, words in (
                ("first-yes", Bilingual("刚好达到界限", "the nearest value that still fulfils it")),
                ("last-no", Bilingual("刚好差一步", "the nearest value that just fails")),
            ):
                yield Point("boundary", f"{site.key} {side}", words, site.text, site.place)
    for name in _data(fixed):
        yield Point("missing", f"missing {name}", Bilingual("缺这项数据", "this datum is missing"), name, place)


def _data(fixed: FixedPolicy) -> list[str]:
    units = [] if fixed.policy.for_each is None else [fixed.policy.for_each]
    return [*units, *(one.name for one in inputs_of(fixed) if not _is_from_the_ledger(one.node))]


def _is_from_the_ledger(node: Attribute | Aggregate) -> bool:
    """Return whether it looks at the subject's own grants: the ledger always knows them."""
    return isinstance(node, Aggregate) and node.path == (GRANTS.name,)


def shown_by(one: DecidedExample) -> set[str]:
    """Return the keys of the points that one decided example shows."""
    found = {f"answer {one.decision.outcome.value}"}
    for number, step in enumerate(leaf_steps(one.decision.trace), start=1):
        if step.result is not None and one.facts:
            found.add(f"leaf {number} {'true' if step.result else 'false'}")
            if decides(one.decision.trace, step):
                found.add(f"leaf {number} decides")
    if one.decision.tier is not None and one.decision.outcome is Outcome.ELIGIBLE:
        found.add(f"tier {one.decision.tier + 1} granted")
    if one.decision.outcome is Outcome.UNDETERMINED:
        data = one.decision.inputs or {}
        found |= {f"missing {name}" for name, value in data.items() if value is None}
    if one.facts:
        found |= _sides(one)
    return found


def _sides(one: DecidedExample) -> set[str]:
    at = surroundings(one.facts, inputs_of(one.fixed), Log())
    silent = Surroundings(at.facts, at.for_each, at.aggregates, None)
    found: set[str] = set()
    for site, around in sites_of(one.fixed, (silent,)):
        for here in around:
            if isinstance(site.node, If):
                value = evaluate(site.node.condition, here).value
                if value is not None:
                    found.add(f"{site.key} {'true' if value else 'false'}")
            else:
                side = side_of(site.node, here)
                if side is not None:
                    found.add(f"{site.key} {side}")
    return found
