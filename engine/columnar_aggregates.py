"""Aggregates as columns: which frame an aggregate is attached to, and which others it is worked out with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from engine.columnar_scopes import Fold, FoldGroup, Scope, carry
from policies.tree import Aggregate, Attribute, walk

if TYPE_CHECKING:
    from engine.columnar_expressions import ExpressionCompiler


def aggregate(compiler: ExpressionCompiler, node: Aggregate, scope: Scope) -> nw.Expr:
    group = compiler.fold_group(node, scope)
    attached = group.items.parent
    assert attached is not None
    filter_ = None if node.filter is None else compiler.compile(node.filter, group.items)
    value = None if node.value is None else compiler.compile(node.value, group.items)
    if group not in attached.groups:
        attached.groups.append(group)
    column = _fold_column(compiler, node, group, filter_, value)
    carry(column, attached, scope)
    compiler.remember_fold(node, scope, column)
    return nw.col(column)


def _fold_column(
    compiler: ExpressionCompiler,
    node: Aggregate,
    group: FoldGroup,
    filter_: nw.Expr | None,
    value: nw.Expr | None,
) -> str:
    """Return the column of the fold; the same aggregate seen from two scopes is worked out once."""
    for fold in group.folds:
        # Expressions are compiled once per scope and tree, so that equal folds hold the same objects.
        same = fold.kind == node.kind and fold.at_most == node.at_most
        if same and fold.filter is filter_ and fold.value is value:
            return fold.column
    column = compiler.scopes.new_column("a")
    group.folds.append(Fold(column, node.type, node.kind, filter_, value, node.at_most))
    return column


def reach(node: Aggregate) -> tuple[int, bool]:
    """Return the deepest outer scope that `node` depends on, and whether an aggregate inside looks outward.

    Only what looks outward must wait for other aggregates; it gets a group of its own.
    """
    depth, mixed = node.from_depth, False
    for inner in walk(node):
        if isinstance(inner, Attribute) and inner.depth < node.depth:
            depth = max(depth, inner.depth)
        elif isinstance(inner, Aggregate) and inner is not node:
            if inner.from_depth < node.depth:
                depth = max(depth, inner.from_depth)
            mixed = mixed or reach(inner)[0] < node.depth
    return depth, mixed
