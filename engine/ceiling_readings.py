"""What the ceilings of a policy read of one unit, as the reference compiler sees it."""

from __future__ import annotations

import json

from engine.decision import Facts
from engine.interpreter_values import Log, evaluate, surroundings
from engine.policy_inputs import inputs_of
from policies.fixing import constant
from policies.policy import FixedPolicy


def ceilings_read(fixed: FixedPolicy, subject: Facts, unit: Facts | None = None) -> str | None:
    """Return the column `ceilings` of `engine.matches.Matches.rows` for one unit; None without ceilings.

    A JSON object from the name of a ceiling to `counts` (whether the unit falls under it; null: unknown), `limit`
    (fen; null: the parameter has no value on that day), `as` (`Ceiling.reading`), `measure` (fen; null: unknown) if
    the ceiling has one, and `group` (its keys as texts; null: unknown).
    """
    if not fixed.ceilings:
        return None
    at = surroundings((subject,) if unit is None else (subject, unit), inputs_of(fixed), Log())
    found: dict[str, dict[str, object]] = {}
    for one in fixed.ceilings:
        counts = True if one.when is None else evaluate(one.when, at).value
        found[one.name] = {"counts": counts, "limit": constant(one.amount), "as": one.reading}
        if one.measure is not None:
            found[one.name]["measure"] = evaluate(one.measure, at).value
        if one.keys:
            values = [evaluate(key, at).value for key in one.keys]
            found[one.name]["group"] = [None if value is None else str(value) for value in values]
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
