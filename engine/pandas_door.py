"""The door for analysts: a DataFrame of profiles and some policies in, a DataFrame of decisions out.

    from engine.pandas_door import decide_frame
    decisions = decide_frame(people, "policies/cn-31/elderly-allowance.yaml", on="2026-11-22")

The decisions are those of a real run: the same columnar compiler decides them, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from typing import TypeAlias

import pandas as pd  # type: ignore[import-untyped]

from engine.columnar import decide_all
from engine.installation import LIBRARY
from engine.pandas_decisions import decisions
from engine.pandas_population import Taken, take_frames
from policies.errors import Diagnostic, PolicyError, SettingsError
from policies.fixing import fix
from policies.library import Library, read_library, read_policy, read_with_places
from policies.model_errors import did_you_mean
from policies.policy import FixedPolicy, Policy
from policies.vocabulary import Vocabulary

Policies: TypeAlias = "Policy | Library | Iterable[Policy] | str | PathLike[str]"


def decide_frame(
    frame: pd.DataFrame,
    policies: Policies,
    vocabulary: Vocabulary | None = None,
    on: date | str | None = None,
    *,
    space: str | None = None,
    related: Mapping[str, pd.DataFrame] | None = None,
    explain: bool = False,
    ignore_extra: bool = False,
    given: Mapping[str, object] | None = None,
) -> pd.DataFrame:
    """Decide policies for every row of a DataFrame.

    Args:
        frame: one subject a row; its id is the column `subject`, else the index. The columns are attributes and
            links of the catalog, by name or by title (`出生日期`). Missing cells and missing columns are unknown.
            Money is in yuan, as Decimal, text or int; a float is accepted only where it is exact (75.5, not 0.1).
        policies: a checked policy or several, a library, or the path of a rule file or of a folder of them.
        vocabulary: what the policies were checked against; by default the catalog that comes along.
        on: the reference date, as a date or `2026-11-22`.
        space: whose profiles these are (`citizen`); may be left out if all policies speak of one space.
        related: frames of what the policies reach from there: collections (`hires`), linked spaces (`employer`,
            `household`), collections over there (`household.members`) and past grants (`grants`). Items name their
            owner in `owner`, and members who they are in `member`. What is not given is unknown.
        explain: also work out `tier`, `because` (the conditions that stand against a yes) and `inputs`, one decision
            at a time; meant for samples.
        ignore_extra: do not refuse columns that the catalog does not know.
        given: indicators replaced by values, as in `policies.fixing.fix`.

    Returns:
        One row for each policy, subject and unit (`""` without units): `policy`, `subject` (as the frame calls it),
        `unit`, `outcome`, `eligible` (NA: undetermined), `amount_fen` (Int64), `amount_yuan` (exact decimals),
        `settled_by` (the fewest facts that could make it a yes) and `version` (SHA-256 of the rule file).
        `attrs` holds `on`, `left_out` (policies of other spaces) and `not_given` (what the policies read of this
        space and of collections, without a column here).

    Raises:
        IntakeError: the frames do not say what the catalog declares; every wrong column is named.
        PolicyError: a rule file has mistakes, or a policy cannot be evaluated.
        SettingsError: the date or the space is missing or wrong.
    """
    known = vocabulary if vocabulary is not None else _default_vocabulary()
    chosen = _read(policies, known)
    whose = _space(chosen, space, known)
    day = _day(on)
    fixed = [fix(one, known, day, given=given) for one in chosen if one.space == whose]
    taken = take_frames(frame, related or {}, whose, known, ignore_extra=ignore_extra)
    matches = decide_all(fixed, taken.population, known)
    problems = [finding for error in matches.errors.values() for finding in error.diagnostics]
    if problems:
        raise PolicyError(problems)
    order = {one: position for position, one in enumerate(taken.ids)}
    found = decisions(matches, fixed, order, taken.labels, explain)
    found.attrs = {
        "on": day.isoformat(),
        "left_out": tuple(one.id for one in chosen if one.space != whose),
        "not_given": _not_given(fixed, taken),
    }
    return found


def _default_vocabulary() -> Vocabulary:
    from profiles.catalog_reading import read_catalog

    return read_catalog().vocabulary


def _read_file(path: Path, vocabulary: Vocabulary) -> Policy:
    """Return the policy of a file; one of the library comes with the values of its places."""
    if path.resolve().is_relative_to(LIBRARY):
        return read_with_places(path, LIBRARY, vocabulary)
    return read_policy(path, vocabulary)


def _read(policies: Policies, vocabulary: Vocabulary) -> tuple[Policy, ...]:
    """Return the policies, however they were given. Raises PolicyError for files with mistakes, or none at all."""
    if isinstance(policies, str | PathLike):
        path = Path(policies)
        policies = read_library(path, vocabulary) if path.is_dir() else _read_file(path, vocabulary)
    if isinstance(policies, Policy):
        return (policies,)
    if isinstance(policies, Library):
        findings: list[Diagnostic] = [finding for error in policies.errors for finding in error.diagnostics]
        if findings:
            raise PolicyError(findings)
        policies = policies.policies.values()
    found = tuple(policies)
    if not found:
        raise PolicyError.of(
            "no-policy",
            "没有给出任何政策",
            "no policy is given",
            help_zh="给出政策、规则文件或规则文件夹",
            help_en="give a policy, a rule file, or a folder of them",
        )
    return found


def _space(policies: Iterable[Policy], space: str | None, vocabulary: Vocabulary) -> str:
    spaces = sorted({one.space for one in policies})
    if space is None and len(spaces) == 1:
        return spaces[0]
    if space in spaces:
        return str(space)
    listed = ", ".join(f"`{one}`" for one in spaces)
    if space is None:
        raise SettingsError.of(
            "space-needed",
            f"这些政策分属多个空间：{listed}",
            f"the policies speak of several spaces: {listed}",
            help_zh='用 space="..." 说明数据表是谁的画像',
            help_en='say whose profiles the frame holds with space="..."',
        )
    suggestion = did_you_mean(space, vocabulary.spaces)
    raise SettingsError.of(
        "no-policy-of-space",
        f"没有一项政策针对空间 `{space}`；它们针对 {listed}",
        f"none of the policies speaks of the space `{space}`; they speak of {listed}",
        help_zh=f"是否想写 `{suggestion}`？" if suggestion and suggestion != space else "换成其中一个空间",
        help_en=f"did you mean `{suggestion}`?" if suggestion and suggestion != space else "name one of these spaces",
    )


def _day(on: date | str | None) -> date:
    if isinstance(on, datetime):
        return on.date()
    if isinstance(on, date):
        return on
    try:
        # A number such as 20261122 would be read as a day, too; it is nobody's way to write one.
        return date.fromisoformat("" if isinstance(on, int | float) else str(on))
    except ValueError:
        raise SettingsError.of(
            "reference-date",
            "缺少基准日期" if on is None else f"基准日期 `{on}` 不是日期",
            "there is no reference date" if on is None else f"the reference date `{on}` is no date",
            help_zh='传入 on="2026-11-22" 或 datetime.date',
            help_en='pass on="2026-11-22" or a datetime.date',
        ) from None


def _not_given(fixed: Iterable[FixedPolicy], taken: Taken) -> tuple[str, ...]:
    """Return what the policies read but no frame delivers; it is unknown for everybody."""
    missing = set()
    for one in fixed:
        for place, names in one.policy.reads.items():
            given = taken.given.get(place)
            if given is None:
                missing.add(place)
            else:
                missing |= {name if place == one.policy.space else f"{place}.{name}" for name in names - given}
    return tuple(sorted(missing))
