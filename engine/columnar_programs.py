"""Fixed policies compiled for the columnar engine: per frame, what to compute for each policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, or_

import narwhals as nw

from engine.columnar_expressions import ExpressionCompiler
from engine.columnar_scopes import Scope, Scopes
from engine.columnar_translation import Translation
from engine.policy_inputs import expressions, inputs_of
from policies.fixing import constant
from policies.policy import Ceiling, Condition, FixedPolicy
from policies.tree import Attribute, Node
from policies.types import Number, Type, Value
from policies.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Reading:
    """An input as a column of the frame: `name` as shown to people."""

    name: str
    type: Type
    column: str
    stored: bool


@dataclass(frozen=True, slots=True)
class CeilingProgram:
    """One ceiling over the units of a frame.

    Its amount (fen; None: unknown), which units count, with what (fen; None: with what they get), and their group;
    `reading` is `Ceiling.reading`.
    """

    name: str
    reading: str
    limit: Value
    counts: nw.Expr | None
    measure: nw.Expr | None
    keys: tuple[nw.Expr, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """One policy's expressions over one frame. `constant_amount` is set where `amount` reads no data.

    `decision_uses`, `amount_uses` and `row_uses` are the intermediate columns that eligibility, amount and
    the rest of a row need.
    """

    fixed: FixedPolicy
    eligible: nw.Expr
    kept: nw.Expr | None
    amount: nw.Expr | None
    constant_amount: Value
    amount_may_be_negative: bool
    claim_key: nw.Expr | None
    need: nw.Expr | None
    payee: str | None
    readings: tuple[Reading, ...]
    decision_uses: frozenset[str]
    amount_uses: frozenset[str]
    row_uses: frozenset[str]
    ceilings: tuple[CeilingProgram, ...] = ()


@dataclass(slots=True)
class Frame:
    """The policies that are decided over one frame: the subjects of a space, or the units of a collection."""

    space: str
    for_each: str | None
    scope: Scope
    programs: list[Program] = field(default_factory=list)
    translation: Translation = field(default_factory=Translation)


@dataclass(frozen=True, slots=True)
class Programs:
    """Everything compiled for one run: scopes know the columns to read, frames the policies to decide."""

    scopes: Scopes
    subjects: dict[str, Scope]
    frames: tuple[Frame, ...]


def compile_policies(fixed: Sequence[FixedPolicy], vocabulary: Vocabulary) -> Programs:
    """Compile several policies together, so that what they share is read and computed once.

    Raises PolicyError if a policy names what the vocabulary does not hold.
    """
    scopes = Scopes(vocabulary)
    compiler = ExpressionCompiler(scopes)
    subjects: dict[str, Scope] = {}
    frames: dict[tuple[str, str | None], Frame] = {}
    for one in fixed:
        space, for_each = one.policy.space, one.policy.for_each
        subject = subjects.setdefault(space, scopes.subjects(space))
        if (space, for_each) not in frames:
            scope = subject
            if for_each is not None:
                scope = scopes.items(subject, (subject,), space, for_each)
            frames[space, for_each] = Frame(space, for_each, scope)
        frame = frames[space, for_each]
        frame.programs.append(_program(compiler, one, frame.scope))
    return Programs(scopes, subjects, tuple(frames.values()))


def _program(compiler: ExpressionCompiler, fixed: FixedPolicy, scope: Scope) -> Program:
    def optional(node: Node | None) -> nw.Expr | None:
        return None if node is None else compiler.compile(node, scope)

    amount, constant_amount = fixed.amount, None
    if amount is not None and compiler.interner.is_constant(amount):
        constant_amount = compiler.constant_value(amount)
    unit_where, eligible = optional(fixed.unit_where), _condition(compiler, fixed.eligibility, scope)
    kept = None if unit_where is None else unit_where.is_null() | unit_where
    claim_key, need = optional(fixed.claim_key), optional(fixed.order_of_need)
    ceilings = tuple(_ceiling(compiler, one, scope) for one in fixed.ceilings)
    return Program(
        fixed=fixed,
        eligible=eligible if unit_where is None else unit_where & eligible,
        kept=kept,
        amount=optional(amount),
        constant_amount=constant_amount,
        amount_may_be_negative=not (isinstance(amount.type, Number) and amount.type.low >= 0)
        if amount is not None
        else False,
        claim_key=None if claim_key is None else claim_key.cast(nw.String),
        need=None if need is None else need.cast(nw.Int64),
        payee=_payee(compiler, fixed, scope),
        readings=_readings(compiler, fixed, scope),
        decision_uses=_uses(compiler, [*expressions(fixed.eligibility), fixed.unit_where], scope),
        amount_uses=_uses(compiler, [amount], scope),
        row_uses=_uses(compiler, [fixed.claim_key, fixed.order_of_need, *_ceiling_nodes(fixed)], scope),
        ceilings=ceilings,
    )


def _ceiling(compiler: ExpressionCompiler, ceiling: Ceiling, scope: Scope) -> CeilingProgram:
    return CeilingProgram(
        ceiling.name,
        ceiling.reading,
        constant(ceiling.amount),
        None if ceiling.when is None else compiler.compile(ceiling.when, scope),
        None if ceiling.measure is None else compiler.compile(ceiling.measure, scope),
        tuple(compiler.compile(one, scope).cast(nw.String) for one in ceiling.keys),
    )


def _ceiling_nodes(fixed: FixedPolicy) -> Iterator[Node]:
    for ceiling in fixed.ceilings:
        yield from (one for one in (*ceiling.keys, ceiling.measure, ceiling.when) if one is not None)


def _uses(compiler: ExpressionCompiler, nodes: Sequence[Node | None], scope: Scope) -> frozenset[str]:
    return frozenset().union(*(compiler.uses(node, scope) for node in nodes))


def _condition(compiler: ExpressionCompiler, condition: Condition, scope: Scope) -> nw.Expr:
    if condition.expression is not None:
        return compiler.compile(condition.expression, scope)
    parts = [_condition(compiler, child, scope) for child in condition.children]
    if not parts:
        return nw.lit(condition.kind != "any", nw.Boolean)
    if condition.kind == "all":
        return reduce(and_, parts)
    together = reduce(or_, parts)
    return together if condition.kind == "any" else ~together


def _payee(compiler: ExpressionCompiler, fixed: FixedPolicy, scope: Scope) -> str | None:
    """Return the column of the payee: a link of the unit if it has it, else of the subject."""
    path = fixed.policy.payee
    if not path:
        return None
    collection = scope.collection
    owner = scope
    if len(scope.stack) > 1 and collection is not None and path[0] not in collection.links:
        owner = scope.stack[0]
    return compiler.scopes.column(owner, path, scope)


def _readings(compiler: ExpressionCompiler, fixed: FixedPolicy, scope: Scope) -> tuple[Reading, ...]:
    readings = []
    for one in inputs_of(fixed):
        if isinstance(one.node, Attribute):
            column = compiler.scopes.column(scope.stack[one.node.depth], one.node.path, scope)
            readings.append(Reading(one.name, one.type, column, stored=True))
        else:
            column = compiler.column_of_aggregate(one.node, scope)
            readings.append(Reading(one.name, one.type, column, stored=False))
    return tuple(readings)
