"""What lies ahead of one person over all policies: what time will bring, and what only one missing fact holds up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from engine.decision import Facts, Outcome
from engine.installation import Installation
from engine.interpreter import decide_units
from engine.ledger.approvals import approved_policies
from engine.past_grants import facts_with_past_grants
from engine.planning import approved_text, ending_with_retirement, is_in_force
from engine.searching import input_values
from engine.settling_sets import settling
from engine.upcoming import upcoming
from notifier.outlook import Coming, MissingFact, coming_in_words, facts_in_words
from policies.fixing import fix
from policies.policy import Policy
from policies.text import Bilingual
from policies.vocabulary import Vocabulary

HORIZON = timedelta(days=366)
_WORK = 4_000  # a page must not take long; one fact alone is found first


@dataclass(frozen=True, slots=True)
class Ahead:
    """One policy that is no grant yet: the day on which it will be, or the facts one of which is all that lacks.

    One of `coming` and `missing` is there. `unit` is the id of the item of a `for_each` policy, else "".
    """

    policy: str
    title: Bilingual
    unit: str
    coming: Coming | None = None
    missing: tuple[MissingFact, ...] = ()


def ahead_of(installation: Installation, subject: str, on: date, only: Collection[str] | None = None) -> list[Ahead]:
    """Return what lies ahead of a subject on the day `on`, the approved policies in order of their day, then title.

    With `only`, no other policies are looked at. Nothing for a subject whom the profiles do not know. Raises
    StoreError if the profiles cannot be read.
    """
    snapshot = installation.snapshot(on)
    space = snapshot.space_of(subject)
    if space is None:
        return []
    catalog, library = installation.catalog, installation.library.policies
    approved = [
        one for one in approved_policies(installation.ledger, on).values() if only is None or one.policy in only
    ]
    policies = [approved_text(installation.ledger, library, catalog.vocabulary, one) for one in approved]
    policies = ending_with_retirement(installation.ledger, policies, on)
    facts = facts_with_past_grants(snapshot.facts(space, subject), subject, installation.ledger)
    agencies = {each.id: each.agency for each in catalog.sources.values()}
    return what_lies_ahead((one for one in policies if one.space == space), facts, catalog.vocabulary, on, agencies)


def what_lies_ahead(
    policies: Iterable[Policy],
    facts: Facts,
    vocabulary: Vocabulary,
    on: date,
    agencies: Mapping[str, Bilingual] | None = None,
) -> list[Ahead]:
    """Return, policy by policy, the day of a yes within a year, or the one fact that an open decision lacks.

    Args:
        policies: policies about the subject's space.
        facts: the subject, as known on the day `on`.
        vocabulary: titles and codes.
        on: the day from which one looks ahead.
        agencies: source id to the agency's name.
    """
    found = [one for policy in policies for one in _of_policy(policy, facts, vocabulary, on, agencies or {})]
    return sorted(
        found, key=lambda one: (one.coming is None, one.coming.on if one.coming else on, one.policy, one.unit)
    )


def _of_policy(
    policy: Policy, facts: Facts, vocabulary: Vocabulary, on: date, agencies: Mapping[str, Bilingual]
) -> Iterator[Ahead]:
    fixed = fix(policy, vocabulary, on)
    in_force = is_in_force(policy, on)
    items = () if policy.for_each is None else facts.items((policy.for_each,)) or ()
    units: dict[str, Facts] = {str(getattr(item, "id", "")): item for item in items}
    for id, decision in decide_units(fixed, facts):
        unit = units.get(id)
        if (policy.for_each is not None and unit is None) or (in_force and decision.outcome is Outcome.ELIGIBLE):
            continue
        day = upcoming(policy, vocabulary, facts, on, HORIZON, unit)
        if day is not None:
            yield Ahead(policy.id, policy.title, id, coming_in_words(fixed, day, vocabulary))
        elif in_force and decision.outcome is Outcome.UNDETERMINED:
            sets = settling(fixed, input_values(fixed, facts, unit), vocabulary, towards=("yes",), work=_WORK).yes
            names = [one[0] for one in sets if len(one) == 1]
            if names:
                yield Ahead(policy.id, policy.title, id, None, facts_in_words(fixed, names, vocabulary, agencies))
