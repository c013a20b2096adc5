"""A population made of frames in memory: for analysts, for single cases and for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from policies.errors import MianshenError, StoreError
from policies.scopes import GRANTS
from policies.types import Bool, Date, Number, Type
from policies.vocabulary import Collection, Space, Vocabulary


def column_type(type_: Type) -> type[pl.DataType]:
    """Return the column type of a stored attribute."""
    if isinstance(type_, Bool):
        return pl.Boolean
    if isinstance(type_, Number):
        return pl.Int64
    return pl.Date if isinstance(type_, Date) else pl.String


@dataclass(frozen=True, slots=True)
class FramesPopulation:
    """Subjects as one frame per space (`subject` and attributes), items as one frame per collection.

    `collections` maps (space, collection) to a frame with `owner`, `item`, for members also `member`, and
    the attributes. A collection without a frame is unknown for everybody; an attribute without a column
    is unknown for everybody. `about` limits a space to some subjects (a bucket): the others can still be
    reached over links.
    """

    vocabulary: Vocabulary
    spaces: Mapping[str, pl.DataFrame]
    collections: Mapping[tuple[str, str], pl.DataFrame]
    about: Mapping[str, pl.Series] | None = None

    def attributes(self, space: str, names: Iterable[str], subjects: pl.Series | None = None) -> pl.DataFrame:
        """See `engine.decision.Population`. Raises StoreError for a space without a frame."""
        frame = self._space(space)
        declared = self.vocabulary.spaces[space]
        columns = [_column(frame, declared, name) for name in names]
        chosen = frame.lazy().select(pl.col("subject").cast(pl.String), *columns)
        if subjects is not None:
            chosen = chosen.join(_named(subjects, "subject"), on="subject", how="semi")
        elif self.about is not None and space in self.about:
            chosen = chosen.join(_named(self.about[space], "subject"), on="subject", how="semi")
        return chosen.sort("subject").collect()

    def items(self, space: str, collection: str, names: Iterable[str], owners: pl.Series) -> pl.DataFrame:
        """See `engine.decision.Population`. Raises StoreError for a collection without a frame."""
        frame = self.collections.get((space, collection))
        if frame is None:
            raise _no_frame(f"{space}.{collection}")
        declared = self.vocabulary.spaces[space].collections.get(collection)
        if declared is None and collection == GRANTS.name:
            declared = GRANTS
        columns = [_column(frame, declared, name) for name in names]
        if declared is not None and declared.member_space is not None:
            columns.append(pl.col("member").cast(pl.String))
        chosen = frame.lazy().select(pl.col("owner", "item").cast(pl.String), *columns)
        return chosen.join(_named(owners, "owner"), on="owner", how="semi").sort("owner", "item").collect()

    def collection_known(self, space: str, collection: str) -> bool:
        """Return whether there is a frame for the collection."""
        return (space, collection) in self.collections

    def _space(self, space: str) -> pl.DataFrame:
        frame = self.spaces.get(space)
        if frame is None:
            raise _no_frame(space)
        return frame


def _named(subjects: pl.Series, name: str) -> pl.LazyFrame:
    return subjects.alias(name).cast(pl.String).to_frame().lazy()


def _column(frame: pl.DataFrame, declared: Space | Collection | None, name: str) -> pl.Expr:
    attribute = None if declared is None else declared.attributes.get(name)
    if name not in frame.columns:
        return pl.lit(None, pl.String if attribute is None else column_type(attribute.type)).alias(name)
    if attribute is not None:
        return pl.col(name).cast(column_type(attribute.type))
    return pl.col(name) if declared is None else pl.col(name).cast(pl.String)


def _no_frame(name: str) -> MianshenError:
    return StoreError.of(
        "no-such-frame",
        f"内存人口中没有 `{name}` 的数据表",
        f"the population in memory has no frame for `{name}`",
        help_zh="请传入该空间或集合的数据表",
        help_en="pass a frame for this space or collection",
    )
