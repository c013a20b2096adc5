"""DataFrames as a population: the frame of the subjects, and the related ones by name.

Names of `related`: a collection of the space (`hires`), a link or a space (`employer`, `household`), a
collection over there (`household.members`), or the past grants (`grants`).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pandas as pd  # type: ignore[import-untyped]
import polars as pl

from engine.frames_population import FramesPopulation, column_type
from engine.pandas_columns import Column, cells, identifier, is_missing, read_column
from policies.errors import Diagnostic, IntakeError
from policies.model_errors import did_you_mean
from policies.scopes import GRANTS
from policies.text import Bilingual
from policies.vocabulary import Attribute, Collection, Link, Space, Vocabulary

_Id = TypeVar("_Id", str, tuple[str, str])
SUBJECT, OWNER, ITEM, MEMBER = "subject", "owner", "item", "member"


@dataclass(frozen=True, slots=True)
class Taken:
    """The population, the subjects' ids in the frame's order, and the labels they have there."""

    population: FramesPopulation
    ids: tuple[str, ...]
    labels: tuple[Hashable, ...]
    given: Mapping[str, frozenset[str]]


def take_frames(
    frame: pd.DataFrame, related: Mapping[str, pd.DataFrame], space: str, vocabulary: Vocabulary, *, ignore_extra: bool
) -> Taken:
    """Return the frames as a population. Raises IntakeError with everything that is wrong with them."""
    taker = _Taker(vocabulary, vocabulary.spaces[space], ignore_extra)
    subjects = taker.subjects("", frame, taker.main)
    for name, one in related.items():
        taker.related(name, one)
    if taker.findings:
        raise IntakeError(taker.findings)
    spaces = {name: pl.concat(parts, how="diagonal") for name, parts in taker.spaces.items()}
    taker.require_once(spaces)
    for name in vocabulary.spaces:
        spaces.setdefault(name, pl.DataFrame(schema={SUBJECT: pl.String}))
    about = {space: subjects[SUBJECT]}
    population = FramesPopulation(vocabulary, spaces, taker.collections, about)
    given = {place: frozenset(names) for place, names in taker.given.items()}
    return Taken(population, tuple(subjects[SUBJECT].to_list()), taker.labels, given)


@dataclass(slots=True)
class _Taker:
    vocabulary: Vocabulary
    main: Space
    ignore_extra: bool
    findings: list[Diagnostic] = field(default_factory=list)
    spaces: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    collections: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict)
    given: dict[str, set[str]] = field(default_factory=dict)
    labels: tuple[Hashable, ...] = ()

    def report(self, code: str, zh: str, en: str, help_zh: str, help_en: str) -> None:
        """Note one mistake; all of them are told together."""
        self.findings.append(Diagnostic(code, Bilingual(zh, en), Bilingual(help_zh, help_en)))

    def subjects(self, name: str, frame: pd.DataFrame, space: Space) -> pl.DataFrame:
        """Take a frame of subjects: ids from the column `subject`, else from the index."""
        _require_frame(name, frame)
        series = frame[SUBJECT] if SUBJECT in frame.columns else frame.index.to_series()
        if not name:
            self.labels = tuple(cells(series))
        ids = self.ids(Column(name, SUBJECT, series), unique=True)
        taken = self.columns(name, frame, {SUBJECT}, space.attributes, space.links, space.collections)
        found = pl.DataFrame([pl.Series(SUBJECT, ids, dtype=pl.String), *taken])
        self.spaces.setdefault(space.name, []).append(found)
        self.given.setdefault(space.name, set()).update(found.columns)
        return found

    def related(self, name: str, frame: pd.DataFrame) -> None:
        """Take one related frame: a space's or a collection's."""
        target = self.target(name)
        if target is None:
            return
        space, collection = target
        if collection is None:
            self.subjects(name, frame, space)
        elif (space.name, collection.name) in self.collections:
            self.report(
                "frame-given-twice",
                f"`{space.name}.{collection.name}` 给了两次",
                f"`{space.name}.{collection.name}` is given twice",
                "每个集合只给一个数据表",
                "give one frame for each collection",
            )
        else:
            self.items(name, frame, space, collection)

    def target(self, name: str) -> tuple[Space, Collection | None] | None:
        """Return the space or collection that a name of `related` means; None (and a finding) if there is none."""
        first, dot, rest = str(name).partition(".")
        known = {**self.main.collections, GRANTS.name: GRANTS}
        if not dot and first in known:
            return self.main, known[first]
        link = self.main.links.get(first)
        space = self.vocabulary.spaces.get(link.target if link is not None else first)
        if space is not None and not dot:
            return space, None
        there = {} if space is None else {**space.collections, GRANTS.name: GRANTS}
        if space is not None and rest in there:
            return space, there[rest]
        possible = [f"{first}.{one}" for one in there]
        if space is None:
            possible = list(dict.fromkeys((*known, *self.main.links, *self.vocabulary.spaces)))
        suggestion = did_you_mean(str(name), possible)
        self.report(
            "unknown-frame",
            f"`related` 中的 `{name}` 既不是 `{self.main.name}` 的集合，也不是关联或空间",
            f"`{name}` in `related` is no collection of `{self.main.name}`, and neither a link nor a space",
            f"是否想写 `{suggestion}`？" if suggestion else f"可用的有：{', '.join(possible)}",
            f"did you mean `{suggestion}`?" if suggestion else f"there are: {', '.join(possible)}",
        )
        return None

    def items(self, name: str, frame: pd.DataFrame, space: Space, collection: Collection) -> None:
        """Take the items of a collection: whose they are, their ids, and for members who they stand for."""
        _require_frame(name, frame)
        owner = next((one for one in (OWNER, space.name, SUBJECT) if one in frame.columns), None)
        if owner is None:
            self.missing_key(name, OWNER, f"`{OWNER}`（所属的 {space.name}）", f"`{OWNER}` (whose item it is)")
            return
        keys = {owner}
        owners = self.ids(Column(name, owner, frame[owner]))
        columns = [pl.Series(OWNER, owners, dtype=pl.String)]
        members: list[str] | None = None
        if collection.member_space is not None:
            member = next((one for one in (MEMBER, collection.member_space) if one in frame.columns), None)
            if member is None:
                self.missing_key(name, MEMBER, f"`{MEMBER}`（该成员是谁）", f"`{MEMBER}` (who the item stands for)")
                return
            keys.add(member)
            members = self.ids(Column(name, member, frame[member]))
            columns.append(pl.Series(MEMBER, members, dtype=pl.String))
        numbers = self.item_ids(name, frame, collection, owners, members, keys)
        columns.append(pl.Series(ITEM, numbers, dtype=pl.String))
        columns += self.columns(name, frame, keys, collection.attributes, collection.links, {})
        taken = pl.DataFrame(columns)
        self.collections[space.name, collection.name] = taken
        self.given.setdefault(f"{space.name}.{collection.name}", set()).update(taken.columns)

    def item_ids(
        self,
        name: str,
        frame: pd.DataFrame,
        collection: Collection,
        owners: list[str],
        members: list[str] | None,
        keys: set[str],
    ) -> list[str]:
        """Return the ids of items: the column `item` or `id`, else the member, else a number for each owner."""
        column = next((one for one in (ITEM, "id") if one in frame.columns and one not in collection.attributes), None)
        if column is not None:
            keys.add(column)
            found = self.ids(Column(name, column, frame[column]))
        elif members is not None:
            found = members
        else:
            seen: dict[str, int] = {}
            found = []
            for owner in owners:
                seen[owner] = seen.get(owner, 0) + 1
                found.append(str(seen[owner]))
        repeated = _first_repeated(list(zip(owners, found, strict=True)))
        if repeated is not None:
            owner_id, item_id = repeated
            self.report(
                "duplicate-item",
                f"`{name}` 中 `{owner_id}` 的条目 `{item_id}` 出现两次",
                f"`{name}` holds the item `{item_id}` of `{owner_id}` twice",
                "给每个条目不同的 `item`",
                "give every item of one owner an `item` of its own",
            )
        return found

    def ids(self, column: Column, *, unique: bool = False) -> list[str]:
        """Return a column of ids; none may be missing, and if `unique` none may come twice."""
        found: list[str] = []
        for number, cell in enumerate(cells(column.cells)):
            if is_missing(cell):
                self.report(
                    "missing-id",
                    f"{column.place.zh}第 `{column.cells.index[number]}` 行没有标识",
                    f"{column.place.en}, row `{column.cells.index[number]}`: the id is missing",
                    "补上标识，或去掉这些行",
                    "fill in the id, or drop such rows",
                )
                return ["" for _ in column.cells]
            found.append(identifier(cell))
        repeated = _first_repeated(found) if unique else None
        if repeated is not None:
            self.report(
                "duplicate-subject",
                f"{column.place.zh}中 `{repeated}` 出现两次",
                f"{column.place.en} holds `{repeated}` twice",
                "每个对象一行；用 drop_duplicates 或 reset_index 整理",
                "one row for each subject; tidy up with drop_duplicates or reset_index",
            )
        return found

    def columns(
        self,
        name: str,
        frame: pd.DataFrame,
        keys: set[str],
        attributes: Mapping[str, Attribute],
        links: Mapping[str, Link],
        collections: Mapping[str, Collection],
    ) -> list[pl.Series]:
        """Return the frame's attributes and links, each under its catalog name."""
        names = _names({**attributes, **links})
        found: dict[str, pl.Series] = {}
        for position, label in enumerate(frame.columns):
            if label in keys:
                continue
            column = Column(name, label, frame.iloc[:, position])
            known = names.get(str(label).strip())
            if known is None:
                self.unknown_column(column, [*attributes, *links], collections)
            elif known in found:
                self.report(
                    "column-given-twice",
                    f"{column.place.zh}与另一列都是 `{known}`",
                    f"{column.place.en} and another one are both `{known}`",
                    "删去其中一列",
                    "drop one of the two",
                )
            elif known in links:
                linked = [None if is_missing(cell) else identifier(cell) for cell in cells(column.cells)]
                found[known] = pl.Series(known, linked, dtype=pl.String)
            elif attributes[known].derivation is not None:
                self.derived(column, attributes[known])
            else:
                read = read_column(column, attributes[known].type, self.vocabulary)
                if isinstance(read, Diagnostic):
                    self.findings.append(read)
                    read = pl.Series([None] * len(frame), dtype=column_type(attributes[known].type))
                found[known] = read.alias(known)
        return list(found.values())

    def unknown_column(self, column: Column, names: Sequence[str], collections: Mapping[str, Collection]) -> None:
        """Note a column that the catalog does not know, unless such columns are to be ignored."""
        label = str(column.label).strip()
        if label in collections:
            zh, en = f'作为 related={{"{label}": 数据表}} 传入', f'pass it as related={{"{label}": frame}}'
        elif self.ignore_extra:
            return
        else:
            suggestion = did_you_mean(label, names)
            rest_zh, rest_en = "去掉该列，或传 ignore_extra=True", "drop it, or pass ignore_extra=True"
            zh = f"是否想写 `{suggestion}`？否则{rest_zh}" if suggestion else rest_zh
            en = f"did you mean `{suggestion}`? otherwise {rest_en}" if suggestion else rest_en
        self.report("unknown-column", f"目录中没有{column.place.zh}", f"the catalog has no {column.place.en}", zh, en)

    def derived(self, column: Column, attribute: Attribute) -> None:
        """Note a column that is worked out and cannot be given."""
        self.report(
            "derived-column",
            f"{column.place.zh}是推算出来的，不能直接给出",
            f"{column.place.en} is worked out and cannot be given",
            f"去掉该列，给出它所依据的数据：{attribute.derivation}",
            f"drop it and give what it is worked out from: {attribute.derivation}",
        )

    def missing_key(self, name: str, column: str, zh: str, en: str) -> None:
        """Note a frame of items without a column that says whose or who."""
        self.report(
            "missing-column",
            f"`{name}` 缺少列 {zh}",
            f"`{name}` has no column {en}",
            f"补上列 `{column}`",
            f"add the column `{column}`",
        )

    def require_once(self, spaces: Mapping[str, pl.DataFrame]) -> None:
        """Raise IntakeError if somebody stands in two frames of one space."""
        for space, frame in spaces.items():
            repeated = _first_repeated(frame[SUBJECT].to_list())
            if repeated is not None:
                self.report(
                    "duplicate-subject",
                    f"`{space}` 的数据表中 `{repeated}` 出现两次",
                    f"the frames of `{space}` hold `{repeated}` twice",
                    "同一对象只放在一个数据表中",
                    "put each subject into one frame only",
                )
        if self.findings:
            raise IntakeError(self.findings)


def _names(declared: Mapping[str, Attribute | Link]) -> dict[str, str]:
    """Return every way to write a column: its catalog name, and its titles where they are nobody else's."""
    found: dict[str, str] = {}
    titles = [title for one in declared.values() for title in {one.title.zh, one.title.en}]
    for name, one in declared.items():
        found |= {title: name for title in (one.title.zh, one.title.en) if titles.count(title) == 1}
    return found | {name: name for name in declared}


def _first_repeated(ids: Sequence[_Id]) -> _Id | None:
    seen: set[_Id] = set()
    for one in ids:
        if one in seen:
            return one
        seen.add(one)
    return None


def _require_frame(name: str, frame: object) -> None:
    if isinstance(frame, pd.DataFrame):
        return
    found = type(frame).__name__
    where_zh, where_en = (f"`related` 中的 `{name}`", f"`{name}` in `related`") if name else ("画像", "the profiles")
    raise IntakeError.of(
        "not-a-frame",
        f"{where_zh}应为 pandas 的 DataFrame，这里是 {found}",
        f"{where_en} must be a pandas DataFrame, not {found}",
        help_zh="用 pandas.DataFrame(...) 包起来",
        help_en="wrap it in pandas.DataFrame(...)",
    )
