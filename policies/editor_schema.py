"""The JSON Schema of rule files that knows a catalog: editors complete data, codes, funds, events and policies.

`policies.schema.json_schema` knows the language; what is added here comes from a `Vocabulary`: in examples the data
of the chosen space with their types, ranges and code lists, and everywhere the ids that a rule file may name. Names
inside expressions cannot be described by a JSON Schema; the checker names them with a suggestion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from policies.example_facts import ITEM_ID
from policies.policy import Policy
from policies.schema import json_schema, overlay_schema
from policies.scopes import Scope
from policies.text import Bilingual
from policies.types import Bool, Code, Date, Number, Type
from policies.vocabulary import Attribute, CodeSet, Collection, Link, Vocabulary

# Longer lists make editors slow; codes of such sets are only checked by the checker.
_CODES_LISTED = 1_500


def catalog_schema(vocabulary: Vocabulary, policies: Iterable[str] = ()) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of rule files for one catalog; `policies` are the ids of its library."""
    schema = json_schema(vocabulary)
    definitions, properties = schema["$defs"], schema["properties"]
    ids = sorted(policies)
    if ids:
        for key in ("excludes", "net_of"):
            properties[key]["items"] = {"enum": ids}
    _titled_choices(properties["space"], {name: space.title.zh for name, space in vocabulary.spaces.items()})
    _titled_choices(properties["fund"], {name: title.zh for name, title in vocabulary.funds.items()})
    if vocabulary.events:
        _titled_choices(properties["triggers"]["items"], {name: one.zh for name, one in vocabulary.events.items()})
    _name_regions(properties, vocabulary)
    definitions["ParameterShape"]["properties"]["by"] = {
        "description": definitions["ParameterShape"]["properties"]["by"].get("description", ""),
        "anyOf": [{"enum": sorted(vocabulary.code_sets)}, {"type": "string"}],
    }
    _describe_data(definitions, vocabulary)
    schema["allOf"] = [_examples_of(name) for name in sorted(vocabulary.spaces)]
    return schema


def catalog_overlay_schema(vocabulary: Vocabulary, policies: Mapping[str, Policy]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of overlays of one library: its open parameters, per policy, and places.

    In the examples of an overlay the data of its policy's space are described as in those of a rule.
    """
    schema = overlay_schema()
    definitions, properties = schema["$defs"], schema["properties"]
    opened = {name: policy for name, policy in sorted(policies.items()) if _open_parameters(policy)}
    if opened:
        _titled_choices(properties["overlays"], {name: policy.title.zh for name, policy in opened.items()})
    _name_regions(properties, vocabulary)
    _describe_data(definitions, vocabulary)
    schema["allOf"] = [_overlay_of(name, policy) for name, policy in opened.items()]
    return schema


def _open_parameters(policy: Policy) -> dict[str, Bilingual | None]:
    return {name: one.title for name, one in policy.parameters.items() if one.form == "regional"}


def _overlay_of(name: str, policy: Policy) -> dict[str, Any]:
    """An overlay of this policy sets its open parameters and no other, each with dated values."""
    parameters = {
        parameter: {
            "description": f"{title.zh} · {title.en}" if title is not None else parameter,
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": r"^\d{4}-\d{2}-\d{2}$"},
        }
        for parameter, title in _open_parameters(policy).items()
    }
    profile = {"properties": {"profile": {"$ref": f"#/$defs/{_profile(policy.space)}"}}}
    return {
        "if": {"properties": {"overlays": {"const": name}}, "required": ["overlays"]},
        "then": {
            "properties": {
                "parameters": {"properties": parameters, "additionalProperties": False},
                "examples": {"items": profile},
            }
        },
    }


def _name_regions(properties: dict[str, Any], vocabulary: Vocabulary) -> None:
    """Any region may be written; the names of the known ones are offered."""
    regions = vocabulary.code_sets.get("region")
    if regions is None or len(regions.codes) > _CODES_LISTED:
        return
    pattern = {key: value for key, value in properties["region"].items() if key in ("type", "pattern")}
    described = properties["region"].get("description", "")
    properties["region"] = {"description": described, "anyOf": [_choices(regions), pattern]}


def _describe_data(definitions: dict[str, Any], vocabulary: Vocabulary) -> None:
    """Say what examples may hold: public series, and the data of each space."""
    if vocabulary.indicators:
        definitions["Given"]["properties"]["indicators"] = {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {
                name: {"description": f"{one.title.zh} · {one.title.en}"}
                for name, one in sorted(vocabulary.indicators.items())
            },
        }
    for name in vocabulary.spaces:
        definitions[_profile(name)] = _subject(Scope(0, vocabulary.spaces[name]), vocabulary, is_item=False)


def _profile(space: str) -> str:
    return f"profile_of_{space}"


def _examples_of(space: str) -> dict[str, Any]:
    """In files of this space the profiles of examples hold its data."""
    profile = {"properties": {"profile": {"$ref": f"#/$defs/{_profile(space)}"}}}
    return {
        "if": {"properties": {"space": {"const": space}}, "required": ["space"]},
        "then": {"properties": {"examples": {"items": profile}}},
    }


def _titled_choices(part: dict[str, Any], titles: Mapping[str, str]) -> None:
    """Let a choice show what each of its values is called."""
    part["enum"] = sorted(titles)
    part["enumDescriptions"] = part["markdownEnumDescriptions"] = [titles[one] for one in sorted(titles)]


def _choices(code_set: CodeSet) -> dict[str, Any]:
    part: dict[str, Any] = {}
    _titled_choices(part, {code: f"{name.zh} · {name.en}" for code, name in code_set.codes.items()})
    return part


def _subject(scope: Scope, vocabulary: Vocabulary, *, is_item: bool) -> dict[str, Any]:
    """What may be said of one subject, or of one item of a collection; derived data cannot be given."""
    properties: dict[str, Any] = {ITEM_ID: {"type": ["string", "integer"]}} if is_item else {}
    for name in sorted(scope.names()):
        found = scope.find(name)
        if found is None:
            continue
        what = found.what
        if isinstance(what, Attribute):
            if what.derivation is None:
                properties[name] = _datum(what, vocabulary)
        elif isinstance(what, Link):
            described = {"description": f"{what.title.zh} · {what.title.en}"}
            choice: list[dict[str, Any]] = [{"type": ["string", "null"]}]
            if what.target in vocabulary.spaces:
                choice.append({"$ref": f"#/$defs/{_profile(what.target)}"})
            properties[name] = described | {"anyOf": choice}
        else:
            properties[name] = _items(what, found.owner, vocabulary)
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _items(collection: Collection, owner: str, vocabulary: Vocabulary) -> dict[str, Any]:
    described = {"description": f"{collection.title.zh} · {collection.title.en}", "type": ["array", "null"]}
    member = vocabulary.spaces.get(collection.member_space or "")
    scope = Scope(0, None).item_of(collection, owner, 1, vocabulary)
    if member is None:
        return described | {"items": _subject(scope, vocabulary, is_item=True)}
    # A member has the data of its space beside those of the collection; its space may lead back here, hence references.
    own = _subject(replace(scope, space=None), vocabulary, is_item=True)
    there = f"#/$defs/{_profile(member.name)}/properties"
    theirs = {
        name: {"$ref": f"{there}/{name}"}
        for name in sorted(Scope(0, member).names())
        if name not in member.attributes or member.attributes[name].derivation is None
    }
    return described | {"items": own | {"properties": theirs | own["properties"]}}


def _datum(attribute: Attribute, vocabulary: Vocabulary) -> dict[str, Any]:
    """One value: what it is called, who delivers it, its type, and null for unknown."""
    words = [f"{attribute.title.zh} · {attribute.title.en}"]
    if isinstance(attribute.type, Number) and attribute.type.unit is not None:
        words.append(f"unit: {attribute.type.unit}")
    if attribute.source:
        words.append(f"source: {attribute.source}")
    if attribute.sensitivity == "sensitive":
        words.append("sensitive")
    return {"description": "; ".join(words)} | _type(attribute.type, vocabulary)


def _type(kind: Type, vocabulary: Vocabulary) -> dict[str, Any]:
    if isinstance(kind, Bool):
        return {"type": ["boolean", "null"]}
    if isinstance(kind, Number):
        least, most = (float(Decimal(bound).scaleb(-kind.scale)) for bound in (kind.low, kind.high))
        return {"type": ["number", "null"], "minimum": least, "maximum": most}
    if isinstance(kind, Date):
        return {"type": ["string", "null"], "pattern": r"^\d{4}-\d{2}-\d{2}$"}
    code_set = vocabulary.code_sets.get(kind.code_set) if isinstance(kind, Code) else None
    # Codes of digits may stand without quotes; the checker takes both.
    text: dict[str, Any] = {"type": ["string", "integer", "null"]}
    if code_set is None or not code_set.codes or len(code_set.codes) > _CODES_LISTED:
        return text
    if code_set.open:
        return {"anyOf": [_choices(code_set), text]}
    digits = {"type": "integer"} if all(code.isdigit() for code in code_set.codes) else {"type": "null"}
    return {"anyOf": [_choices(code_set), digits, {"type": "null"}]}
