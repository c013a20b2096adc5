"""Everything a policy looks at, with whom it comes from: data, parameters, public series and dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.policy import Condition, Policy
from policies.text import Bilingual
from policies.tree import IndicatorValue, Named, Node, Reference, walk
from policies.vocabulary import Attribute, Collection, Link, Space
from profiles.catalog_model import Catalog, Source


@dataclass(frozen=True, slots=True)
class ReadDatum:
    """One datum: where it stands (`citizen`, `enterprise.hires`), its source, its freshness in days, its purpose.

    `kind` is `attribute`, `link` or `collection`. `source` is None where the catalog names none: nobody delivers it.
    `purpose` is what the policy declares for a sensitive one.
    """

    place: str
    name: str
    title: Bilingual
    kind: str
    source: Source | None
    freshness_days: int | None
    sensitive: bool
    purpose: str | None
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class PolicyReads:
    """What one policy reads. `dates` are `on`, `period_start`, `period_end`; `derived` are worked out by the catalog."""

    data: tuple[ReadDatum, ...]
    parameters: tuple[str, ...]
    indicators: tuple[str, ...]
    dates: tuple[str, ...]
    derived: tuple[str, ...]


def reads_of(policy: Policy, catalog: Catalog) -> PolicyReads:
    """Return what the policy reads, in the order of place and name."""
    nodes = [node for root in roots_of(policy) for node in walk(root)]
    names = {node.name for node in nodes if isinstance(node, Named)}
    spaces = list(catalog.spaces.values())
    holders = [one.attributes for one in spaces] + [
        each.attributes for one in spaces for each in one.collections.values()
    ]
    derived = {each.name for holder in holders for each in holder.values() if each.derivation is not None}
    return PolicyReads(
        tuple(_data(policy, catalog)),
        tuple(policy.parameters),
        tuple(sorted({node.name for node in nodes if isinstance(node, IndicatorValue)})),
        tuple(sorted({node.which for node in nodes if isinstance(node, Reference)})),
        tuple(sorted((names & derived) - set(policy.definitions))),
    )


def roots_of(policy: Policy) -> Iterator[Node]:
    """Yield every expression of a policy that has not been settled for a date."""
    yield from _expressions(policy.eligibility)
    for tier in policy.benefit.tiers:
        yield from (one for one in (tier.when, tier.amount) if one is not None)
    claim = policy.claims.key if policy.claims else None
    limits = (node for ceiling in policy.benefit.ceilings for node in ceiling.nodes)
    for root in (policy.benefit.amount, policy.unit_where, policy.order_of_need, claim, *limits):
        if root is not None:
            yield root
    yield from policy.definitions.values()


def _expressions(condition: Condition) -> Iterator[Node]:
    if condition.expression is not None:
        yield condition.expression
    for child in condition.children:
        yield from _expressions(child)


def _data(policy: Policy, catalog: Catalog) -> Iterator[ReadDatum]:
    for place in sorted(policy.reads):
        name, _, inner = place.partition(".")
        space = catalog.spaces.get(name)
        if space is None:
            continue
        collection = space.collections.get(inner) if inner else None
        if collection is not None:
            source = catalog.sources.get(collection.source)
            yield ReadDatum(place, inner, collection.title, "collection", source, None, False, None)
        for each in sorted(policy.reads[place]):
            found = _declared(each, space, collection)
            if found is None or (isinstance(found, Attribute) and found.derivation is not None):
                continue
            sensitive = isinstance(found, Attribute) and found.sensitivity == "sensitive"
            yield ReadDatum(
                place,
                each,
                found.title,
                "attribute" if isinstance(found, Attribute) else "link",
                catalog.sources.get(found.source) or (catalog.sources.get(collection.source) if collection else None),
                found.freshness_days if isinstance(found, Attribute) else None,
                sensitive,
                _purpose(policy, place, each) if sensitive else None,
                isinstance(found, Attribute) and found.lasting,
            )


def _declared(name: str, space: Space, collection: Collection | None) -> Attribute | Link | None:
    holder = collection if collection is not None else space
    return holder.attributes.get(name) or holder.links.get(name)


def _purpose(policy: Policy, place: str, name: str) -> str | None:
    """Return the purpose declared for a sensitive datum, under whatever path the rule names it."""
    for declared, purpose in (policy.sensitive or {}).items():
        if declared == name or declared.rpartition(".")[2] == name:
            return purpose
    return None
