"""The published JSON Schema of rule files: editors complete and check while an author writes.

`python -m policies.schema` writes it to `policies/policy.schema.json`; a test keeps the two equal.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from policies.model import PolicyShape
from policies.vocabulary import Vocabulary

SCHEMA_FILE = Path(__file__).with_name("policy.schema.json")


def json_schema(vocabulary: Vocabulary | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12); with a vocabulary, spaces, funds and events become choices."""
    schema = PolicyShape.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "mianshen policy"
    _write_dates_as_pattern(schema)
    if vocabulary is not None:
        properties = schema["properties"]
        properties["space"] = {"enum": sorted(vocabulary.spaces)}
        properties["fund"] = {"enum": sorted(vocabulary.funds)}
        if vocabulary.events:
            properties["triggers"]["items"] = {"enum": sorted(vocabulary.events)}
    return schema


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
