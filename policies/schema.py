"""The published JSON Schema of rule files: editors complete and check while an author writes.

`python -m policies.schema` writes it to `policies/policy.schema.json`, and that of overlays to
`policies/overlay.schema.json`, that of bundles to `policies/bundle.schema.json`; a test keeps files and models equal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from policies.bundle_model import BundleShape
from policies.choice_meanings import words_of
from policies.key_meanings import meaning_of
from policies.model import OverlayShape, PolicyShape
from policies.text import Bilingual
from policies.vocabulary import Vocabulary

SCHEMA_FILE = Path(__file__).with_name("policy.schema.json")
OVERLAY_SCHEMA_FILE = Path(__file__).with_name("overlay.schema.json")
BUNDLE_SCHEMA_FILE = Path(__file__).with_name("bundle.schema.json")


def json_schema(vocabulary: Vocabulary | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12); with a vocabulary, spaces, funds and events become choices."""
    schema = PolicyShape.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "mianshen policy"
    _write_dates_as_pattern(schema)
    _describe(schema, "PolicyShape")
    if vocabulary is not None:
        properties = schema["properties"]
        properties["space"] = {"enum": sorted(vocabulary.spaces)}
        properties["fund"] = {"enum": sorted(vocabulary.funds)}
        if vocabulary.events:
            properties["triggers"]["items"] = {"enum": sorted(vocabulary.events)}
    return schema


def overlay_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of overlay files."""
    schema = OverlayShape.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "mianshen overlay"
    _write_dates_as_pattern(schema)
    _describe(schema, "OverlayShape")
    return schema


def overlay_schema_text() -> str:
    """Return the schema of overlay files as it is published."""
    return json.dumps(overlay_schema(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def bundle_schema(events: Sequence[str] = (), policies: Sequence[str] = ()) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of bundle files; events and policies given become choices."""
    schema = BundleShape.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "mianshen bundle"
    _describe(schema, "BundleShape")
    if events:
        schema["properties"]["events"]["items"] = {"enum": sorted(events)}
    if policies:
        schema["$defs"]["BundlePolicyShape"]["properties"]["policy"] = {"enum": sorted(policies)}
    return schema


def bundle_schema_text() -> str:
    """Return the schema of bundle files as it is published."""
    return json.dumps(bundle_schema(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _write_dates_as_pattern(part: object) -> None:
    """Dated keys must be told from other keys even by validators that do not look at formats."""
    if isinstance(part, dict):
        if part.get("propertyNames") == {"format": "date"}:
            part["propertyNames"] = {"pattern": r"^\d{4}-\d{2}-\d{2}$"}
        for inner in part.values():
            _write_dates_as_pattern(inner)
    elif isinstance(part, list):
        for inner in part:
            _write_dates_as_pattern(inner)


def _describe(schema: dict[str, Any], root: str) -> None:
    """Put under every key what it means, in both languages: editors show it where the author points."""
    for shape, part in ((root, schema), *schema.get("$defs", {}).items()):
        for key, value in part.get("properties", {}).items():
            meaning = meaning_of(shape, key)
            if meaning is not None:
                value["description"] = f"{meaning.zh}\n\n{meaning.en}"
            words = words_of(shape, key)
            if words:
                _describe_choices(value, words)


def _describe_choices(part: object, words: Mapping[str, Bilingual]) -> None:
    """Say of each word of a choice what it means, in the way in which editors with yaml-language-server show it."""
    if isinstance(part, list):
        for inner in part:
            _describe_choices(inner, words)
    elif isinstance(part, dict):
        for inner in part.values():
            _describe_choices(inner, words)
        if "enum" not in part:
            return
        told = [words.get(json.dumps(one).strip('"')) for one in part["enum"]]
        part["enumDescriptions"] = [f"{one.zh} · {one.en}" if one is not None else "" for one in told]
        part["markdownEnumDescriptions"] = part["enumDescriptions"]


def schema_text() -> str:
    """Return the schema as it is published."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def to_json_data(plain: object) -> Any:
    """Return the data of a rule file as JSON has it: dates and keys as text, decimals as numbers."""
    if isinstance(plain, dict):
        return {str(key): to_json_data(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [to_json_data(item) for item in plain]
    if isinstance(plain, date):
        return plain.isoformat()
    # Only the shape is checked against the schema, never a value: here a float does no harm.
    return float(plain) if isinstance(plain, Decimal) else plain


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    OVERLAY_SCHEMA_FILE.write_text(overlay_schema_text(), encoding="utf-8")
    BUNDLE_SCHEMA_FILE.write_text(bundle_schema_text(), encoding="utf-8")
