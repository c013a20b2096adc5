"""Ceilings over several grants: what one receiver gets at most, together, in a period, a year or for good."""

from __future__ import annotations

import ast
from collections.abc import Callable

from policies.context import depends_on_data
from policies.document import Document, Path
from policies.document_errors import fail
from policies.model import BenefitShape, CeilingShape
from policies.operands import Operand, Quotient, aligned, number_of
from policies.operators import as_condition
from policies.policy import Ceiling
from policies.source import Source, Spot
from policies.text import Bilingual
from policies.tree import Node
from policies.types import MONEY_SCALE, Bool, Date

_PATH = ("benefit", "ceilings")

Lower = Callable[[Path], Operand]


def ceilings_of(
    document: Document, shape: BenefitShape, lower: Lower, money: Lower, *, has_units: bool
) -> tuple[Ceiling, ...]:
    """Return the ceilings of a benefit in the order of the file.

    Args:
        document: the rule file.
        shape: its benefit.
        lower: returns the expression at a path.
        money: returns an amount of money at a path; bare numbers are yuan.
        has_units: whether the policy has `for_each`, so that one subject can get several grants in a period.

    Raises:
        PolicyError: an amount looks at data, or a key cannot tell groups apart.
    """
    reader = _Reader(document, lower, money, has_units)
    return tuple(reader.read(name, one) for name, one in (shape.ceilings or {}).items())


class _Reader:
    def __init__(self, document: Document, lower: Lower, money: Lower, has_units: bool) -> None:
        self.document, self.lower, self.money, self.has_units = document, lower, money, has_units

    def read(self, name: str, shape: CeilingShape) -> Ceiling:
        path = (*_PATH, name)
        place = self.document.key_place(path)
        if shape.for_each is not None and not self.has_units:
            raise fail(
                self.document.key_place((*path, "for_each")),
                "needs-for-each",
                "上限的 `for_each` 只用于有 `for_each` 的政策",
                "`for_each` of a ceiling belongs to policies with `for_each`",
                "删除它，上限即按人计算；或给政策写 `for_each:`",
                "delete it, the ceiling is then one for each subject; or give the policy a `for_each:`",
            )
        keys = [(*path, "for_each", number) for number in range(len(shape.for_each or []))]
        when, measure = (*path, "when"), (*path, "measure")
        return Ceiling(
            name=name,
            amount=self._amount((*path, "amount")),
            within=shape.within,
            measure=None if shape.measure is None else self._measure(measure),
            is_money=shape.measure is None or self._is_money(measure),
            keys=tuple(self._key(one) for one in keys),
            when=None if shape.when is None else as_condition(self.lower(when), self._spot(when)),
            text=self._text((*path, "amount")),
            measure_text="" if shape.measure is None else self._text(measure),
            key_texts=tuple(self._text(one) for one in keys),
            when_text="" if shape.when is None else self._text(when),
            says=None if shape.says is None else Bilingual(shape.says.zh, shape.says.en),
            basis=shape.basis,
            place=place,
        )

    def _amount(self, path: Path) -> Node:
        """Return a ceiling's amount in fen. It is one for everybody, so that all grants of a group share it."""
        found, spot = self.money(path), self._spot(path)
        if depends_on_data(found):
            raise spot.error(
                "ceiling-form",
                f"上限金额 `{spot.text}` 依据个人数据，同组各笔兑现的上限可能不一致",
                f"the ceiling `{spot.text}` looks at data, so that grants of one group could have different ones",
                "只用参数、日期和固定金额；不同的上限写成几条，各带 `when`",
                "use parameters, dates and fixed amounts; write different ceilings as several, each with its `when`",
            )
        return _in_fen(found, spot)

    def _measure(self, path: Path) -> Node:
        """Return what of a unit counts towards a ceiling, in fen."""
        return _in_fen(self.money(path), self._spot(path))

    def _is_money(self, path: Path) -> bool:
        found = self.lower(path)
        return isinstance(found, Quotient) or number_of(found).unit is not None

    def _key(self, path: Path) -> Node:
        found, spot = self.lower(path), self._spot(path)
        if isinstance(found, Quotient) or isinstance(found.type, Bool | Date) or not depends_on_data(found):
            raise spot.error(
                "wrong-type",
                f"`{spot.text}` 不能用来分组：应指明一家机构、一种代码等，不能是常量、是非、日期或商",
                f"`{spot.text}` cannot tell groups apart: name an institution, a code or the like, "
                "not a constant, a yes or no, a date or a quotient",
                "写单位的一个属性，例如 bank；按年分组写 year(…)",
                "use an attribute of the unit, such as bank; for years write year(...)",
            )
        return found

    def _spot(self, path: Path) -> Spot:
        return Spot(Source.of(self.document.scalar(path)), ast.Pass())

    def _text(self, path: Path) -> str:
        return " ".join(self.document.scalar(path).text.split())


def _in_fen(found: Operand, spot: Spot) -> Node:
    """Return an amount in whole fen that is never less than zero. Raises PolicyError."""
    if isinstance(found, Quotient) or number_of(found).scale > MONEY_SCALE:
        raise spot.error(
            "rounding-needed",
            f"`{spot.text}` 可能不足一分，没有写明如何取整",
            f"`{spot.text}` may have parts of a fen; nothing says how it is rounded",
            "用 round_down(…, 2) 取整到分",
            "round it to fen with round_down(..., 2)",
        )
    amount = aligned(found, MONEY_SCALE, spot)
    if number_of(amount).low < 0:
        raise spot.error(
            "amount-may-be-negative",
            f"`{spot.text}` 可能小于零",
            f"`{spot.text}` may be less than zero",
            "写不小于零的金额",
            "write an amount that is not less than zero",
        )
    return amount
