"""On which day a policy reads its parameters: that of the decision, or one that the law names (`value_on`)."""

from __future__ import annotations

from collections.abc import Iterator

from policies.policy import Condition, Policy
from policies.text import Bilingual
from policies.tree import Attribute, Literal, Named, Node, ParameterValue, walk
from policies.types import Date, from_day_number

_ANOTHER = Bilingual("另算之日", "a day that is worked out")


def value_days(policy: Policy) -> dict[str, tuple[Bilingual, ...]]:
    """Return for each parameter that is read on another day than that of the decision, on which ones."""
    found: dict[str, dict[Bilingual, None]] = {}
    for root in _roots(policy):
        for node in walk(root):
            if isinstance(node, ParameterValue) and node.at is not None:
                found.setdefault(node.name, {})[_day_in_words(node.at)] = None
    return {name: tuple(days) for name, days in found.items()}


def _roots(policy: Policy) -> Iterator[Node]:
    yield from _expressions(policy.eligibility)
    more = [policy.benefit.amount, policy.unit_where, policy.order_of_need]
    yield from (one for one in more if one is not None)
    yield from policy.definitions.values()


def _expressions(condition: Condition) -> Iterator[Node]:
    if condition.expression is not None:
        yield condition.expression
    for child in condition.children:
        yield from _expressions(child)


def _day_in_words(at: Node) -> Bilingual:
    if isinstance(at, Attribute):
        path = ".".join(at.path)
        return Bilingual(path, path)
    if isinstance(at, Named):
        return Bilingual(at.name, at.name)
    if isinstance(at, Literal) and isinstance(at.type, Date) and at.value is not None:
        day = from_day_number(int(at.value)).isoformat()
        return Bilingual(day, day)
    return _ANOTHER
