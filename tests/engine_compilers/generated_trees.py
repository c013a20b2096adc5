"""Typed fixed trees and small populations, generated: what both compilers must agree on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from engine.frames_population import FramesPopulation
from policies import tree as t
from policies.errors import Place
from policies.periods import period_of
from policies.policy import Benefit, Condition, FixedPolicy, Policy
from policies.text import Bilingual
from policies.types import Bool, Code, Date, Number, Text, Type, Value, from_day_number, to_day_number
from policies.vocabulary import Attribute, Collection, Link, Space, Vocabulary

ON = date(2026, 2, 28)
BOOL, NUMBER, DATE, TEXT = Bool(), Number(), Date(), Text()
REGION, SIZE = Code("region"), Code("size")
REGIONS = ("310101", "310115", "320100", "650402", "330100")
SIZES = ("L", "M", "S")
TEXTS = ("a", "b", "c")
DAYS = tuple(
    to_day_number(day)
    for day in (
        date(1960, 2, 29), date(1961, 2, 28), date(1964, 2, 29), date(1999, 12, 31), date(2000, 1, 1),
        date(2000, 2, 29), date(2004, 3, 31), date(2016, 2, 29), date(2026, 2, 28), date(2026, 3, 1),
        date(1900, 2, 28), date(1969, 12, 31), date(1970, 1, 1), date(2025, 11, 30), date(2025, 10, 31),
    )
)  # fmt: skip


def _named(*attributes: tuple[str, Type]) -> dict[str, Attribute]:
    return {name: Attribute(name, type_, Bilingual(name, name)) for name, type_ in attributes}


def _links(**links: str) -> dict[str, Link]:
    return {name: Link(name, target, Bilingual(name, name)) for name, target in links.items()}


def _collection(name: str, attributes: dict[str, Attribute], links: dict[str, Link], member: str | None) -> Collection:
    return Collection(name, Bilingual(name, name), attributes, links, member, 20)


PLAIN = (("n", NUMBER), ("k", NUMBER), ("flag", BOOL), ("born", DATE), ("word", TEXT), ("region", REGION))
VOCABULARY = Vocabulary(
    spaces={
        "citizen": Space(
            "citizen", Bilingual("公民", "citizen"), _named(*PLAIN),
            _links(employer="enterprise", household="household", guardian="citizen"),
            {
                "incomes": _collection(
                    "incomes",
                    _named(("amount", NUMBER), ("year", NUMBER), ("paid_on", DATE), ("ok", BOOL)),
                    {},
                    None,
                ),
                "loans": _collection("loans", _named(("rate", NUMBER), ("kind", SIZE)), {}, None),
            },
        ),
        "household": Space(
            "household", Bilingual("家庭", "household"), _named(("people", NUMBER), ("place", REGION)), {},
            {"members": _collection("members", _named(("relation", SIZE), ("share", NUMBER)), {}, "citizen")},
        ),
        "enterprise": Space(
            "enterprise", Bilingual("企业", "enterprise"),
            _named(("size", SIZE), ("founded", DATE), ("active", BOOL), ("staff", NUMBER)), {},
            {
                "hires": _collection(
                    "hires", _named(("months", NUMBER), ("signed", DATE), ("insured", BOOL)),
                    _links(person="citizen"), None,
                )
            },
        ),
    }
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """A population in plain Python: attributes and links per subject, items per owner, some unknown."""

    subjects: dict[str, dict[str, dict[str, Value]]]
    items: dict[tuple[str, str], dict[str, list[dict[str, Value]]]]

    def population(self) -> FramesPopulation:
        spaces = {}
        for name, space in VOCABULARY.spaces.items():
            rows = [{"subject": one, **data} for one, data in self.subjects[name].items()]
            spaces[name] = _frame(rows, ["subject"], space.attributes, space.links)
        collections = {}
        for (space_name, name), owners in self.items.items():
            declared = VOCABULARY.spaces[space_name].collections[name]
            rows = [{"owner": owner, **item} for owner, listed in owners.items() for item in listed]
            keys = ["owner", "item"] + (["member"] if declared.member_space else [])
            collections[space_name, name] = _frame(rows, keys, declared.attributes, declared.links)
        return FramesPopulation(VOCABULARY, spaces, collections)

    def facts(self, space: str, subject: str) -> WorldFacts:
        return WorldFacts(self, space, subject)


def _frame(rows: list[dict], keys: list[str], attributes: dict, links: dict) -> pl.DataFrame:
    schema: dict[str, type[pl.DataType]] = dict.fromkeys([*keys, *links], pl.String)
    for name, one in attributes.items():
        kinds = {Bool: pl.Boolean, Number: pl.Int64, Date: pl.Date}
        schema[name] = kinds.get(type(one.type), pl.String)
    columns = {
        name: [from_day_number(row[name]) if kind is pl.Date and row[name] is not None else row[name] for row in rows]
        for name, kind in schema.items()
    }
    return pl.DataFrame(columns, schema=schema)


@dataclass(frozen=True)
class WorldFacts:
    """The Facts of one subject or item, straight from the plain data."""

    world: World
    space: str | None
    subject: str | None
    item: dict[str, Value] | None = None
    collection: Collection | None = None

    @property
    def id(self) -> Value:
        return self.item["item"] if self.item is not None else None

    def _own(self, name: str) -> bool:
        return self.collection is not None and (name in self.collection.attributes or name in self.collection.links)

    def value(self, path: tuple[str, ...]) -> Value:
        name = path[0]
        if self._own(name):
            assert self.item is not None and self.collection is not None
            found = self.item[name]
            link = self.collection.links.get(name)
        else:
            if self.space is None or self.subject not in self.world.subjects[self.space]:
                return None
            found = self.world.subjects[self.space][self.subject][name]
            link = VOCABULARY.spaces[self.space].links.get(name)
        if len(path) == 1 or found is None:
            return found
        return WorldFacts(self.world, link.target, found).value(path[1:])

    def items(self, path: tuple[str, ...]) -> Sequence[WorldFacts] | None:
        here = self
        for link in path[:-1]:
            target = here.value((link,))
            if target is None:
                return None
            declared = here.collection.links if here._own(link) else VOCABULARY.spaces[here.space].links
            here = WorldFacts(self.world, declared[link].target, target)
        name = path[-1]
        if here.subject not in self.world.subjects[here.space] or (here.space, name) not in self.world.items:
            return None
        declared = VOCABULARY.spaces[here.space].collections[name]
        listed = self.world.items[here.space, name].get(here.subject, [])
        return [WorldFacts(self.world, declared.member_space, item.get("member"), item, declared) for item in listed]


def make_world(seed: int, size: int = 5) -> World:
    """Return a small population with unknowns, links that lead nowhere and collections never taken in."""
    r = random.Random(seed)
    nulls = r.choice([0.0, 0.05, 0.2])

    def value(type_: Type) -> Value:
        if r.random() < nulls:
            return None
        if isinstance(type_, Bool):
            return r.random() < 0.5
        if isinstance(type_, Number):
            return r.choice([0, 1, -1, 2, 3, 5, 7, -7, 12, 65, 100, -100, r.randint(-1000, 1000)])
        if isinstance(type_, Date):
            return r.choice(DAYS) if r.random() < 0.7 else r.randint(-20_000, 25_000)
        return r.choice(TEXTS if isinstance(type_, Text) else REGIONS if type_ == REGION else SIZES)

    ids = {space: [f"{space[0]}{n}" for n in range(r.randint(0 if space != "citizen" else 1, size))]
           for space in VOCABULARY.spaces}  # fmt: skip

    def link(target: str) -> Value:
        draw = r.random()
        if draw < nulls:
            return None
        return "nobody" if draw < nulls + 0.05 or not ids[target] else r.choice(ids[target])

    subjects = {
        name: {
            one: {a.name: value(a.type) for a in space.attributes.values()}
            | {x.name: link(x.target) for x in space.links.values()}
            for one in ids[name]
        }
        for name, space in VOCABULARY.spaces.items()
    }
    items: dict = {}
    for name, space in VOCABULARY.spaces.items():
        for collection in space.collections.values():
            if r.random() < 0.08:
                continue
            owners: dict = {}
            for owner in ids[name]:
                listed = []
                for number in range(r.choice([0, 0, 1, 2, 3, 4])):
                    item: dict = {"item": str(number + 1)}
                    item |= {a.name: value(a.type) for a in collection.attributes.values()}
                    item |= {x.name: link(x.target) for x in collection.links.values()}
                    if collection.member_space:
                        item["member"] = link(collection.member_space) or "nobody"
                    listed.append(item)
                if listed:
                    owners[owner] = listed
            items[name, collection.name] = owners
    return World(subjects, items)


@dataclass(frozen=True)
class Seen:
    """What names resolve to at one depth: a space, and the collection if it is an item."""

    space: str | None
    collection: Collection | None = None

    def paths(self) -> list[tuple[tuple[str, ...], Type]]:
        found: list[tuple[tuple[str, ...], Type]] = []
        links: dict[str, Link] = {}
        if self.collection is not None:
            found += [((a.name,), a.type) for a in self.collection.attributes.values()]
            links |= self.collection.links
        if self.space is not None:
            space = VOCABULARY.spaces[self.space]
            found += [((a.name,), a.type) for a in space.attributes.values()]
            links |= space.links
        for link in links.values():
            found += [((link.name, a.name), a.type) for a in VOCABULARY.spaces[link.target].attributes.values()]
        if "guardian" in links:
            found.append((("guardian", "employer", "staff"), NUMBER))
            found.append((("guardian", "guardian", "born"), DATE))
        return found

    def collections(self) -> list[tuple[tuple[str, ...], Collection]]:
        found = []
        links: dict[str, Link] = dict(self.collection.links) if self.collection else {}
        if self.space is not None:
            space = VOCABULARY.spaces[self.space]
            found += [((c.name,), c) for c in space.collections.values()]
            links |= space.links
        for link in links.values():
            target = VOCABULARY.spaces[link.target]
            found += [((link.name, c.name), c) for c in target.collections.values()]
        return found


class TreeMaker:
    """Draws typed trees with a seeded generator: every node kind, every scope, bounded magnitudes."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)

    def tree(self, type_: Type, seen: tuple[Seen, ...], room: int) -> t.Node:
        r = self.r
        if room <= 0 or r.random() < 0.12:
            return self.leaf(type_, seen)
        if r.random() < 0.06:
            return t.Named(type_, f"named{r.randint(0, 99)}", self.tree(type_, seen, room - 1))
        if r.random() < 0.1:
            return t.If(
                type_,
                self.tree(BOOL, seen, room - 1),
                self.tree(type_, seen, room - 1),
                self.tree(type_, seen, room - 1),
            )
        if r.random() < 0.06 and not isinstance(type_, Bool):
            return self.lookup(type_, seen, room)
        if isinstance(type_, Bool):
            return self.boolean(seen, room)
        if isinstance(type_, Number):
            return self.number(seen, room)
        if isinstance(type_, Date):
            return self.date(seen, room)
        return self.leaf(type_, seen)

    def literal(self, type_: Type) -> t.Node:
        r = self.r
        if r.random() < 0.03:
            return t.Literal(type_, None, "a parameter")
        if isinstance(type_, Bool):
            return t.Literal(type_, r.random() < 0.5)
        if isinstance(type_, Number):
            return t.Literal(type_, r.choice([0, 1, -1, 2, 3, 7, 10, -10, 60, 65, 100]))
        if isinstance(type_, Date):
            return t.Literal(type_, r.choice(DAYS))
        return t.Literal(type_, r.choice(TEXTS if isinstance(type_, Text) else REGIONS if type_ == REGION else SIZES))

    def leaf(self, type_: Type, seen: tuple[Seen, ...]) -> t.Node:
        r = self.r
        depth = r.choice(range(len(seen))) if r.random() < 0.3 else len(seen) - 1
        fitting = [path for path, one in seen[depth].paths() if one == type_]
        if not fitting or r.random() < 0.2:
            return self.literal(type_)
        return t.Attribute(type_, r.choice(fitting), depth)

    def lookup(self, type_: Type, seen: tuple[Seen, ...], room: int) -> t.Node:
        r = self.r

        def content() -> Value:
            found = self.literal(type_)
            assert isinstance(found, t.Literal)
            return found.value

        if r.random() < 0.4:
            prefixes = r.sample(
                ["", "31", "3101", "310101", "32", "65", "6504", "33", "11", "12", "13", "14"],
                r.randint(1, 12),
            )
            return t.PrefixLookup(type_, self.tree(REGION, seen, room - 1), tuple((p, content()) for p in prefixes))
        if r.random() < 0.4:
            cases: tuple = tuple((one, content()) for one in r.sample(SIZES, r.randint(1, 3)))
            return t.Lookup(
                type_, self.tree(SIZE, seen, room - 1), cases, None, content() if r.random() < 0.5 else None
            )
        keys = r.sample(range(-2, 12), r.randint(1, 10))
        cases = tuple((key, content()) for key in sorted(keys))
        further = (max(keys), r.randint(-5, 5)) if isinstance(type_, Number) and r.random() < 0.5 else None
        if further is not None and cases[-1][1] is None:
            cases = (*cases[:-1], (cases[-1][0], 4))
        default = content() if r.random() < 0.4 else None
        return t.Lookup(type_, self.tree(NUMBER, seen, room - 1), cases, further, default)

    def boolean(self, seen: tuple[Seen, ...], room: int) -> t.Node:
        r, room = self.r, room - 1
        kind = r.choice(
            [
                "not",
                "and",
                "or",
                "compare",
                "compare",
                "compare",
                "ratio",
                "in",
                "within",
                "date",
                "text",
                "exists",
                "any",
                "age",
            ]
        )
        order = r.choice(["<", "<=", ">", ">=", "==", "!="])
        if kind == "not":
            return t.Not(BOOL, self.tree(BOOL, seen, room))
        if kind in ("and", "or"):
            parts = tuple(self.tree(BOOL, seen, room) for _ in range(r.choice([0, 1, 2, 2, 3])))
            return t.And(BOOL, parts) if kind == "and" else t.Or(BOOL, parts)
        if kind == "compare":
            return t.Compare(BOOL, order, self.tree(NUMBER, seen, room), self.tree(NUMBER, seen, room))
        if kind == "age":
            sides = [self.age(seen, room), self.literal(NUMBER)]
            if r.random() < 0.3:
                sides.reverse()
            return t.Compare(BOOL, order, *sides)
        if kind == "ratio":
            top, bottom, right = (self.tree(NUMBER, seen, room) for _ in range(3))
            return t.CompareRatio(BOOL, order, top, bottom, right)
        if kind == "in":
            if r.random() < 0.5:
                return t.In(
                    BOOL,
                    self.tree(NUMBER, seen, room),
                    tuple(r.sample([0, 1, 2, 3, 65, -7], r.randint(1, 4))),
                )
            return t.In(BOOL, self.tree(SIZE, seen, room), tuple(r.sample(SIZES, r.randint(1, 3))))
        if kind == "within":
            prefixes = r.sample(["31", "3101", "32", "65", "6504", "33", "11", "12", "13", "14"], r.randint(1, 9))
            return t.Within(BOOL, self.tree(REGION, seen, room), tuple(prefixes))
        if kind == "date":
            return t.Compare(BOOL, order, self.tree(DATE, seen, room), self.tree(DATE, seen, room))
        if kind == "text":
            type_ = r.choice([TEXT, SIZE, REGION, BOOL])
            equal = r.choice(["==", "!="])
            return t.Compare(BOOL, equal, self.tree(type_, seen, room), self.tree(type_, seen, room))
        return self.aggregate(BOOL, r.choice(["any", "all"]), seen, room) or self.leaf(BOOL, seen)

    def age(self, seen: tuple[Seen, ...], room: int) -> t.Node:
        """A monotone function of a date, as laws write ages."""
        r = self.r
        born, on = self.leaf(DATE, seen), self.literal(DATE)
        sides = (born, on) if r.random() < 0.8 else (on, born)
        months = t.MonthsBetween(NUMBER, *sides) if r.random() < 0.7 else t.Subtract(NUMBER, *sides)
        if r.random() < 0.6:
            mode = r.choice(["half_up", "down", "up", "floor"])
            months = t.Round(NUMBER, months, t.Literal(NUMBER, r.choice([12, 365, -12])), mode)
        return t.Named(NUMBER, "age", months)

    def number(self, seen: tuple[Seen, ...], room: int) -> t.Node:
        r, room = self.r, room - 1
        kind = r.choice(
            [
                "add",
                "subtract",
                "multiply",
                "round",
                "round",
                "least",
                "most",
                "part",
                "months",
                "days",
                "fold",
                "fold",
            ]
        )
        one = lambda: self.tree(NUMBER, seen, room)  # noqa: E731
        if kind == "add":
            return t.Add(NUMBER, one(), one())
        if kind == "subtract":
            return t.Subtract(NUMBER, one(), one())
        if kind == "multiply":
            return t.Multiply(NUMBER, one(), t.Literal(NUMBER, r.choice([-3, -1, 0, 2, 5])))
        if kind == "round":
            return t.Round(NUMBER, one(), one(), r.choice(["half_up", "down", "up", "floor"]))
        if kind in ("least", "most"):
            parts = tuple(one() for _ in range(r.choice([1, 2, 3])))
            return t.Minimum(NUMBER, parts) if kind == "least" else t.Maximum(NUMBER, parts)
        if kind == "part":
            return t.DatePart(NUMBER, r.choice(["year", "month", "day"]), self.tree(DATE, seen, room))
        if kind == "months":
            return t.MonthsBetween(NUMBER, self.tree(DATE, seen, room), self.tree(DATE, seen, room))
        if kind == "days":
            return t.Subtract(NUMBER, self.tree(DATE, seen, room), self.tree(DATE, seen, room))
        return self.aggregate(NUMBER, r.choice(["count", "sum", "min", "max"]), seen, room) or self.leaf(NUMBER, seen)

    def date(self, seen: tuple[Seen, ...], room: int) -> t.Node:
        r, room = self.r, room - 1
        kind = r.choice(["months", "months", "days", "fold"])
        if kind == "months":
            months = (
                t.Literal(NUMBER, r.choice([-25, -12, -1, 0, 1, 12, 13]))
                if r.random() < 0.5
                else self.tree(NUMBER, seen, room)
            )
            return t.AddMonths(DATE, self.tree(DATE, seen, room), months)
        if kind == "days":
            node = t.Add if r.random() < 0.5 else t.Subtract
            return node(DATE, self.tree(DATE, seen, room), self.leaf(NUMBER, seen))
        return self.aggregate(DATE, r.choice(["min", "max"]), seen, room) or self.leaf(DATE, seen)

    def aggregate(self, type_: Type, kind: str, seen: tuple[Seen, ...], room: int) -> t.Node | None:
        r = self.r
        from_depth = r.choice(range(len(seen))) if r.random() < 0.25 else len(seen) - 1
        possible = seen[from_depth].collections()
        if not possible or len(seen) > 3:
            return None
        path, collection = r.choice(possible)
        depth = len(seen)
        inside = (*seen, Seen(collection.member_space, collection))
        filter_ = self.tree(BOOL, inside, room - 1) if kind not in ("any", "all") and r.random() < 0.6 else None
        value = None if kind == "count" else self.tree(type_, inside, room - 1)
        text = f"{kind}({'.'.join(path)}) {r.random()}"
        return t.Aggregate(type_, kind, path, from_depth, depth, filter_, value, text)


def make_policy(
    name: str, condition: Condition, amount: t.Node | None = None, *, space: str = "citizen", **more: object
) -> FixedPolicy:
    """Return a fixed policy with the given condition and amount, everything else being plain."""
    unit_where, claim_key = more.pop("unit_where", None), more.pop("claim_key", None)
    order_of_need, tiers = more.pop("order_of_need", None), more.pop("tiers", ())
    policy = Policy(
        id=name, version="0" * 64, text="", file="-", title=Bilingual(name, name), space=space, authority="",
        basis=(), region="", in_force=(date(2000, 1, 1), None), delivery="automatic", silence="not_taken_yet",
        period="month", schedule="0 2 1 * *", eligibility=condition, benefit=Benefit("cash", amount),
        parameters={}, definitions={}, notices={}, examples=(), reads={}, **more,
    )  # fmt: skip
    return FixedPolicy(
        policy, ON, period_of("month", ON), condition, amount, tiers, claim_key, unit_where, order_of_need
    )


def make_condition(maker: TreeMaker, seen: tuple[Seen, ...], room: int, depth: int = 2) -> Condition:
    """Return a nested eligibility tree."""
    r = maker.r
    if depth and r.random() < 0.5:
        kind = r.choice(["all", "any", "none"])
        parts = tuple(make_condition(maker, seen, room, depth - 1) for _ in range(r.choice([0, 1, 2, 3])))
        return Condition(kind, parts)
    return Condition("leaf", expression=maker.tree(BOOL, seen, room), place=Place())
