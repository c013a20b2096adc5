"""What is to be told of a policy on a day before anybody is decided: series without a value, codes out of use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from engine.policy_reads import roots_of
from policies.errors import Diagnostic, Place
from policies.fixing import published
from policies.policy import Condition, Policy
from policies.text import Bilingual
from policies.tree import Compare, In, IndicatorValue, Literal, Lookup, Node, PrefixLookup, Within, walk
from policies.types import Code
from policies.vocabulary import Attribute, CodeSet, Indicator, Vocabulary
from profiles.catalog_model import Catalog, Validity


def silent_indicators(policy: Policy, vocabulary: Vocabulary, on: date) -> tuple[Diagnostic, ...]:
    """Return a warning for each public series that the policy reads and that has no value for the month it needs.

    Whoever's answer hangs on it stays undetermined: nobody is refused by a figure that is not there.
    """
    names = sorted({node.name for root in roots_of(policy) for node in walk(root) if isinstance(node, IndicatorValue)})
    indicators = [vocabulary.indicators[name] for name in names if name in vocabulary.indicators]
    return tuple(_silent(policy, one, on) for one in indicators if not published(one, on))


def _silent(policy: Policy, indicator: Indicator, on: date) -> Diagnostic:
    months = on.year * 12 + on.month - 1 - indicator.lag_months
    month = f"{months // 12:04d}-{months % 12 + 1:02d}"
    known = max((one for series in indicator.values.values() for one in series), default="-")
    return Diagnostic(
        "indicator-without-value",
        Bilingual(
            f"政策 `{policy.id}` 在 {on} 要用指标 `{indicator.name}`（{indicator.title.zh}）{month} 的值，目录里没有（最新为 {known}）；"
            "取决于它的人都无法判定",
            f"the policy `{policy.id}` needs the series `{indicator.name}` ({indicator.title.en}) of {month} on {on}, "
            f"and the catalog does not have it (the latest is {known}); whoever hangs on it stays undetermined",
        ),
        Bilingual(
            f"把公布的 {month} 数值补进目录的 indicators，再跑一次；确未公布就等公布后补跑",
            f"add the published value of {month} to the indicators of the catalog and run again; "
            "if it is not out yet, run again when it is",
        ),
        Place(policy.file),
        "warning",
    )


def expired_codes(policy: Policy, catalog: Catalog, today: date) -> tuple[Diagnostic, ...]:
    """Return a warning for each code of the rule that is out of use on the day, and of an example on its own day.

    A rule is looked at on `today`, or on the nearest day on which it is in force.
    """
    first, last = policy.in_force
    day = max(first, min(today, last) if last is not None else today)
    found = [
        _expired(policy.file, name, code, one, day, place, catalog)
        for name, code, place in _codes_of_rule(policy)
        if (one := _validity(catalog, name, code)) is not None and not one.holds_on(day)
    ]
    for example in policy.examples:
        for name, code in _codes_of_example(example.profile, policy.space, catalog):
            validity = _validity(catalog, name, code)
            if validity is not None and not validity.holds_on(example.on):
                found.append(_expired(policy.file, name, code, validity, example.on, example.place, catalog))
    return tuple(dict.fromkeys(found))


def _validity(catalog: Catalog, code_set: str, code: str) -> Validity | None:
    return catalog.validity.get(code_set, {}).get(code)


def _expired(
    file: str, name: str, code: str, validity: Validity, day: date, place: Place, catalog: Catalog
) -> Diagnostic:
    code_set = catalog.vocabulary.code_sets[name]
    title = code_set.codes.get(code, Bilingual(code, code))
    if validity.valid_from is not None and day < validity.valid_from:
        since = validity.valid_from
        zh, en = f"自 {since} 起才启用", f"is in use only from {since}"
    else:
        zh, en = f"已于 {validity.valid_to} 停用", f"went out of use on {validity.valid_to}"
    successors = [_named(one, code_set) for one in validity.successors]
    remedy = Bilingual("核对当时的代码表", "look up the code list of that day")
    if successors:
        remedy = Bilingual(
            f"现用：{'、'.join(one.zh for one in successors)}",
            f"its place was taken by {', '.join(one.en for one in successors)}",
        )
    return Diagnostic(
        "code-expired",
        Bilingual(
            f"代码 `{code}`（{title.zh}）{zh}，用在 {day}", f"the code `{code}` ({title.en}) {en}, and is used on {day}"
        ),
        remedy,
        place if place.line is not None else Place(file),
        "warning",
    )


def _named(code: str, code_set: CodeSet) -> Bilingual:
    title = code_set.codes.get(code, Bilingual("", ""))
    return Bilingual(f"`{code}` {title.zh}".strip(), f"`{code}` {title.en}".strip())


def _codes_of_rule(policy: Policy) -> Iterator[tuple[str, str, Place]]:
    """Yield code set, code and place for every code that the rule names."""
    seen: set[int] = set()
    for condition in _leaves(policy.eligibility):
        assert condition.expression is not None
        for node in walk(condition.expression):
            seen.add(id(node))
            yield from ((name, code, condition.place) for name, code in _codes_at(node))
    for root in roots_of(policy):
        for node in walk(root):
            if id(node) not in seen:
                yield from ((name, code, Place()) for name, code in _codes_at(node))


def _leaves(condition: Condition) -> Iterator[Condition]:
    if condition.expression is not None:
        yield condition
    for child in condition.children:
        yield from _leaves(child)


def _codes_at(node: Node) -> Iterator[tuple[str, str]]:
    if isinstance(node, In | Within) and isinstance(node.child.type, Code):
        named = node.values if isinstance(node, In) else node.prefixes
        yield from ((node.child.type.code_set, str(code)) for code in named)
    elif isinstance(node, Compare):
        for side in (node.left, node.right):
            if isinstance(side, Literal) and isinstance(side.type, Code) and side.value is not None:
                yield side.type.code_set, str(side.value)
    elif isinstance(node, Lookup | PrefixLookup) and isinstance(node.key.type, Code):
        yield from ((node.key.type.code_set, str(case)) for case, _ in node.cases)


def _codes_of_example(profile: Mapping[str, object], space: str, catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yield code set and code for the codes of the subject itself and of its records."""
    declared = catalog.spaces.get(space)
    if declared is None:
        return
    yield from _codes_in(profile, declared.attributes)
    for name, collection in declared.collections.items():
        items = profile.get(name)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, Mapping):
                yield from _codes_in(item, collection.attributes)


def _codes_in(values: Mapping[str, object], attributes: Mapping[str, Attribute]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        kind = attributes[name].type if name in attributes else None
        if isinstance(kind, Code) and value is not None:
            yield kind.code_set, str(value)
