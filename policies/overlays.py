"""One rule and the values of its places: overlay files are laid over the parameters that a rule has opened.

An overlay sets parameters declared with `by_region`, and nothing else. It is laid over the rule's document before
anything is checked, value by value with its own place, so that whatever is wrong is shown in the overlay's file.
The text of a policy with overlays is the rule's text followed by theirs, in the order of regions; its hash, and so
an approval, covers all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from policies.checking import check
from policies.codes import trimmed
from policies.document import Document, Items, Located, Mapping, Scalar, read_document
from policies.errors import Diagnostic, PolicyError
from policies.model import OverlayShape
from policies.model_errors import read_as
from policies.overlay_checks import contradictions, findings_of
from policies.policy import Basis, Overlay, Policy
from policies.text import Bilingual
from policies.types import to_day_number
from policies.vocabulary import Vocabulary

SUFFIX = ".overlay.yaml"
# A line that no single YAML document can hold: texts laid together fall apart again in one way only.
_SEPARATOR = "\n--- # overlay\n"


@dataclass(frozen=True, slots=True)
class OverlayFile:
    """One overlay file of the right shape, not yet compared with its rule."""

    document: Document
    shape: OverlayShape
    text: str

    @property
    def order(self) -> tuple[str, date, str]:
        """What overlays of one rule are sorted by; it does not depend on the names of files."""
        return (self.shape.region, self.shape.in_force.from_, self.text)


def read_overlay(text: str, file: str) -> OverlayFile:
    """Return the overlay in a file's text. Raises PolicyError with every mistake of its shape."""
    text = text.removeprefix("\ufeff")
    document = read_document(text, file)
    return OverlayFile(document, read_as(document, OverlayShape), text)


def joined(rule: str, overlays: Sequence[str]) -> str:
    """Return one text for a rule and its overlays, from which `parted` gets them back."""
    return _SEPARATOR.join([rule, *overlays])


def parted(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the rule's text and those of its overlays."""
    rule, *overlays = text.split(_SEPARATOR)
    return rule, tuple(overlays)


def check_with_overlays(
    document: Document, text: str, overlays: Sequence[OverlayFile], vocabulary: Vocabulary
) -> Policy:
    """Return the policy of a rule file with the values of its places.

    Raises PolicyError with every finding: of the rule alone, else of the overlays, each in its own file.
    """
    policy = check(document, text, vocabulary)
    if not overlays:
        return policy
    ordered = sorted(overlays, key=lambda one: one.order)
    findings = [each for one in ordered for each in findings_of(one.document, one.shape, document, policy, vocabulary)]
    findings += contradictions([(one.document, one.shape) for one in ordered])
    if findings:
        raise PolicyError(_in_order(findings))
    try:
        whole = check(_laid_over(document, ordered), joined(text, [one.text for one in ordered]), vocabulary)
    except PolicyError as error:
        raise PolicyError([_with_places_said(each, document.file) for each in error.diagnostics]) from None
    return replace(whole, overlays=tuple(_overlay(one, whole) for one in ordered))


def _with_places_said(finding: Diagnostic, rule: str) -> Diagnostic:
    """The rule alone is right: what is found in its own file comes from a value that a place has laid over it."""
    if finding.place.file != rule:
        return finding
    words = finding.message
    message = Bilingual(f"套用各地的值后，{words.zh}", f"with the values of its places, {words.en}")
    return replace(finding, message=message)


def _in_order(findings: list[Diagnostic]) -> list[Diagnostic]:
    unique = dict.fromkeys(findings)
    return sorted(unique, key=lambda one: (one.place.file or "", one.place.line or 0, one.place.column or 0))


def _overlay(file: OverlayFile, whole: Policy) -> Overlay:
    shape, region = file.shape, trimmed(file.shape.region)
    start, end = shape.in_force.from_, shape.in_force.to
    values = {}
    for name, given in shape.parameters.items():
        by_day = {day: content for day, content in whole.parameters[name].dated if isinstance(content, dict)}
        values[name] = tuple((day, by_day[to_day_number(day)].get(region)) for day in given)
    return Overlay(
        shape.region,
        shape.author,
        shape.authority,
        tuple(Basis(one.document, one.date, one.note) for one in shape.basis),
        (start, end),
        values,
        file.document.file,
        Bilingual(shape.place.zh, shape.place.en) if shape.place else None,
        shape.confidence,
        tuple(shape.unverified),
        file.document.root.place,
    )


# Laying over: documents in, one document out


def _laid_over(document: Document, overlays: Sequence[OverlayFile]) -> Document:
    root = document.root
    assert isinstance(root, Mapping)
    touched = {name for one in overlays for name in one.shape.parameters}
    entries: list[tuple[Scalar, Located]] = []
    for key, value in root.entries:
        if key.value == "parameters" and isinstance(value, Mapping):
            inner = [
                (name, _with_places(found, str(name.value), overlays) if name.value in touched else found)
                for name, found in value.entries
            ]
            value = Mapping(tuple(inner), value.place)
        if key.value != "examples":
            entries.append((key, value))
    examples = _examples(document, overlays)
    if examples is not None:
        entries.append(examples)
    return Document(document.file, Mapping(tuple(entries), root.place))


def _examples(document: Document, overlays: Sequence[OverlayFile]) -> tuple[Scalar, Located] | None:
    """Return the key and the list of the rule's examples and those of its places."""
    found: list[tuple[Scalar, Items]] = []
    for one in [document, *(overlay.document for overlay in overlays)]:
        entry = one.root.entry("examples") if isinstance(one.root, Mapping) else None
        if entry is not None and isinstance(entry[1], Items):
            found.append((entry[0], entry[1]))
    if not found:
        return None
    items = tuple(item for _, listed in found for item in listed.items)
    return found[0][0], Items(items, found[0][1].place)


def _with_places(parameter: Located, name: str, overlays: Sequence[OverlayFile]) -> Located:
    """Return a regional parameter with the values of the places, at every day on which one of them changes."""
    assert isinstance(parameter, Mapping)
    entry = parameter.entry("values")
    assert entry is not None and isinstance(entry[1], Mapping)
    national = [(key, content) for key, content in entry[1].entries if isinstance(key.value, date)]
    setting = [one for one in overlays if name in one.shape.parameters]
    days: dict[date, Scalar] = {key.value: key for key, _ in national}
    for one in setting:
        for day, key in _changes(one, name):
            days.setdefault(day, key)
    dated = tuple(
        (days[day], _content_on(day, name, national, setting)) for day in sorted(days) if day >= national[0][0].value
    )
    return Mapping(
        tuple(
            (key, Mapping(dated, value.place) if key.value == "values" else value) for key, value in parameter.entries
        ),
        parameter.place,
    )


def _changes(overlay: OverlayFile, name: str) -> list[tuple[date, Scalar]]:
    """Return the days on which an overlay's value begins or ends, as keys of a document."""
    found = [(key.value, key) for key, _ in _values(overlay, name) if isinstance(key.value, date)]
    end = overlay.shape.in_force.to
    if end is not None and end < date.max:
        after = end + timedelta(days=1)
        place = overlay.document.place(("in_force", "to"))
        found.append((after, Scalar(after, after.isoformat(), place, place, exact=False)))
    return found


def _values(overlay: OverlayFile, name: str) -> tuple[tuple[Scalar, Located], ...]:
    values = overlay.document.at(("parameters", name))
    assert isinstance(values, Mapping)
    return values.entries


def _content_on(
    day: date, name: str, national: list[tuple[Scalar, Located]], setting: Sequence[OverlayFile]
) -> Located:
    """Return what the parameter holds from `day` on: the rule's own regions and those of the places."""
    own = next(content for key, content in reversed(national) if key.value <= day)
    if not isinstance(own, Mapping):
        return own  # abolished everywhere
    entries = list(own.entries)
    for one in setting:
        end = one.shape.in_force.to
        if end is not None and end < day:
            continue
        current = [value for key, value in _values(one, name) if isinstance(key.value, date) and key.value <= day]
        if current:
            place = one.document.place(("region",))
            region = Scalar(one.shape.region, one.shape.region, place, place, exact=False)
            entries.append((region, current[-1]))
    return Mapping(tuple(entries), own.place)
