"""From scopes to frames: reads exactly the registered columns, joins links once, works out aggregates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import narwhals as nw
import polars as pl

from engine.columnar_scopes import ITSELF, Fold, FoldGroup, Scope, Scopes
from engine.columnar_types import column_type
from engine.decision import Population
from policies.types import Bool, Number, Type
from policies.types import Date as DateType

Path = tuple[str, ...]
_OWNER, _SIZE = "owner", "size"


def polars_type(type_: Type) -> type[pl.DataType]:
    """Return the Polars type of computed values (dates are day numbers)."""
    if isinstance(type_, Bool):
        return pl.Boolean
    return pl.Int64 if isinstance(type_, Number | DateType) else pl.String


def with_derived(
    frame: pl.LazyFrame, scope: Scope, used: frozenset[str] | None = None, present: frozenset[str] = frozenset()
) -> nw.LazyFrame[pl.LazyFrame]:
    """Add the intermediate columns of a scope, or only those that are `used`, level by level.

    Those in `present` are in the frame already.
    """
    wanted = scope.derived.keys() - present if used is None else used - present
    lazy = nw.from_native(frame)
    for level in levels(scope, wanted):
        lazy = lazy.with_columns(*(scope.derived[name].expression.alias(name) for name in level))
    return lazy


def levels(scope: Scope, wanted: Collection[str]) -> list[list[str]]:
    """Return the wanted intermediate columns, those first that the following ones are computed from."""
    by_level: dict[int, list[str]] = defaultdict(list)
    for name, derived in scope.derived.items():
        if name in wanted:
            by_level[derived.level].append(name)
    return [by_level[level] for level in sorted(by_level)]


@dataclass(frozen=True, slots=True)
class FrameBuilder:
    """Builds the frames of scopes from a population."""

    scopes: Scopes
    population: Population

    def subjects(self, scope: Scope) -> pl.DataFrame:
        """Return `subject` and every column of the scope, aggregates included, ascending by subject."""
        assert scope.space is not None
        frame = self._read(scope.space, scope.columns, None)
        return self._with_aggregates(frame, scope)

    def units(self, scope: Scope, subjects: pl.DataFrame, name: str) -> pl.DataFrame | None:
        """Return `subject`, `unit` and every column of the scope of units, in order of both.

        None if the collection is unknown.
        """
        assert scope.parent is not None and scope.parent.space is not None
        space = scope.parent.space
        if not self.population.collection_known(space, name):
            return None
        items = self._items(scope, space, name, subjects["subject"])
        outer = subjects.select("subject", *scope.carried)
        frame = items.rename({_OWNER: "subject", "item": "unit"}).join(outer, on="subject", how="inner")
        return self._with_aggregates(frame, scope).sort("subject", "unit")

    def _read(self, space: str, wanted: Mapping[Path, str], subjects: pl.Series | None) -> pl.DataFrame:
        """Return `subject` and one column per wanted path, following links from space to space."""
        direct, linked = _split(wanted)
        names = sorted({*direct, *linked} - {ITSELF})
        raw = self.population.attributes(space, names, subjects)
        chosen = [pl.col("subject" if name == ITSELF else name).alias(column) for name, column in direct.items()]
        frame = raw.select("subject", *chosen, *(pl.col(link).alias(_link(link)) for link in linked))
        targets = {link: self.scopes.vocabulary.spaces[space].links[link].target for link in linked}
        return self._follow(frame, linked, targets)

    def _follow(
        self, frame: pl.DataFrame, linked: Mapping[str, dict[Path, str]], targets: Mapping[str, str]
    ) -> pl.DataFrame:
        for link, wanted in linked.items():
            found = self._read(targets[link], wanted, frame[_link(link)].drop_nulls().unique())
            frame = frame.join(found, left_on=_link(link), right_on="subject", how="left", maintain_order="left").drop(
                _link(link)
            )
        return frame

    def _items(self, scope: Scope, space: str, name: str, owners: pl.Series) -> pl.DataFrame:
        """Return `owner`, `item` and the own columns of a scope of items."""
        assert scope.collection is not None
        own = {path: column for path, column in scope.columns.items() if scope.is_own(path[0])}
        of_member = {path: column for path, column in scope.columns.items() if path not in own}
        direct, linked = _split(own)
        raw = self.population.items(space, name, sorted({*direct, *linked}), owners)
        chosen = [pl.col(one).alias(column) for one, column in direct.items()]
        links = [pl.col(link).alias(_link(link)) for link in linked]
        member = [pl.col("member")] if of_member else []
        frame = raw.select(_OWNER, "item", *chosen, *links, *member)
        frame = self._follow(frame, linked, {link: scope.collection.links[link].target for link in linked})
        if of_member:
            assert scope.space is not None
            found = self._read(scope.space, of_member, frame["member"].drop_nulls().unique())
            frame = frame.join(found, left_on="member", right_on="subject", how="left").drop("member")
        return frame

    def _with_aggregates(self, frame: pl.DataFrame, scope: Scope) -> pl.DataFrame:
        for group in scope.groups:
            frame = self._with_group(frame, group)
        return frame

    def _with_group(self, frame: pl.DataFrame, group: FoldGroup) -> pl.DataFrame:
        """Add the results of one group of aggregates to the frame that it is attached to."""
        collection = group.items.collection
        assert collection is not None
        if not self.population.collection_known(group.owner_space, collection.name):
            unknown = [pl.lit(None, polars_type(fold.type)).alias(fold.column) for fold in group.folds]
            return frame.with_columns(*unknown)
        owners = frame[group.owner].drop_nulls().unique()
        items = self._items(group.items, group.owner_space, collection.name, owners)
        # One result per owner is enough, unless the aggregates look at the row they belong to. The name of
        # the row number is the group's own, because groups nest.
        row = f"{group.folds[0].column} row"
        key, left = _OWNER, group.owner
        if group.items.carried:
            key = left = row
            frame = frame.with_row_index(row)
            outer = frame.select(row, pl.col(group.owner).alias(_OWNER), *group.items.carried)
            items = items.join(outer, on=_OWNER, how="inner")
        items = self._with_aggregates(items, group.items)
        folded = _fold(items, group, key)
        joined = frame.join(folded, left_on=left, right_on=key, how="left", maintain_order="left")
        finished = nw.from_native(joined.lazy()).with_columns(
            *(_finish(fold, nw.col(group.owner)).alias(fold.column) for fold in group.folds)
        )
        complete: pl.DataFrame = finished.collect().to_native()
        return complete.select(*(name for name in frame.columns if name != row), *(fold.column for fold in group.folds))


def _link(name: str) -> str:
    return f"link {name}"  # a space keeps it apart from every attribute and from interned columns


def _split(wanted: Mapping[Path, str]) -> tuple[dict[str, str], dict[str, dict[Path, str]]]:
    """Split paths into names of this space and, for each first link, the rest of the paths beyond it."""
    direct: dict[str, str] = {}
    linked: dict[str, dict[Path, str]] = defaultdict(dict)
    for path, column in wanted.items():
        if len(path) == 1:
            direct[path[0]] = column
        else:
            linked[path[0]][path[1:]] = column
    return direct, linked


def _fold(items: pl.DataFrame, group: FoldGroup, key: str) -> pl.DataFrame:
    """Return one row per key with the raw sums, extremes and flags of every fold, in a single grouping."""
    inputs: list[nw.Expr] = []
    outputs: list[nw.Expr] = [nw.len().cast(nw.Int64).alias(_SIZE)]
    for fold in group.folds:
        before, after = _fold_parts(fold)
        inputs += before
        outputs += after
    lazy = with_derived(items.lazy(), group.items)
    if inputs:
        lazy = lazy.with_columns(*inputs)
    folded: pl.DataFrame = lazy.group_by(key).agg(*outputs).collect().to_native()
    return folded


def _fold_parts(fold: Fold) -> tuple[list[nw.Expr], list[nw.Expr]]:
    """Return the columns to compute for each item, and how to bring them together."""
    value, unknown = f"{fold.column} value", f"{fold.column} unknown"
    kept, given = fold.filter, fold.value
    if fold.kind in ("any", "all"):
        assert given is not None
        decisive = given if fold.kind == "any" else ~given
        before = [decisive.alias(value), given.is_null().alias(unknown)]
        return before, [nw.col(value).any(), nw.col(unknown).any()]
    if fold.kind == "count":
        if kept is None:
            return [], []
        before = [kept.cast(nw.Int64).alias(value), kept.is_null().alias(unknown)]
        return before, [nw.col(value).sum(), nw.col(unknown).any()]
    assert given is not None
    if kept is None:
        before = [given.alias(value), given.is_null().alias(unknown)]
    else:
        nothing = nw.lit(None, column_type(fold.type))
        before = [
            nw.when(kept).then(given).otherwise(nothing).alias(value),
            (kept.is_null() | (kept & given.is_null())).alias(unknown),
        ]
    column = nw.col(value)
    together = {"sum": column.sum, "min": column.min, "max": column.max}[fold.kind]()
    return before, [together, nw.col(unknown).any()]


def _finish(fold: Fold, owner: nw.Expr) -> nw.Expr:
    """Return the fold's result in the frame it belongs to: unknown owner, too many or no items, unknown items."""
    value, unknown, size = nw.col(f"{fold.column} value"), nw.col(f"{fold.column} unknown"), nw.col(_SIZE)
    unknowable = owner.is_null() if fold.at_most is None else owner.is_null() | (size > fold.at_most)
    type_ = column_type(fold.type)
    nothing = nw.lit(None, type_)
    if fold.kind in ("any", "all"):
        decisive = fold.kind == "any"
        return (
            nw.when(unknowable)
            .then(nothing)
            .when(value)
            .then(nw.lit(decisive, type_))
            .when(unknown)
            .then(nothing)
            .otherwise(nw.lit(not decisive, type_))
        )
    if fold.kind == "count" and fold.filter is None:
        return nw.when(unknowable).then(nothing).otherwise(size.fill_null(0))
    if fold.kind in ("min", "max"):
        return nw.when(unknowable | unknown).then(nothing).otherwise(value)
    return nw.when(unknowable | unknown).then(nothing).otherwise(value.fill_null(0))
