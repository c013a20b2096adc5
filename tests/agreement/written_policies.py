"""Rule files, generated: texts over every construct of the language, as an author would write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from policies.types import Bool, Code, Date, Number, Text, Type
from tests.agreement.town_vocabulary import VOCABULARY, WORDS, codes_of, collections_of

YUAN = "yuan"
ORDERS = ("<", "<=", ">", ">=", "==", "!=")
DAYS = ("2026, 2, 28", "2024, 2, 29", "2000, 1, 1", "1966, 2, 28", "2025, 11, 30", "1960, 2, 29")


@dataclass(frozen=True)
class Place:
    """What can be named where an expression stands: data by their paths, and collections."""

    names: tuple[tuple[str, Type], ...]
    collections: tuple[tuple[str, str], ...]  # path, "space.collection"
    nested: tuple[tuple[str, str], ...] = ()  # paths through two collections
    inside: bool = False

    def of(self, kind: Type, unit: str | None = None) -> list[str]:
        """Return the paths of one type; of numbers those of a unit; only whole classes of codes are told apart."""
        return [
            path
            for path, one in self.names
            if type(one) is type(kind)
            and (not isinstance(one, Number) or one.unit == unit)
            and (not isinstance(one, Code) or one == kind)
        ]


def _data_of(space: str, prefix: str, links: int) -> list[tuple[str, Type]]:
    declared = VOCABULARY.spaces[space]
    found = [(prefix + one.name, one.type) for one in declared.attributes.values()]
    if links:
        for link in declared.links.values():
            found += _data_of(link.target, f"{prefix}{link.name}.", links - 1)
    return found


def _collections_of(space: str, prefix: str) -> list[tuple[str, str]]:
    found = [(prefix + name, f"{space}.{name}") for name in collections_of(space)]
    for link in VOCABULARY.spaces[space].links.values():
        found += [(f"{prefix}{link.name}.{name}", f"{link.target}.{name}") for name in collections_of(link.target)]
    return found


def subject_place(space: str, prefix: str = "") -> Place:
    """Return what can be named of a subject."""
    collections = tuple(_collections_of(space, prefix))
    nested = tuple(
        (f"{path}.{inner}", f"{member}.{inner}")
        for path, place in collections
        if (member := collections_of(place.split(".")[0])[place.split(".")[1]].member_space)
        for inner in VOCABULARY.spaces[member].collections
    )
    return Place(tuple(_data_of(space, prefix, 2)), collections, nested)


def item_place(place: str, subject: Place, *, inside: bool) -> Place:
    """Return what can be named of an item: its own, its member's, what its links lead to, and `subject.x`."""
    space, name = place.split(".")
    declared = collections_of(space)[name]
    names = [(one.name, one.type) for one in declared.attributes.values()]
    collections: list[tuple[str, str]] = []
    if declared.member_space:
        own = {path for path, _ in names}
        names += [pair for pair in _data_of(declared.member_space, "", 1) if pair[0] not in own]
        collections += _collections_of(declared.member_space, "")
    for link in declared.links.values():
        names += _data_of(link.target, f"{link.name}.", 1)
        collections += [(f"{link.name}.{one}", f"{link.target}.{one}") for one in collections_of(link.target)]
    return Place((*names, *subject.names), (*collections, *subject.collections), inside=inside)


@dataclass
class PolicyWriter:
    """Writes one rule file; `r` draws (a `random.Random`, or hypothesis's)."""

    r: Random
    parameters: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, tuple[str, str]] = field(default_factory=dict)  # name -> kind, text
    subject: Place = field(default_factory=lambda: subject_place("citizen"))
    regional: dict[str, set[str]] = field(default_factory=dict)  # regional parameter -> the regions it has itself
    in_parts: bool = False

    def policy(self, name: str, room: int = 3) -> str:
        """Return the text of a rule file."""
        r = self.r
        space = r.choice(["citizen", "citizen", "citizen", "enterprise", "household"])
        at = subject_place(space)
        self.subject = subject_place(space, "subject.")
        for_each = None
        if r.randint(0, 3) == 0:
            for_each = r.choice(list(VOCABULARY.spaces[space].collections))
            at = item_place(f"{space}.{for_each}", self.subject, inside=False)
        self._define(at, room)
        period = r.choice(["month", "month", "year", "quarter"])
        self.in_parts = for_each is None and r.randint(0, 5) == 0
        lines = [
            f"id: {name}", "title: {zh: 试, en: generated}", f"space: {space}", "authority: 某局", "author: author",
            "basis: [{document: 文〔2026〕1号, date: 2026-01-01}]", 'region: "000000"', "in_force: {from: 2020-01-01}",
            "delivery: automatic", f"period: {period}", 'schedule: "0 2 1 * *"',
        ]  # fmt: skip
        eligibility = self.eligibility(at, room, 2)
        benefit = self.benefit(at, room)
        extra = self._units(at, for_each) + self._need(at)
        if for_each is not None:
            lines.append(f"for_each: {for_each}")
        lines += extra
        if self.parameters:
            lines += ["parameters:", *(f"  {key}: {value}" for key, value in self.parameters.items())]
        if self.definitions:
            lines += ["definitions:", *(f"  {key}: {json.dumps(text)}" for key, (_, text) in self.definitions.items())]
        lines += [f"eligibility: {eligibility}", f"benefit: {benefit}"]
        lines += ["examples:", "  - {name: none, on: 2026-02-28, profile: {}, expect: {eligible: unknown}}"]
        if for_each is not None:
            lines[-1] = "  - {name: none, on: 2026-02-28, profile: {}, expect: {units: {}}}"
        lines.append('notice: {granted: {zh: "{title}：{amount}", en: "{title}: {amount}"}}')
        return "\n".join(lines) + "\n" + self._overlays(name)

    def _overlays(self, name: str) -> str:
        """Return the texts of overlays, laid behind the rule's as the ledger keeps them; "" if there are none."""
        text = ""
        for region in self.r.sample(["310000", "310115", "650000", "320000"], self.r.choice([0, 1, 2])):
            code = region.rstrip("0")
            opened = [one for one, taken in self.regional.items() if code not in taken]
            if not opened:
                continue
            parameter = self.r.choice(opened)
            end = self.r.choice(["", ", to: 2026-02-28", ", to: 2026-02-27"])
            later = self.r.choice(["", f", 2026-01-31: {self.amount_literal()}", ", 2026-02-27: null"])
            text += "\n--- # overlay\n" + "\n".join(
                [
                    f"overlays: {name}", f'region: "{region}"', "author: place", "authority: 某市",
                    "basis: [{document: 文〔2026〕2号}]", f"in_force: {{from: 2020-01-01{end}}}",
                    f"parameters: {{{parameter}: {{2020-01-01: {self.amount_literal()}{later}}}}}",
                ]
            )  # fmt: skip
            self.regional[parameter].add(code)
        return text

    # Parts of the file

    def _define(self, at: Place, room: int) -> None:
        for number in range(self.r.choice([0, 0, 1, 2])):
            kind = self.r.choice(["bool", YUAN, "plain", "date", "quotient"])
            text = {
                "bool": self.condition, "date": self.date, "quotient": self.quotient,
                YUAN: lambda at, room: self.number(YUAN, at, room), "plain": lambda at, room: self.number(None, at, room),
            }[kind](at, room - 1)  # fmt: skip
            self.definitions[f"defined_{number}"] = (kind, text)

    def _units(self, at: Place, for_each: str | None) -> list[str]:
        lines = []
        if for_each is not None and self.r.randint(0, 1):
            lines.append(f"unit_where: {json.dumps(self.condition(at, 1))}")
        if for_each is not None and self.r.randint(0, 1):
            key = self.r.choice(
                [path for path, one in at.names if isinstance(one, Text | Code | Date)] or ["subject.word"]
            )
            lines.append(f"claims: {{group: shared, key: {key}}}")
        return lines

    def _need(self, at: Place) -> list[str]:
        return [] if self.r.randint(0, 1) else [f"order_of_need: {json.dumps(self.number(YUAN, at, 1))}"]

    def eligibility(self, at: Place, room: int, depth: int) -> str:
        """Return nested conditions, as YAML flow."""
        r = self.r
        if depth and r.randint(0, 2):
            kind = r.choice(["all", "any", "none"])
            parts = ", ".join(self.eligibility(at, room, depth - 1) for _ in range(r.choice([1, 2, 2, 3])))
            return f"{{{kind}: [{parts}]}}"
        text = json.dumps(self.condition(at, room))
        return f"{{when: {text}, says: {{zh: 条件, en: a condition}}, basis: 第一条}}" if r.randint(0, 3) == 0 else text

    def benefit(self, at: Place, room: int) -> str:
        """Return the benefit, as YAML flow."""
        r = self.r
        if r.randint(0, 9) == 0:
            return f"{{kind: {r.choice(['service', 'qualification'])}}}"
        parts = [f"kind: {r.choice(['cash', 'waiver', 'refund', 'voucher', 'deduction'])}"]
        quotient = r.randint(0, 3) == 0
        if r.randint(0, 2) == 0:
            tiers = [
                f"{{when: {json.dumps(self.condition(at, 1))}, amount: {json.dumps(self.number(YUAN, at, 1))}}}"
                for _ in range(r.choice([1, 2, 3]))
            ]
            tiers.append(f"{{amount: {json.dumps(self.number(YUAN, at, 1))}}}")
            parts.append(f"tiers: [{', '.join(tiers)}]")
        else:
            formula = self.quotient(at, room - 1, YUAN) if quotient else self.number(YUAN, at, room)
            parts.append(f"amount: {json.dumps(formula)}")
        if r.randint(0, 5):
            parts.append(f"floor: {r.choice(['0', '0', '10.5', json.dumps(self.number(YUAN, at, 0))])}")
        if r.randint(0, 2) == 0:
            parts.append(f"cap: {r.choice(['200', '99999.99', json.dumps(self.number(YUAN, at, 0))])}")
        if quotient or r.randint(0, 2) == 0:
            to = r.choice(["fen", "jiao", "yuan", '"50"', '"2.5"'])
            parts.append(f"rounding: {{to: {to}, mode: {r.choice(['half_up', 'down', 'up'])}}}")
        if self.in_parts:
            shares = r.choice([["0.4", "0.6"], ["1/3", "1/3", "1/3"], ["0.125", "7/8"]])
            listed = [
                f"{{share: {share}}}"
                if r.randint(0, 2) == 0
                else f"{{share: {share}, when: {json.dumps(self.condition(at, 1))}}}"
                for share in shares
            ]
            parts.append(f"instalments: [{', '.join(listed)}]")
        return "{" + ", ".join(parts) + "}"

    # Parameters

    def parameter(self, values: str, described: str = "", *, may_end: bool = True) -> str:
        """Declare a parameter with one value from 2015 on (perhaps another one later) and return its name."""
        name = f"parameter_{len(self.parameters)}"
        later = self.r.choice(["", "", f", 2026-01-15: {values}", ", 2026-02-01: null" if may_end else ""])
        dated = f"{{2015-01-01: {values}{later}}}"
        self.parameters[name] = f"{{{described}, values: {dated}}}" if described else dated
        return name

    def amount_literal(self) -> str:
        """Return a number of yuan as written in a file."""
        return self.r.choice(["0", "1", "75", "100", "250.5", "0.01", "1000", "36000"])

    def _table_by_code(self, at: Place, unit: str | None) -> str | None:
        possible = [(path, one) for path, one in at.names if isinstance(one, Code) and one.code_set != "region"]
        if not possible:
            return None
        path, kind = self.r.choice(possible)
        assert isinstance(kind, Code)
        codes = list(codes_of(kind.code_set))
        whole = self.r.randint(0, 1) == 0
        kept = codes if whole else codes[: self.r.randint(1, len(codes))]
        rows = ", ".join(f'"{code}": {self.amount_literal()}' for code in kept)
        described = ([f"unit: {unit}"] if unit else []) + [f"by: {kind.code_set}"]
        if len(kept) < len(codes):
            described.append(f"otherwise: {self.r.choice(['0', 'null', '5'])}")
        return f"{self.parameter('{' + rows + '}', ', '.join(described))}[{path}]"

    def _table_by_integer(self, at: Place, unit: str | None) -> str | None:
        possible = [path for path, one in at.names if isinstance(one, Number) and one.scale == 0 and one.high <= 1_200]
        if not possible:
            return None
        path = self.r.choice(possible)
        first = self.r.choice([0, 1])
        rows = ", ".join(f"{key}: {self.amount_literal()}" for key in range(first, first + self.r.randint(1, 4)))
        described = ([f"unit: {unit}"] if unit else []) + ["by: integer"]
        if self.r.randint(0, 1):
            described.append(f"each_further: {self.r.choice(['5', '0.5', '100'])}")
        described.append(f"otherwise: {self.r.choice(['0', 'null', '7'])}")
        return f"{self.parameter('{' + rows + '}', ', '.join(described))}[{path}]"

    def _regional(self, at: Place, unit: str | None) -> str | None:
        possible = at.of(Code("region"))
        if not possible:
            return None
        regions = self.r.sample(["31", "3101", "310115", "32", "65", "6504", ""], self.r.randint(1, 5))
        if self.r.randint(0, 7) == 0:
            regions = []  # opened, and set by overlays only
        rows = ", ".join(
            f'"{region}": {self.amount_literal() if self.r.randint(0, 7) else "null"}' for region in regions
        )
        described = ([f"unit: {unit}"] if unit else []) + ["by_region: true"]
        name = self.parameter("{" + rows + "}", ", ".join(described))
        self.regional[name] = set(regions)
        return f"{name}[{self.r.choice(possible)}]"

    def _progressive(self, at: Place, room: int) -> str:
        starts = [0, *sorted(self.r.sample([1_000, 3_000, 36_000, 144_000], self.r.randint(0, 3)))]
        rates = ["0.03", "0.1", "0.25", "0.5"]
        rows = ", ".join(f"{{from: {one}, rate: {self.r.choice(rates)}}}" for one in starts)
        form = self.r.choice(["marginal", "stepped"])
        name = self.parameter(f"[{rows}]", f"scale: {form}, unit: yuan")
        return f"round_half_up(progressive({name}, {self.number(YUAN, at, room)}), 2)"

    # Expressions

    def _leaf(self, paths: list[str], otherwise: str) -> str:
        return self.r.choice(paths) if paths and self.r.randint(0, 7) else otherwise

    def _defined(self, at: Place, kind: str) -> str | None:
        names = [name for name, (one, _) in self.definitions.items() if one == kind]
        return self.r.choice(names) if names and not at.inside else None

    def condition(self, at: Place, room: int) -> str:
        """Return a condition."""
        if room <= 0 or self.r.randint(0, 9) == 0:
            if self.r.randint(0, 7) == 0:
                return self._defined(at, "bool") or self._either("true", lambda: self.parameter("true", may_end=False))
            return self._leaf(at.of(Bool()), "true")
        return "(" + self.r.choice(_CONDITIONS)(self, at, room - 1) + ")"

    def _both(self, at: Place, room: int) -> str:
        word = self.r.choice([" and ", " or "])
        return word.join(self.condition(at, room) for _ in range(self.r.choice([2, 2, 3])))

    def _compared(self, at: Place, room: int) -> str:
        unit = self.r.choice([YUAN, YUAN, None, "months", "years", "people", "days"])
        left, right = self.number(unit, at, room), self.number(unit, at, room - 1)
        if self.r.randint(0, 4) == 0:
            return (
                f"{left} {self.r.choice(['<', '<='])} {right} {self.r.choice(['<', '<='])} {self.number(unit, at, 0)}"
            )
        return f"{left} {self.r.choice(ORDERS)} {right}"

    def _widest(self, at: Place, room: int) -> str:
        last = self.r.choice(["widest", "widest_money"])
        paths = [path for path, _ in at.names if path.split(".")[-1] == last]
        bounds = ["0", "9223372036854775807", "-9223372036854775807", "92233720368547.75"]
        least = self.r.choice(["{}", "min({}, 0)", "max({}, 1)"]).format(self._leaf(paths, "7"))
        return f"{least} {self.r.choice(ORDERS)} {self._leaf(paths, self.r.choice(bounds))}"

    def _ratio(self, at: Place, room: int) -> str:
        unit = self.r.choice([YUAN, None])
        sides = [self.quotient(at, room, unit), self.number(unit, at, 0)]
        if self.r.randint(0, 3) == 0:
            sides[1] = self.quotient(at, 0, unit)
        if self.r.randint(0, 2) == 0:
            sides.reverse()
        return f"{sides[0]} {self.r.choice(ORDERS)} {sides[1]}"

    def _codes(self, at: Place, room: int) -> str:
        possible = [(path, one) for path, one in at.names if isinstance(one, Code)]
        if not possible:
            return self.condition(at, 0)
        path, kind = self.r.choice(possible)
        assert isinstance(kind, Code)
        codes = list(codes_of(kind.code_set))
        form = self.r.randint(0, 4)
        if VOCABULARY.code_sets[kind.code_set].hierarchical and self.r.randint(0, 1):
            regions = ['"31"', '["31", "330000"]', '["3101", "65"]', '"310115"']
            prefixes = regions if kind.code_set == "region" else ["retail", '["52", "601"]']
            return f"within({path}, {self.r.choice(prefixes)})"
        if form == 0:
            return f'{path} {self.r.choice(["==", "!="])} "{self.r.choice(codes)}"'
        if form == 1:
            same = at.of(kind)
            return f"{path} {self.r.choice(['==', '!='])} {self.r.choice(same)}"
        if form == 2:
            other = f'({path} if {self.condition(at, 0)} else "{self.r.choice(codes)}")'
            return f'{other} == "{self.r.choice(codes)}"'
        if form == 3 and kind.code_set == "size_class":
            return f"{path} {self.r.choice(['in', 'not in'])} sme"
        chosen = ", ".join(f'"{code}"' for code in self.r.sample(codes, self.r.randint(1, 3)))
        return f"{path} {self.r.choice(['in', 'not in'])} [{chosen}]"

    def _texts(self, at: Place, room: int) -> str:
        paths = at.of(Text())
        if not paths:
            return self.condition(at, 0)
        if self.r.randint(0, 1):
            return f"{self.r.choice(paths)} in [{', '.join(json.dumps(one, ensure_ascii=False) for one in WORDS[:2])}]"
        other = json.dumps(self.r.choice(WORDS), ensure_ascii=False)
        return f"{self.r.choice(paths)} {self.r.choice(['==', '!='])} {self._leaf(paths, other)}"

    def _listed(self, at: Place, room: int) -> str:
        paths = [path for path, one in at.names if isinstance(one, Number) and one.scale == 0 and one.unit is None]
        return (
            f"{self._leaf(paths, '3')} {self.r.choice(['in', 'not in'])} [{self.r.choice(['1', '0, 2', '1, 2, 30'])}]"
        )

    def _days(self, at: Place, room: int) -> str:
        return f"{self.date(at, room)} {self.r.choice(ORDERS)} {self.date(at, room - 1)}"

    def _some(self, at: Place, room: int) -> str:
        kind = self.r.choice(["any", "all"])
        collections = [*at.collections, *at.nested]
        if not collections:
            return self.condition(at, 0)
        path, place = self.r.choice(collections)
        return f"{kind}({path}, {self.condition(self._inside(place), room)})"

    def _inside(self, place: str) -> Place:
        return item_place(place, self.subject, inside=True)

    def number(self, unit: str | None, at: Place, room: int) -> str:
        """Return a number in a unit that is no quotient."""
        if room <= 0 or self.r.randint(0, 9) == 0:
            return self._number_leaf(unit, at)
        makers = _MONEY if unit == YUAN else _PLAIN if unit is None else _MEASURED
        return self.r.choice(makers)(self, unit, at, room - 1) or self._number_leaf(unit, at)

    def _number_leaf(self, unit: str | None, at: Place) -> str:
        if unit in (YUAN, None) and self.r.randint(0, 3) == 0:
            defined = self._defined(at, YUAN if unit == YUAN else "plain")
            if defined is not None:
                return defined
            if unit == YUAN:
                amount = self.amount_literal()
                return self._either(f"yuan({amount})", lambda: self.parameter(amount, "unit: yuan"))
            return self._either("price_index", lambda: self.parameter(self.r.choice(["0.055", "12"])))
        paths = [path for path in at.of(Number(), unit) if not path.split(".")[-1].startswith("widest")]
        return self._leaf(paths, self.r.choice(["0", "1", "2", "60", "65", "100", "0.5"]))

    def _either(self, usual: str, declared: Callable[[], str]) -> str:
        return declared() if self.r.randint(0, 1) else usual

    def _sum(self, unit: str | None, at: Place, room: int) -> str:
        return f"({self.number(unit, at, room)} {self.r.choice(['+', '-'])} {self.number(unit, at, room - 1)})"

    def _negative(self, unit: str | None, at: Place, room: int) -> str:
        return f"(-{self.number(unit, at, room)})"

    def _product(self, unit: str | None, at: Place, room: int) -> str:
        factor = self.r.choice(["2", "0.5", "12", "1.05", "-3", self._leaf(at.of(Number(), None)[:6], "3")])
        return f"({self.number(unit, at, room)} * {factor})"

    def _extreme(self, unit: str | None, at: Place, room: int) -> str:
        parts = ", ".join(self.number(unit, at, room) for _ in range(self.r.choice([2, 2, 3])))
        return f"{self.r.choice(['min', 'max'])}({parts})"

    def _choice(self, unit: str | None, at: Place, room: int) -> str:
        return f"({self.number(unit, at, room)} if {self.condition(at, room)} else {self.number(unit, at, room - 1)})"

    def _rounded(self, unit: str | None, at: Place, room: int) -> str:
        inner = self.quotient(at, room, unit) if self.r.randint(0, 2) else self.number(unit, at, room)
        form = self.r.choice(["round_half_up", "round_down", "round_up", "round_to"])
        if form == "round_to":
            mode = self.r.choice(["half_up", "down", "up"])
            return f'round_to({inner}, {self.r.choice(["50", "0.5", "3"])}, "{mode}")'
        return f"{form}({inner}{self.r.choice(['', ', 1', ', 2'])})"

    def quotient(self, at: Place, room: int, unit: str | None = YUAN) -> str:
        """Return a fraction that is not rounded yet."""
        defined = self._defined(at, "quotient") if unit == YUAN else None
        if defined and self.r.randint(0, 1):
            return defined
        below = self.r.choice(["people", None, None]) if unit == YUAN else None
        divisor = self.r.choice(["3", "7", "-4"]) if self.r.randint(0, 2) == 0 else self.number(below, at, room - 1)
        found = f"({self.number(unit, at, room)} / {divisor})"
        return self.r.choice([found, found, found, f"({found} * 2)", f"({found} + 1)", f"max({found}, 2)"])

    def _table(self, unit: str | None, at: Place, room: int) -> str | None:
        return self.r.choice([self._table_by_code, self._table_by_integer, self._regional])(at, unit)

    def _scale(self, unit: str | None, at: Place, room: int) -> str | None:
        return self._progressive(at, room)

    def _indicator(self, unit: str | None, at: Place, room: int) -> str | None:
        regions = at.of(Code("region"))
        return f"standard_of_living[{self.r.choice(regions)}]" if regions else None

    def _value_on(self, unit: str | None, at: Place, room: int) -> str:
        name = self.parameter(self.amount_literal(), "unit: yuan" if unit == YUAN else "")
        return f"value_on({name}, {self.date(at, room)})"

    def _folded(self, unit: str | None, at: Place, room: int) -> str | None:
        kind = self.r.choice(["sum", "sum", "min", "max"])
        collections = [*at.collections, *(at.nested if kind == "sum" else ())]
        if not collections:
            return None
        path, place = self.r.choice(collections)
        inside = self._inside(place)
        kept = f", {self.condition(inside, room - 1)}" if self.r.randint(0, 1) else ""
        return f"{kind}({path}, {self.number(unit, inside, room - 1)}{kept})"

    def _count(self, unit: str | None, at: Place, room: int) -> str | None:
        collections = [*at.collections, *at.nested]
        if not collections:
            return None
        path, place = self.r.choice(collections)
        kept = f", {self.condition(self._inside(place), room)}" if self.r.randint(0, 1) else ""
        return f"count({path}{kept})"

    def _part(self, unit: str | None, at: Place, room: int) -> str:
        return f"{self.r.choice(['year', 'month', 'day'])}({self.date(at, room)})"

    def _between(self, unit: str | None, at: Place, room: int) -> str | None:
        first, second = self.date(at, room - 1), self.date(at, room)
        forms = {
            "years": ["years_between({}, {})"], "months": ["months_between({}, {})", "calendar_months({}, {})"],
            "days": ["days_between({}, {})", "({} - {})"],
        }  # fmt: skip
        return self.r.choice(forms[unit]).format(first, second) if unit in forms else None

    def date(self, at: Place, room: int) -> str:
        """Return a day."""
        if room <= 0 or self.r.randint(0, 5) == 0:
            defined = self._defined(at, "date") if self.r.randint(0, 3) == 0 else None
            if defined is not None:
                return defined
            if self.r.randint(0, 9) == 0:
                return self.parameter("2026-02-28")
            literal = self.r.choice(["on", "period_start", "period_end", f"date({self.r.choice(DAYS)})"])
            return self._leaf(at.of(Date()), literal)
        return self.r.choice(_DATES)(self, at, room - 1)

    def _moved(self, at: Place, room: int) -> str:
        unit = self.r.choice(["years", "months", "days"])
        small = [
            path for path, one in at.names if isinstance(one, Number) and one.unit in (unit, None) and one.high <= 1_200
        ]
        amount = self._leaf([one for one in small if "rate" not in one], self.r.choice(["1", "-1", "12", "36", "0"]))
        return f"add_{unit}({self.date(at, room)}, {amount})"

    def _shifted(self, at: Place, room: int) -> str:
        return f"({self.date(at, room)} {self.r.choice(['+', '-'])} {self.r.choice(['1', '30', '366'])})"

    def _edge(self, at: Place, room: int) -> str:
        return f"{self.r.choice(['month_start', 'month_end'])}({self.date(at, room)})"

    def _earliest(self, at: Place, room: int) -> str:
        return f"{self.r.choice(['min', 'max'])}({self.date(at, room)}, {self.date(at, room)})"

    def _either_day(self, at: Place, room: int) -> str:
        return f"({self.date(at, room)} if {self.condition(at, room)} else {self.date(at, 0)})"

    def _item_day(self, at: Place, room: int) -> str:
        dated = [(path, place) for path, place in at.collections if self._inside(place).of(Date())]
        if not dated:
            return self.date(at, 0)
        path, place = self.r.choice(dated)
        inside = self._inside(place)
        kept = f", {self.condition(inside, 0)}" if self.r.randint(0, 1) else ""
        return f"{self.r.choice(['min', 'max'])}({path}, {self.date(inside, room - 1)}{kept})"


_Condition = Callable[[PolicyWriter, Place, int], str]
_Number = Callable[[PolicyWriter, str | None, Place, int], str | None]
W = PolicyWriter
_CONDITIONS: list[_Condition] = [
    lambda w, at, room: f"not {w.condition(at, room)}", W._both, W._both, W._compared, W._compared, W._compared, W._ratio,
    W._codes, W._codes, W._texts, W._listed, W._days, W._days, W._some, W._some, W._widest,
    lambda w, at, room: f"{w.condition(at, room)} if {w.condition(at, room)} else {w.condition(at, room)}",
    lambda w, at, room: f"{w.condition(at, room)} {w.r.choice(['==', '!='])} {w.condition(at, 0)}",
]  # fmt: skip
_COMMON: list[_Number] = [
    W._sum,
    W._sum,
    W._product,
    W._extreme,
    W._choice,
    W._rounded,
    W._rounded,
    W._negative,
    W._folded,
]
_MONEY: list[_Number] = [*_COMMON, W._folded, W._table, W._table, W._scale, W._indicator, W._value_on,
                         lambda w, unit, at, room: f"yuan({w.number(None, at, room)})"]  # fmt: skip
_PLAIN: list[_Number] = [*_COMMON, W._count, W._count, W._part, W._table, W._value_on]
_MEASURED: list[_Number] = [W._between, W._between, W._between, W._sum, W._extreme, W._choice, W._folded]
_DATES: list[_Condition] = [W._moved, W._moved, W._shifted, W._edge, W._earliest, W._either_day, W._item_day]
