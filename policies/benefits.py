"""The benefit: tiers or formula, then floor, then cap, then rounding, all in fen."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from policies.arithmetic import choose, lowest_of, numeric, round_to_scale, smallest_or_largest, unit_of
from policies.ceilings import ceilings_of
from policies.context import depends_on_data
from policies.document import Document, Path
from policies.document_errors import fail
from policies.errors import Diagnostic, PolicyError
from policies.instalments import InstalmentReader
from policies.model import BenefitShape, Rounding
from policies.obligations import obligation_of
from policies.operands import Operand, Quotient, aligned, is_bare, number_of, with_unit
from policies.operators import as_condition
from policies.policy import Benefit, Monotone, Tier
from policies.source import Source, Spot
from policies.text import Bilingual
from policies.tree import Node
from policies.types import MONEY_SCALE, Date, Number

WITHOUT_AMOUNT = ("service", "qualification")


@dataclass(slots=True)
class BenefitReader:
    """Reads the benefit of one document; `lower` lowers the expression at a path of it."""

    document: Document
    shape: BenefitShape
    lower: Callable[[Path], Operand]
    findings: list[Diagnostic]
    lower_key: Callable[[Path], Operand]
    instalments: InstalmentReader | None = None
    is_judged: bool = False
    has_units: bool = False

    def read(self) -> Benefit:
        """Return the benefit. Raises PolicyError."""
        found = self._granted()
        says = self.shape.says
        return replace(
            found,
            says=Bilingual(says.zh, says.en) if says is not None else None,
            instalments=self.instalments.read() if self.instalments is not None else (),
            obligation=obligation_of(self.document, self.shape.obligation, self.lower),
            ceilings=ceilings_of(self.document, self.shape, self.lower, self._money, has_units=self.has_units),
        )

    def _granted(self) -> Benefit:
        shape = self.shape
        if self.is_judged:
            # What must not stand here is refused by `policies.judgement`, with the reason.
            return Benefit(shape.kind, None)
        self._check_form()
        if shape.kind in WITHOUT_AMOUNT:
            return Benefit(shape.kind, None)
        if shape.tiers is None:
            path = ("benefit", "amount")
            place = self.document.place(path)
            amount = self._amount(path)
            return Benefit(shape.kind, amount, (), self._text(path), self._limits(), self._monotone(), place)
        tiers = tuple(self._tier(number) for number in range(len(shape.tiers)))
        place = self.document.place(("benefit", "tiers"))
        return Benefit(shape.kind, self._by_tiers(tiers), tiers, "", self._limits(), self._monotone(), place)

    def _monotone(self) -> tuple[Monotone, ...]:
        """Return what the amount is promised to rise or fall with. Raises PolicyError."""
        found = []
        for name, direction in (self.shape.monotone or {}).items():
            path = ("benefit", "monotone", name)
            operand, place = self.lower_key(path), self.document.key_place(path)
            if isinstance(operand, Quotient) or not isinstance(operand.type, Number | Date):
                raise fail(
                    place,
                    "wrong-type",
                    f"`{name}` 不是数或日期，谈不上随它升降",
                    f"`{name}` is neither a number nor a date; nothing rises or falls with it",
                    "写一个数或日期的名称；商须先取整",
                    "name a number or a date; a quotient has to be rounded first",
                )
            if not depends_on_data(operand):
                raise fail(
                    place,
                    "wrong-type",
                    f"`{name}` 对所有人都一样，谈不上随它升降",
                    f"`{name}` is the same for everybody; nothing rises or falls with it",
                    "写一项数据或依据数据的定义",
                    "name a datum, or a definition that looks at data",
                )
            found.append(Monotone(name, direction, operand, place))
        return tuple(found)

    def _text(self, path: Path) -> str:
        return " ".join(self.document.scalar(path).text.split())

    def _limits(self) -> tuple[tuple[str, str], ...]:
        """Return floor, cap and rounding as the author wrote them."""
        given = [key for key in ("floor", "cap") if getattr(self.shape, key) is not None]
        limits = [(key, self._text(("benefit", key))) for key in given]
        if self.shape.rounding is not None:
            limits.append(("rounding", f"{self.shape.rounding.to} {self.shape.rounding.mode}"))
        return tuple(limits)

    def _spot(self, path: Path) -> Spot:
        return Spot(Source.of(self.document.scalar(path)), ast.Pass())

    def _check_form(self) -> None:
        shape = self.shape
        place = self.document.key_place(("benefit",))
        keys = ("amount", "tiers", "floor", "cap", "rounding", "monotone", "instalments", "ceilings")
        given = [key for key in keys if getattr(shape, key) is not None]
        if shape.kind in WITHOUT_AMOUNT:
            if given:
                raise fail(
                    self.document.key_place(("benefit", given[0])),
                    "benefit-form",
                    f"`{shape.kind}` 没有金额，不能写 `{given[0]}`",
                    f"a `{shape.kind}` has no amount; `{given[0]}` cannot be given",
                    "删除它，或改变 `kind`",
                    "delete it, or change `kind`",
                )
            return
        if (shape.amount is None) == (shape.tiers is None):
            both = shape.amount is not None
            raise fail(
                self.document.key_place(("benefit", "tiers")) if both else place,
                "benefit-form",
                "`amount` 与 `tiers` 只能写一个" if both else "权益没有写金额",
                "`amount` and `tiers` exclude each other" if both else "the benefit says no amount",
                "写 `amount:` 或 `tiers:` 之一",
                "give one of `amount:` and `tiers:`",
            )
        if shape.tiers is not None:
            self._check_tiers()

    def _check_tiers(self) -> None:
        tiers = self.shape.tiers or []
        path = ("benefit", "tiers")
        if not tiers or tiers[-1].when is not None:
            last = (*path, len(tiers) - 1) if tiers else path
            raise fail(
                self.document.place(last),
                "missing-tier",
                "最后一档必须没有 `when`，否则有人落在各档之外",
                "the last tier must have no `when`; otherwise somebody falls between the tiers",
                "补上 `- {amount: …}`，不给则写 `- {amount: 0}`",
                "add `- {amount: ...}`; write `- {amount: 0}` if nothing is given",
            )
        for number, tier in enumerate(tiers[:-1]):
            if tier.when is None:
                raise fail(
                    self.document.place((*path, number)),
                    "tier-never-reached",
                    "这一档没有 `when`，其后各档永远轮不到",
                    "this tier has no `when`; the tiers after it are never reached",
                    "给它写 `when`，或删除其后各档",
                    "give it a `when`, or delete the tiers after it",
                )

    def _tier(self, number: int) -> Tier:
        assert self.shape.tiers is not None
        path = ("benefit", "tiers", number)
        amount = (*path, "amount")
        if self.shape.tiers[number].when is None:
            return Tier(None, self._amount(amount), "", self._text(amount), self.document.place(path))
        inner = (*path, "when")
        when = as_condition(self.lower(inner), self._spot(inner))
        return Tier(when, self._amount(amount), self._text(inner), self._text(amount), self.document.place(inner))

    def _money(self, path: Path) -> Operand:
        """Return an amount; bare numbers are yuan."""
        spot = self._spot(path)
        operand = numeric(self.lower(path), spot)
        if is_bare(operand) and not isinstance(operand, Quotient):
            return with_unit(operand, "yuan")
        if unit_of(operand) == "yuan":
            return operand
        unit = unit_of(operand)
        raise spot.error(
            "unit-mismatch",
            f"`{spot.text}` 不是金额，" + (f"单位是 `{unit}`" if unit else "没有单位"),
            f"`{spot.text}` is not an amount of money; " + (f"its unit is `{unit}`" if unit else "it has no unit"),
            "金额参数写 `unit: yuan`；单价写 yuan(…)，例如 yuan(300) * months",
            "declare the parameter's `unit: yuan`, or write a price as yuan(300) * months",
        )

    def _by_tiers(self, tiers: tuple[Tier, ...]) -> Node:
        found = tiers[-1].amount
        for number in range(len(tiers) - 2, -1, -1):
            when = tiers[number].when
            assert when is not None
            spot = self._spot(("benefit", "tiers", number, "amount"))
            chosen = choose(when, tiers[number].amount, found, spot)
            assert not isinstance(chosen, Quotient)
            found = chosen
        return found

    def _amount(self, path: Path) -> Node:
        """Return the amount at `path`, floor, cap and rounding applied; with instalments, the part that is due."""
        spot = self._spot(path)
        whole = self._finished(self._money(path), spot)
        return whole if self.instalments is None else self.instalments.part_of(whole, spot, self._step())

    def _finished(self, amount: Operand, spot: Spot) -> Node:
        """Return the amount in fen: floor, cap and rounding applied, and not below zero."""
        lowest = lowest_of(amount)
        if self.shape.floor is not None:
            floor = self._money(("benefit", "floor"))
            lowest = max(lowest, lowest_of(floor))
            amount = smallest_or_largest([amount, floor], spot, largest=True)
        if self.shape.cap is not None:
            cap = self._money(("benefit", "cap"))
            lowest = min(lowest, lowest_of(cap))
            amount = smallest_or_largest([amount, cap], spot, largest=False)
        if lowest < 0:
            raise spot.error(
                "amount-may-be-negative",
                f"金额 `{spot.text}` 可能小于零",
                f"the amount `{spot.text}` may be less than zero",
                "在 `benefit` 里写 `floor: 0`，或在目录中写明取值范围",
                "give `floor: 0` in `benefit`, or declare tighter ranges in the catalog",
            )
        return self._rounded(amount, spot)

    def _rounded(self, amount: Operand, spot: Spot) -> Node:
        rounding = self.shape.rounding
        if rounding is None:
            if isinstance(amount, Quotient) or number_of(amount).scale > MONEY_SCALE:
                raise spot.error(
                    "rounding-needed",
                    f"金额 `{spot.text}` 可能不足一分，没有写明如何取整",
                    f"the amount `{spot.text}` may have parts of a fen; nothing says how it is rounded",
                    "在 `benefit` 里写 `rounding: {to: fen, mode: half_up}`",
                    "give `rounding: {to: fen, mode: half_up}` in `benefit`",
                )
            return aligned(amount, MONEY_SCALE, spot)
        multiple, scale = self._multiple(rounding)
        found = round_to_scale(amount, scale, rounding.mode, spot, step=multiple)
        return aligned(found, MONEY_SCALE, spot)

    def _step(self) -> int:
        """Return of how many fen the amounts are multiples."""
        if self.shape.rounding is None:
            return 1
        step, scale = self._multiple(self.shape.rounding)
        return int(step * 10 ** (MONEY_SCALE - scale))

    def _multiple(self, rounding: Rounding) -> tuple[int, int]:
        """Return (step, scale): amounts are rounded to multiples of step * 10**-scale yuan."""
        words = {"fen": (1, 2), "jiao": (1, 1), "yuan": (1, 0)}
        if rounding.to in words:
            return words[rounding.to]
        try:
            value = Decimal(rounding.to) if rounding.to.isascii() else Decimal(0)
        except InvalidOperation:
            value = Decimal(0)
        fen = value * 100
        if not value.is_finite() or not 0 < fen <= 10**12 or fen != int(fen):
            raise self._bad_multiple(rounding.to)
        return int(fen), 2

    def _bad_multiple(self, text: str) -> PolicyError:
        return fail(
            self.document.place(("benefit", "rounding", "to")),
            "unknown-choice",
            f"不能取整到 `{text}`",
            f"amounts cannot be rounded to `{text}`",
            '可用：fen、jiao、yuan，或倍数如 "50"（元）',
            'one of: fen, jiao, yuan, or a multiple in yuan such as "50"',
        )
