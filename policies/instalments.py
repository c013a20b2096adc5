"""Amounts that are due part by part: which part is due now, and how much it is.

The parts lower to what the language has anyway: how many were granted is a count over the collection `grants`,
so that engines, proofs and explanations know nothing of instalments. A part that was granted earlier in the same
period does not count, for running twice must decide the same twice.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from policies import model
from policies.arithmetic import add, choose, compare, divide, multiply, round_to_scale
from policies.document import Document, Path
from policies.document_errors import fail
from policies.errors import Diagnostic, PolicyError
from policies.operands import Operand, Quotient, integer_literal, number_of
from policies.policy import Condition, Instalment
from policies.source import Source, Spot
from policies.text import Bilingual
from policies.tree import Literal, Named, Node
from policies.types import MONEY_SCALE

GRANTED, WHOLE = "instalments_granted", "whole_amount"
_TITLES = {
    GRANTED: Bilingual("此前周期已兑付期数", "parts granted in earlier periods"),
    WHOLE: Bilingual("全额", "the whole amount"),
}
# Larger denominators would be a slip of the pen, and cost bits that amounts need.
DENOMINATOR_LIMIT = 1_000_000
_FRACTION = re.compile(r"([0-9]{1,7})/([0-9]{1,7})")
_DUE = Bilingual("分期兑付：轮到其中一期", "paid in parts: one of the parts is due")
_PATH = ("benefit", "instalments")


@dataclass
class InstalmentReader:
    """Reads `benefit.instalments` of one document.

    `lower` lowers the expression at a path of the document, `lower_source` one that the language itself writes.
    """

    document: Document
    shape: model.PolicyShape
    lower: Callable[[Path], Operand]
    lower_source: Callable[[Source], Operand]
    leaf: Callable[[Path], Node]

    def check(self) -> list[Diagnostic]:
        """Return what is wrong with the form of the instalments."""
        found: list[Diagnostic] = []
        for check_one in (self._check_policy, self._shares):
            try:
                check_one()
            except PolicyError as error:
                found.extend(error.diagnostics)
        return found

    def read(self) -> tuple[Instalment, ...]:
        """Return the parts in their order. Raises PolicyError."""
        shares = self._shares()
        return tuple(
            Instalment(
                share,
                self._text((*_PATH, number, "when")) if one.when is not None else "",
                _both(one.says),
                one.basis,
                self.document.place((*_PATH, number)),
            )
            for number, (one, share) in enumerate(zip(self._parts, shares, strict=True))
        )

    def condition(self, eligibility: Condition) -> Condition:
        """Return the condition that the policy's own holds and one of the parts is due. Raises PolicyError."""
        due = tuple(self._due(number) for number in range(len(self._parts)))
        place = self.document.place(_PATH)
        one_of_them = Condition("any", due, says=_DUE, place=place)
        plain = eligibility.kind == "all" and eligibility.says is None and eligibility.basis is None
        own = eligibility.children if plain else (eligibility,)
        return Condition("all", (*own, one_of_them), place=eligibility.place)

    def part_of(self, whole: Node, spot: Spot, step: int) -> Node:
        """Return the part of `whole` (fen) that is due, in multiples of `step` fen.

        A part is what is due up to it, rounded down, less what was due before it: together they are the whole.
        """
        named = Named(whole.type, WHOLE, whole)
        ends: list[Node] = [integer_literal(0, "yuan", MONEY_SCALE)]
        due = Fraction(0)
        for share in self._shares():
            due += share
            ends.append(named if due == 1 else self._up_to(named, due, spot, step))
        parts = [self._difference(ends[number + 1], ends[number], spot) for number in range(len(self._parts))]
        found = parts[-1]
        for number in range(len(parts) - 2, -1, -1):
            is_due = compare("==", self._granted, integer_literal(number), spot)
            chosen = choose(is_due, parts[number], found, spot)
            assert not isinstance(chosen, Quotient)
            found = chosen
        return found

    @property
    def _parts(self) -> list[model.InstalmentShape]:
        return self.shape.benefit.instalments or []

    @cached_property
    def _granted(self) -> Node:
        """How many parts were granted in earlier periods."""
        text = _count_of(self.shape.id)
        found = self.lower_source(Source(text, self.document.place(_PATH), exact=False))
        assert not isinstance(found, Quotient)
        return Named(found.type, GRANTED, found)

    def _up_to(self, whole: Node, share: Fraction, spot: Spot, step: int) -> Node:
        numerator = multiply(whole, integer_literal(share.numerator), spot)
        return round_to_scale(
            divide(numerator, integer_literal(share.denominator), spot), MONEY_SCALE, "down", spot, step=step
        )

    def _difference(self, upper: Node, lower: Node, spot: Spot) -> Node:
        if isinstance(lower, Literal) and lower.value == 0:
            return upper
        found = add(upper, lower, spot, subtract=True)
        assert not isinstance(found, Quotient)
        # Rounding down never turns the order of two amounts round: no part is below zero.
        return replace(found, type=replace(number_of(found), low=max(number_of(found).low, 0)))

    def _due(self, number: int) -> Condition:
        one, path = self._parts[number], (*_PATH, number)
        place = self.document.place(path)
        spot = Spot(Source("", place, exact=False), ast.Pass())
        turn = Condition(
            "leaf",
            (),
            compare("==", self._granted, integer_literal(number), spot),
            f"{GRANTED} == {number}",
            _turn_in_words(number),
            place=place,
        )
        if one.when is None:
            return turn
        inner = (*path, "when")
        own = Condition(
            "leaf", (), self.leaf(inner), self._text(inner), _both(one.says), one.basis, self.document.place(inner)
        )
        return Condition("all", (turn, own), says=None, place=place)

    def _text(self, path: Path) -> str:
        return " ".join(self.document.scalar(path).text.split())

    # What is refused

    def _check_policy(self) -> None:
        shape = self.shape
        if shape.for_each is not None:
            raise fail(
                self.document.key_place(_PATH),
                "instalments-form",
                "逐条兑现（`for_each`）的政策不能分期",
                "a policy that grants for each record (`for_each`) cannot pay in instalments",
                "以主体为单位写，或每期写成一项政策",
                "let the subject itself be the unit, or write one policy for each part",
            )
        if shape.period == "once":
            raise fail(
                self.document.place(("period",)),
                "instalments-form",
                "周期 `once` 只兑现一次，不能分期",
                "the period `once` grants a single time; nothing can follow as an instalment",
                "写 `period: year`、`quarter` 或 `month`：每个周期至多兑付一期",
                "write `period: year`, `quarter` or `month`: one part at most is granted in each",
            )
        for name in (GRANTED, WHOLE):
            for where in ("definitions", "parameters"):
                if name in getattr(shape, where):
                    raise fail(
                        self.document.key_place((where, name)),
                        "name-taken",
                        f"`{name}` 是分期兑付自己的名称",
                        f"`{name}` is a name that instalments use themselves",
                        "换一个名称",
                        "choose another name",
                    )

    def _shares(self) -> tuple[Fraction, ...]:
        parts = self._parts
        if len(parts) < 2:
            raise fail(
                self.document.key_place(_PATH),
                "instalments-form",
                "分期至少两期",
                "instalments are at least two",
                "写两期以上，或删除 `instalments`",
                "write two or more, or delete `instalments`",
            )
        shares = tuple(self._share(number, one.share) for number, one in enumerate(parts))
        if sum(shares) != 1:
            total = sum(shares)
            raise fail(
                self.document.key_place(_PATH),
                "shares-not-whole",
                f"各期份额之和是 {total}，不是 1",
                f"the shares add up to {total}, not to 1",
                "更正份额；除不尽的写成分数，例如 1/3",
                "correct the shares; write those that do not come out even as fractions, such as 1/3",
            )
        return shares

    def _share(self, number: int, share: object) -> Fraction:
        found: Fraction | None = None
        if isinstance(share, int | Decimal):
            found = Fraction(share)
        else:
            parts = _FRACTION.fullmatch(str(share).strip())
            if parts is not None and int(parts[2]) > 0:
                found = Fraction(int(parts[1]), int(parts[2]))
        if found is not None and 0 < found < 1 and found.denominator <= DENOMINATOR_LIMIT:
            return found
        raise fail(
            self.document.place((*_PATH, number, "share")),
            "bad-format",
            f"份额 `{share}` 应大于 0、小于 1，至多六位小数或写成分数",
            f"the share `{share}` must lie between 0 and 1: a decimal with at most six places, or a fraction",
            "例：0.4 或 1/3",
            "for example 0.4 or 1/3",
        )


def _count_of(policy: str) -> str:
    return f'count(grants, policy == "{policy}" and granted_on < period_start)'


def instalment_title(name: str, policy: str) -> Bilingual | None:
    """Return what people call a name that instalments bring with them into the decisions of `policy`, or None."""
    return _TITLES.get(GRANTED if name == _count_of(policy) else name)


def _turn_in_words(granted: int) -> Bilingual:
    if granted == 0:
        return Bilingual("此前未兑付过任何一期", "no part was granted in an earlier period")
    parts = "one part was" if granted == 1 else f"{granted} parts were"
    return Bilingual(f"此前周期已兑付 {granted} 期", f"{parts} granted in earlier periods")


def _both(words: model.BothLanguages | None) -> Bilingual | None:
    return Bilingual(words.zh, words.en) if words is not None else None
