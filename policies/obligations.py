"""What the receiver of a benefit must do later, such as paying a deposit back, and by which day."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import date

from policies.context import depends_on_data
from policies.document import Document, Path
from policies.document_errors import fail
from policies.fixing import fix
from policies.model import ObligationShape
from policies.operands import Operand, Quotient, integer_literal
from policies.policy import Obligation, Policy
from policies.source import Source, Spot
from policies.text import Bilingual
from policies.tree import AddMonths, Reference
from policies.types import Date
from policies.vocabulary import Vocabulary

_PATH = ("benefit", "obligation")


def obligation_of(
    document: Document, shape: ObligationShape | None, lower: Callable[[Path], Operand]
) -> Obligation | None:
    """Return the obligation of a benefit, or None. Raises PolicyError if its day is none, or looks at data."""
    if shape is None:
        return None
    place = document.key_place(_PATH)
    if (shape.due is None) == (shape.months_after is None):
        raise fail(
            place,
            "obligation-form",
            "义务须写明期限：`due` 与 `months_after` 写其中一个",
            "an obligation has one of `due` and `months_after`",
            "写 `months_after: 24`（兑现后几个月），或 `due: date(2027, 12, 31)`",
            "write `months_after: 24` (after the grant), or `due: date(2027, 12, 31)`",
        )
    says = Bilingual(shape.says.zh, shape.says.en)
    if shape.months_after is not None:
        months = integer_literal(shape.months_after, "months")
        due = AddMonths(Date(), Reference(Date(), "on"), months)
        return Obligation(says, due, f"add_months(on, {shape.months_after})", shape.basis, place)
    path = (*_PATH, "due")
    scalar = document.scalar(path)
    found, spot = lower(path), Spot(Source.of(scalar), ast.Pass())
    if isinstance(found, Quotient) or not isinstance(found.type, Date):
        raise spot.error(
            "wrong-type",
            f"`{spot.text}` 不是日期",
            f"`{spot.text}` is no date",
            "写一个日期，例如 date(2027, 12, 31) 或 add_months(on, 24)",
            "write a date, such as date(2027, 12, 31) or add_months(on, 24)",
        )
    if depends_on_data(found):
        raise spot.error(
            "obligation-form",
            f"期限 `{spot.text}` 依据个人数据，兑现后会随数据变动",
            f"the day `{spot.text}` looks at data, and would move with them after the grant",
            "只用 on、参数和固定日期；不同的期限写成不同的政策",
            "use `on`, parameters and fixed dates; write different days as different policies",
        )
    return Obligation(says, found, " ".join(scalar.text.split()), shape.basis, place)


def due_day(policy: Policy, vocabulary: Vocabulary, granted_on: date) -> date | None:
    """Return the day by which whoever was granted on `granted_on` must have met the obligation; None if there is none.

    None also where the date comes from a parameter that has no value on that day.
    """
    return None if policy.benefit.obligation is None else fix(policy, vocabulary, granted_on).due
