"""What an editor has to be told besides the text: the catalog, the library's policies, and the file's own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from policies.context import depends_on_data
from policies.editing.edited import EditedFile
from policies.editing.entries import Path
from policies.editing.outline import Outline
from policies.editing.positions import Span
from policies.operands import Operand
from policies.policy import Policy
from policies.text import Bilingual
from policies.types import Type
from policies.vocabulary import Vocabulary

# Stands where the name of a code set stands, for the ids of the library's policies.
POLICIES = "policy ids"


@dataclass(frozen=True, slots=True)
class OwnParameter:
    """A parameter as its text shows it, right or wrong.

    form    `scalar`, `table` (by a code or an integer) or `scale` (brackets)
    by      what a table is keyed by: a code set, an attribute, a definition, `integer`, or `region` for values of
            places
    values  the dated values as they are written, in their order
    """

    name: str
    form: str
    by: str = ""
    is_open: bool = False
    unit: str = ""
    title: Bilingual | None = None
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OwnDefinition:
    """A definition as written; its type and whether it looks at data, once the file has been without mistakes."""

    name: str
    text: str
    title: Bilingual | None = None
    type: Type | None = None
    looks_at_data: bool = True


@dataclass(frozen=True, slots=True)
class OwnNames:
    """What a rule file declares itself."""

    space: str = ""
    for_each: str = ""
    period: str = ""
    parameters: Mapping[str, OwnParameter] = field(default_factory=dict)
    definitions: Mapping[str, OwnDefinition] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownPolicy:
    """A policy of the library as its text shows it, right or wrong.

    own         the names that it declares
    own_places  where it declares its parameters and definitions, by path
    groups      `exclusive` and `claims` -> the group it belongs to
    """

    id: str
    file: str
    title: Bilingual | None
    own: OwnNames
    own_places: Mapping[Path, Span] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    units: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Declared:
    """Where the catalog declares something: a file and the key in it."""

    file: str
    key: Span


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything that may be named, and what is known of it.

    agencies  source -> who delivers it
    validity  code set -> code -> first and last day (None: open); a code that is not listed is always valid
    policies  the library, by id
    declared  path in the catalog, such as (`spaces`, `citizen`, `attributes`, `sex`) -> where that stands
    """

    vocabulary: Vocabulary
    agencies: Mapping[str, Bilingual] = field(default_factory=dict)
    validity: Mapping[str, Mapping[str, tuple[date | None, date | None]]] = field(default_factory=dict)
    policies: Mapping[str, KnownPolicy] = field(default_factory=dict)
    declared: Mapping[Path, Declared] = field(default_factory=dict)


def own_names(edited: EditedFile, knowledge: Knowledge) -> OwnNames:
    """Return what expressions and examples of a file may name: its own, or those of the rule that an overlay belongs to."""
    if edited.kind == "overlay":
        rule = knowledge.policies.get(edited.outline.text(("overlays",)))
        return rule.own if rule is not None else OwnNames()
    return names_in(edited.outline, edited.policy)


def names_in(outline: Outline, policy: Policy | None = None) -> OwnNames:
    """Return what a rule's text declares; `policy` is what it meant when it was last without mistakes."""
    definitions = {}
    for name in outline.keys(("definitions",)):
        known = policy.definitions.get(name) if policy is not None else None
        path = ("definitions", name)
        text = outline.text(path) or outline.text((*path, "value"))
        kind, looks = known.type if known is not None else None, _looks_at_data(known)
        definitions[name] = OwnDefinition(name, text, bilingual(outline, (*path, "title")), kind, looks)
    return OwnNames(
        outline.text(("space",)),
        outline.text(("for_each",)),
        outline.text(("period",)),
        {name: _parameter(outline, name) for name in outline.keys(("parameters",))},
        definitions,
    )


def known_policy(outline: Outline, file: str) -> KnownPolicy | None:
    """Return what a rule's text says of it, or None if it has no id."""
    id = outline.text(("id",))
    if not id:
        return None
    own = names_in(outline)
    groups = {key: outline.text((key, "group")) for key in ("exclusive", "claims")}
    units = frozenset(one.unit for one in own.parameters.values() if one.unit)
    places = {
        entry.path: entry.key
        for section in ("parameters", "definitions")
        for entry in outline.below.get((section,), ())
        if entry.key is not None
    }
    return KnownPolicy(
        id, file, bilingual(outline, ("title",)), own, places, {k: v for k, v in groups.items() if v}, units
    )


def bilingual(outline: Outline, path: Path) -> Bilingual | None:
    """Return the text in both languages at a path, or None if it lacks one."""
    zh, en = outline.text((*path, "zh")), outline.text((*path, "en"))
    return Bilingual(zh, en) if zh and en else None


def _looks_at_data(known: Operand | None) -> bool:
    return known is None or depends_on_data(known)


def _parameter(outline: Outline, name: str) -> OwnParameter:
    path: Path = ("parameters", name)
    keys = outline.keys(path)
    is_open = "by_region" in keys
    by = "region" if is_open else outline.text((*path, "by"))
    form = "table" if by else "scale" if "scale" in keys else "scalar"
    dated: Sequence[str] = outline.keys((*path, "values")) if "values" in keys else keys
    at = (*path, "values") if "values" in keys else path
    values = tuple((day, _written(outline, (*at, day))) for day in dated)
    title = bilingual(outline, (*path, "title"))
    return OwnParameter(name, form, by, is_open, outline.text((*path, "unit")), title, values)


def _written(outline: Outline, path: Path) -> str:
    """Return a value as it is written; a table on one line."""
    inner = outline.below.get(path)
    if not inner:
        entry = outline.by_path.get(path)
        return {"{": "{}", "[": "[]"}.get((entry.style if entry is not None else None) or "", outline.text(path))
    parts = []
    for one in inner:
        value = _written(outline, one.path)
        parts.append(f"{one.path[-1]}: {value}" if one.key is not None else value)
    return "{" + ", ".join(parts) + "}"
