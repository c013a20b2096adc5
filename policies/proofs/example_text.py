"""A sample person as text that can be pasted under `examples:` of a rule file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from policies.proofs.report import Sample

_ELIGIBLE = {"eligible": "true", "ineligible": "false", "undetermined": "unknown"}


def to_example(sample: Sample, name: str) -> str:
    """Return the sample as one item of `examples:`, two spaces in, with what the engine decided as expected."""
    lines = [f"  - name: {json.dumps(name, ensure_ascii=False)}", f"    on: {sample.on.isoformat()}"]
    if sample.given:
        lines += ["    given:", *_block(sample.given, "      ")]
    if sample.profile:
        lines += ["    profile:", *_block(sample.profile, "      ")]
    else:
        lines.append("    profile: {}")
    if sample.units is None:
        lines.append(f"    expect: {_expected(sample.outcome, sample.amount)}")
    else:
        lines += ["    expect:", "      units:"]
        lines += [f'        "{unit}": {_expected(*answer)}' for unit, answer in sample.units.items()]
    return "\n".join(lines)


def _expected(outcome: str, amount: int | None) -> str:
    if amount is None:
        return f"{{eligible: {_ELIGIBLE[outcome]}}}"
    yuan = f"{Decimal(amount).scaleb(-2):f}".removesuffix(".00")
    return f"{{eligible: {_ELIGIBLE[outcome]}, amount: {yuan}}}"


def _block(content: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, value in content.items():
        # Names of the catalog are plain words; codes as keys are not.
        shown = key if key.isidentifier() else json.dumps(key, ensure_ascii=False)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{shown}:"
            yield from _block(value, indent + "  ")
        elif isinstance(value, list) and value:
            yield f"{indent}{shown}:"
            yield from _items(value, indent + "  ")
        else:
            yield f"{indent}{shown}: {_scalar(value)}"


def _items(items: list[object], indent: str) -> Iterator[str]:
    for item in items:
        lines = list(_block(item, indent + "  ")) if isinstance(item, Mapping) else []
        if not lines:
            yield f"{indent}- {{}}"
            continue
        yield f"{indent}- {lines[0].lstrip()}"
        yield from lines[1:]


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return "{}" if isinstance(value, Mapping) else "[]" if isinstance(value, list) else "null"
