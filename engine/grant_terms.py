"""What all grants of one policy have in common when a run, or an event, records them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date

from engine.ledger.stages import first_stage
from engine.planning import Planned
from engine.recording import GrantTerms
from policies.policy import Policy
from policies.vocabulary import Vocabulary

# Returns for a space the day of each of its sources.
DaysOf = Callable[[str], Mapping[str, date]]


def grant_terms(item: Planned, vocabulary: Vocabulary, days_of: DaysOf) -> GrantTerms:
    """Return the terms of one planned policy's grants; `days_of` dates the sources that it reads."""
    policy = item.policy
    return GrantTerms(
        policy=policy.id,
        version=policy.version,
        space=policy.space,
        period=item.period.key,
        kind=policy.benefit.kind,
        stage=first_stage(policy.delivery, is_hint=policy.judgement is not None).value,
        fund=policy.fund,
        payee_space=payee_space(policy, vocabulary),
        as_of=sources_as_of(policy, vocabulary, days_of),
    )


def payee_space(policy: Policy, vocabulary: Vocabulary) -> str | None:
    """Return the space that the payee's path leads to; links of the unit come before the subject's."""
    space: str | None = policy.space
    for depth, name in enumerate(policy.payee):
        owner = vocabulary.spaces[space or policy.space]
        links = dict(owner.links)
        if depth == 0 and policy.for_each is not None and policy.for_each in owner.collections:
            links |= owner.collections[policy.for_each].links
        space = links[name].target if name in links else None
        if space is None:
            return None
    return space if policy.payee else None


def sources_as_of(policy: Policy, vocabulary: Vocabulary, days_of: DaysOf) -> str:
    """Return as JSON the day of every source that the policy reads; `days_of` gives those of a space."""
    days: dict[str, str] = {}
    for place, names in policy.reads.items():
        space, _, collection = place.partition(".")
        declared = vocabulary.spaces.get(space)
        if declared is None:
            continue
        of_collection = declared.collections.get(collection)
        owner = of_collection if of_collection is not None else declared
        sources = {
            found.source for name in names if (found := owner.attributes.get(name) or owner.links.get(name)) is not None
        }
        if of_collection is not None:
            sources.add(of_collection.source)
        known = days_of(space)
        days |= {name: known[name].isoformat() for name in sources if name in known}
    return json.dumps(days, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
