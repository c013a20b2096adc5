"""What people call a datum that a rule file names, and who delivers it."""

from __future__ import annotations

from dataclasses import dataclass

from policies.instalments import instalment_title
from policies.policy import Policy
from policies.text import Bilingual
from policies.vocabulary import Collection, Space, Vocabulary

_SUBJECT = "subject."


@dataclass(frozen=True, slots=True)
class Datum:
    """The title of a name, and the id of its source ("" for what is computed or set by the policy)."""

    title: Bilingual
    source: str = ""


def datum_of(name: str, policy: Policy, vocabulary: Vocabulary) -> Datum:
    """Return title and source of a name as decisions record it; an unknown name is its own title."""
    parameter = policy.parameters.get(name)
    if parameter is not None:
        plain = name.replace("_", " ")
        return Datum(parameter.title or Bilingual(f"政策规定的值（{name}）", f"{plain} (set by the policy)"))
    defined = policy.definition_titles.get(name)
    if defined is not None:
        return Datum(defined)
    for start in _starts(name, policy, vocabulary):
        found = _follow(name.removeprefix(_SUBJECT).split("."), start, vocabulary)
        if found is not None:
            return found
    own = instalment_title(name, policy.id) if policy.benefit.instalments else None
    if own is not None:
        return Datum(own)
    indicator = vocabulary.indicators.get(name)
    if indicator is not None:
        return Datum(indicator.title, indicator.source)
    return Datum(Bilingual(name, name))


def _starts(name: str, policy: Policy, vocabulary: Vocabulary) -> list[Space | Collection]:
    space = vocabulary.spaces.get(policy.space)
    if space is None:
        return []
    if policy.for_each is None or name.startswith(_SUBJECT):
        return [space]
    unit = space.collections.get(policy.for_each)
    return [space] if unit is None else [unit, space]


def _follow(path: list[str], start: Space | Collection, vocabulary: Vocabulary) -> Datum | None:
    at: Space | Collection = start
    titles: list[Bilingual] = []
    for position, part in enumerate(path):
        last = position == len(path) - 1
        own = _member(at, part, vocabulary) if last else None
        if own is not None:
            return Datum(_joined([*titles, own.title]), own.source)
        link = at.links.get(part)
        if link is None and isinstance(at, Collection) and at.member_space in vocabulary.spaces:
            link = vocabulary.spaces[at.member_space].links.get(part)
        if link is None:
            return None
        titles.append(link.title)
        if last:
            return Datum(_joined(titles), link.source)
        target = vocabulary.spaces.get(link.target)
        if target is None:
            return None
        at = target
    return None


def _member(at: Space | Collection, name: str, vocabulary: Vocabulary) -> Datum | None:
    attribute = at.attributes.get(name)
    if attribute is not None:
        return Datum(attribute.title, attribute.source)
    if isinstance(at, Space):
        collection = at.collections.get(name)
        return None if collection is None else Datum(collection.title, collection.source)
    member = vocabulary.spaces.get(at.member_space) if at.member_space is not None else None
    return None if member is None else _member(member, name, vocabulary)


def _joined(titles: list[Bilingual]) -> Bilingual:
    return Bilingual("的".join(each.zh for each in titles), ": ".join(each.en for each in titles))
