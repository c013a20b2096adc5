"""The one typed expression tree that every compiler reads.

The checker builds it from rule files; `policies.fixing` then replaces whatever depends on the
reference date (`Reference`, `ParameterValue`, `IndicatorValue`) by literals and look-ups. Engines only
ever see *fixed* trees, which hold none of those three.

All arithmetic is on integers: the checker has already inserted the multiplications by powers of ten
that bring both sides to one scale, and has proved with the ranges of the catalog that no intermediate
result leaves 64 bits. Values are described in `policies.types`; unknown is None, and every node follows
Kleene's three-valued logic: a result is unknown exactly when the unknown operand could still matter for
`And`, `Or`; for every other node it is unknown as soon as one operand it evaluates is unknown
(`If` evaluates its condition and the chosen branch only).

Scopes are numbered from the outside: depth 0 is the subject, depth 1 the unit of a `for_each` policy or
the item of an outermost aggregate, and so on. With `for_each`, aggregates in the policy start at depth 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Literal as OneOf
from typing import TypeAlias

from policies.types import Type, Value

Comparison = OneOf["<", "<=", ">", ">=", "==", "!="]
RoundingMode = OneOf["half_up", "down", "up", "floor"]
AggregateKind = OneOf["count", "sum", "any", "all", "min", "max"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; None is unknown, and `missing` then names what had no value (a parameter, say)."""

    type: Type
    value: Value
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """The datum at the end of `path`: zero or more to-one links, then the attribute, seen from `depth`.

    A broken or unknown link makes the value unknown. Derived attributes never appear: they are expanded
    into `Named`. `declared` is the type that the catalog gives the datum; `type` is the one in which the expression
    takes it, which arithmetic may have relieved of unit and scale.
    """

    type: Type
    path: tuple[str, ...]
    depth: int = 0
    declared: Type | None = field(default=None, compare=False)

    @property
    def datum_type(self) -> Type:
        """The type in which the datum is shown to people."""
        return self.type if self.declared is None else self.declared


@dataclass(frozen=True, slots=True)
class Named:
    """`child` under a name that people know: a definition, a derived attribute, a tier, a parameter."""

    type: Type
    name: str
    child: Node


@dataclass(frozen=True, slots=True)
class Not:
    """Kleene negation."""

    type: Type
    child: Node


@dataclass(frozen=True, slots=True)
class And:
    """Kleene conjunction: false if any child is false, else unknown if any is unknown. Empty: true."""

    type: Type
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Kleene disjunction: true if any child is true, else unknown if any is unknown. Empty: false."""

    type: Type
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right`: integers of one scale, or dates, or (== and != only) texts, codes, bools."""

    type: Type
    operator: Comparison
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class CompareRatio:
    """`numerator / denominator operator right`, exactly, by cross-multiplication; zero denominator: unknown.

    `right` is an integer aligned by the checker, so that the comparison is
    numerator vs right * denominator with the operator turned round if the denominator is negative.
    """

    type: Type
    operator: Comparison
    numerator: Node
    denominator: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Add:
    """Integer sum; also date + days."""

    type: Type
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Subtract:
    """Integer difference; also date - days and date - date (days)."""

    type: Type
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Multiply:
    """Integer product."""

    type: Type
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Round:
    """`numerator / denominator` rounded to an integer; zero denominator: unknown.

    half_up: to the nearest, ties away from zero (四舍五入); down: towards zero; up: away from zero
    (见分进角); floor: towards minus infinity.
    """

    type: Type
    numerator: Node
    denominator: Node
    mode: RoundingMode


@dataclass(frozen=True, slots=True)
class Minimum:
    """The smallest child; unknown if any child is unknown."""

    type: Type
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Maximum:
    """The largest child; unknown if any child is unknown."""

    type: Type
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class If:
    """`then` where `condition` is true, `otherwise` where it is false, unknown where it is unknown."""

    type: Type
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class In:
    """Membership of an integer, text or code in a constant, non-empty set."""

    type: Type
    child: Node
    values: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """A hierarchical code lies within one of `prefixes` (already trimmed of trailing `00` pairs)."""

    type: Type
    child: Node
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DatePart:
    """Year, month (1-12) or day (1-31) of a date."""

    type: Type
    part: OneOf["year", "month", "day"]
    child: Node


@dataclass(frozen=True, slots=True)
class MonthsBetween:
    """Completed months from `start` to `end`: the largest n with `AddMonths(start, n) <= end`.

    Civil Code art. 202: where the last month lacks the day, the month's last day counts, so a person
    born on 29 February completes a year on 28 February. Negative when `end` lies before `start`.
    """

    type: Type
    start: Node
    end: Node


@dataclass(frozen=True, slots=True)
class AddMonths:
    """`date` plus `months` (may be negative), held back to the last day of the month where needed."""

    type: Type
    date: Node
    months: Node


@dataclass(frozen=True, slots=True)
class Lookup:
    """The value filed under the key. `cases` are (key, value) with unique keys.

    For integer keys, `each_further` = (last key, increment) continues the table upwards:
    value(last) + (key - last) * increment. Any other key gives `default` (None: unknown).
    """

    type: Type
    key: Node
    cases: tuple[tuple[int | str, Value], ...]
    each_further: tuple[int, int] | None = None
    default: Value = None


@dataclass(frozen=True, slots=True)
class PrefixLookup:
    """The value under the longest prefix of the key's code; `cases` are (prefix, value), "" matches all.

    No prefix matches: unknown.
    """

    type: Type
    key: Node
    cases: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A fold over the items of a collection.

    `path` is zero or more to-one links followed from the scope at `from_depth`, then the collection's
    name. Inside `filter` and `value` the item is the scope at `depth`. Items whose filter
    is false are left out; a filter or a value that is unknown for an item that is not left out makes
    count, sum, min and max unknown, while any and all follow Kleene. An unknown collection: unknown.
    Without items: count 0, sum 0, any false, all true, min and max unknown.
    `any` and `all` have a bool `value` and no filter; `count` has no value. `text` is the author's text.
    More than `at_most` items (None: no bound) are not believed and make it unknown: the checker has proved only
    for that many that nothing leaves 64 bits.
    """

    type: Type
    kind: AggregateKind
    path: tuple[str, ...]
    from_depth: int
    depth: int
    filter: Node | None
    value: Node | None
    text: str
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """The reference date (`on`), or the first or last day of the period. Gone after fixing."""

    type: Type
    which: OneOf["on", "period_start", "period_end"]


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """A dated parameter, with the key of its table or region, and the date if not the reference date.

    Gone after fixing.
    """

    type: Type
    name: str
    key: Node | None = None
    at: Node | None = None


@dataclass(frozen=True, slots=True)
class IndicatorValue:
    """A public series at its lag from the reference date, by region if `key` is given. Gone after fixing."""

    type: Type
    name: str
    key: Node | None = None


Node: TypeAlias = (
    Literal
    | Attribute
    | Named
    | Not
    | And
    | Or
    | Compare
    | CompareRatio
    | Add
    | Subtract
    | Multiply
    | Round
    | Minimum
    | Maximum
    | If
    | In
    | Within
    | DatePart
    | MonthsBetween
    | AddMonths
    | Lookup
    | PrefixLookup
    | Aggregate
    | Reference
    | ParameterValue
    | IndicatorValue
)


def children(node: Node) -> Iterator[Node]:
    """Yield the direct children of `node`, left to right."""
    kind: type = type(node)
    for name in _places_of_children(kind):
        value = getattr(node, name)
        if isinstance(value, tuple):
            yield from value
        elif value is not None:
            yield value


@cache
def _places_of_children(kind: type) -> tuple[str, ...]:
    """Return the fields that hold nodes; the annotations say which, so that no value has to be looked at."""
    return tuple(field.name for field in fields(kind) if "Node" in str(field.type))


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and everything below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)
