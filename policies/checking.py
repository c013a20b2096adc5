"""The whole policy: from a document of the right shape to a checked `Policy`.

Every expression is checked on its own, so that one file shows all its mistakes at once.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Literal, TypeVar

from policies import model
from policies.arithmetic import rounded_number
from policies.benefits import BenefitReader
from policies.context import Context, depends_on_data
from policies.document import DEPTH_LIMIT, Document, Path, Scalar
from policies.document_errors import fail, too_deep
from policies.errors import Diagnostic, Place, PolicyError
from policies.example_checks import check_example, examples_of
from policies.expression import RESERVED, lower_text
from policies.formalities import (
    check_dates,
    check_deduction,
    check_guard,
    check_notices,
    check_references,
    check_schedule,
    check_sensitive_names,
    guard_of,
    unused_warnings,
)
from policies.instalments import InstalmentReader
from policies.judgement import check_judgement, judgement_of
from policies.model_errors import read_shape
from policies.operands import Operand, Quotient, is_number
from policies.operators import as_condition
from policies.parameters import ParameterReader
from policies.policy import Basis, Claims, Condition, Exclusive, Parameter, Policy
from policies.source import Source, Spot, parse
from policies.subjects import payee_of, scopes_of
from policies.text import Bilingual
from policies.tree import Named, Node
from policies.types import Bool
from policies.vocabulary import Vocabulary

T = TypeVar("T")
_GROUPS: dict[type[model.Shape], Literal["all", "any", "none"]] = {
    model.AllOf: "all",
    model.AnyOf: "any",
    model.NoneOf: "none",
}


# What is checked of the file as it stands, before expressions are read.
_FORMALITIES = (
    check_dates,
    check_guard,
    check_notices,
    check_schedule,
    check_references,
    check_sensitive_names,
    check_judgement,
    check_deduction,
)


def check(document: Document, text: str, vocabulary: Vocabulary) -> Policy:
    """Return the checked policy. Raises PolicyError with every finding of the file."""
    try:
        return _Checker(document, read_shape(document), text, vocabulary).policy()
    except RecursionError:
        raise PolicyError(too_deep(Place(document.file), DEPTH_LIMIT)) from None


class _Checker:
    def __init__(self, document: Document, shape: model.PolicyShape, text: str, vocabulary: Vocabulary) -> None:
        self.document = document
        self.shape = shape
        self.text = text
        self.vocabulary = vocabulary
        self.findings: list[Diagnostic] = []
        self.context = Context(
            vocabulary,
            shape.period,
            definition_names=frozenset(shape.definitions),
            definition=self._definition,
            sensitive=shape.sensitive,
        )
        self._definitions: dict[str, Operand | PolicyError] = {}
        self._checking: list[str] = []
        self.subject, self.scope = scopes_of(document, shape, vocabulary, self.context.reads)

    def policy(self) -> Policy:
        """Check everything; raise all findings at once."""
        shape = self.shape
        for check_one in _FORMALITIES:
            self.findings.extend(check_one(self.document, shape, self.vocabulary))
        self.context.parameters = self._parameters()
        for name in self._by_dependency():
            self._try(lambda name=name: self._definition(name, None))  # type: ignore[misc]
        eligibility = self._try(lambda: self._condition(("eligibility",), shape.eligibility))
        instalments = self._instalments()
        benefit = self._try(lambda: self._benefit(instalments).read())
        if instalments is not None and eligibility is not None:
            whole = eligibility
            eligibility = self._try(lambda: instalments.condition(whole))
        unit_where = self._optional_condition("unit_where", shape.unit_where)
        claims = self._try(self._claims)
        order = self._try(self._order_of_need)
        scopes = (self.subject, self.scope)
        payee = self._try(lambda: payee_of(self.document, shape, self.vocabulary, scopes, self.context.reads))
        if eligibility is not None and benefit is not None:
            ceilings = [node for ceiling in benefit.ceilings for node in ceiling.nodes]
            roots = [*_expressions(eligibility), benefit.amount, unit_where, order, *ceilings]
            self._try(lambda: self._measure([root for root in roots if root is not None]))
        for number in range(len(shape.examples)):
            self._try(lambda number=number: check_example(self.document, shape, self.vocabulary, number))  # type: ignore[misc]
        self._raise_findings()
        assert eligibility is not None and benefit is not None
        return Policy(
            id=shape.id,
            version=sha256(self.text.encode()).hexdigest(),
            text=self.text,
            file=self.document.file,
            title=_both(shape.title),
            space=shape.space,
            authority=shape.authority,
            basis=tuple(Basis(one.document, one.date, one.note) for one in shape.basis),
            region=shape.region,
            in_force=(shape.in_force.from_, shape.in_force.to),
            delivery=shape.delivery,
            silence=shape.silence,
            period=shape.period,
            schedule=shape.schedule,
            eligibility=eligibility,
            benefit=benefit,
            parameters=self.context.parameters,
            definitions=self._nodes(),
            notices={"granted": _both(shape.notice.granted)},
            examples=examples_of(self.document, shape),
            reads=self.context.reads.frozen(),
            for_each=shape.for_each,
            unit_where=unit_where,
            claims=claims,
            payee=payee or (),
            fund=shape.fund,
            excludes=tuple(shape.excludes),
            exclusive=_exclusive(shape.exclusive),
            net_of=tuple(shape.net_of),
            triggers=tuple(shape.triggers),
            order_of_need=order,
            guard=guard_of(shape),
            sensitive=dict(shape.sensitive),
            author=shape.author,
            confidence=shape.confidence,
            unverified=tuple(shape.unverified),
            judgement=judgement_of(self.document, shape),
            definition_texts={name: self._text(_place_of(name, one)) for name, one in shape.definitions.items()},
            definition_titles={
                name: _both(one.title)
                for name, one in shape.definitions.items()
                if isinstance(one, model.DefinitionShape) and one.title is not None
            },
            warnings=tuple(unused_warnings(self.document, shape, self.context)),
        )

    def _raise_findings(self) -> None:
        """Raise PolicyError if anything was found, each finding once, in the order of the file."""
        if self.findings:
            unique = dict.fromkeys(self.findings)
            raise PolicyError(sorted(unique, key=lambda one: (one.place.line or 0, one.place.column or 0)))

    def _try(self, work: Callable[[], T]) -> T | None:
        """Do one piece of work; keep its findings and go on."""
        try:
            return work()
        except PolicyError as error:
            self.findings.extend(error.diagnostics)
            return None

    # Parameters and definitions

    def _parameters(self) -> Mapping[str, Parameter]:
        reader = ParameterReader(self.document, self.vocabulary, self.scope, frozenset(self.shape.definitions))
        found: dict[str, Parameter] = {}
        broken: dict[str, PolicyError] = {}
        for name, shape in self.shape.parameters.items():
            try:
                self._refuse_taken(("parameters", name))
                found[name] = reader.read(name, shape)
            except PolicyError as error:
                self.findings.extend(error.diagnostics)
                broken[name] = error
        self.context.broken = broken
        for name in self.shape.definitions:
            self._try(lambda name=name: self._refuse_taken(("definitions", name)))  # type: ignore[misc]
        return found

    def _refuse_taken(self, path: Path) -> None:
        name = str(path[-1])
        meaning: tuple[str, str] | None = None
        if name in RESERVED:
            meaning = ("规则语言的词", "a word of the rule language")
        elif self.scope.find(name) is not None:
            meaning = ("目录中的名称", "a name of the catalog")
        elif name in self.vocabulary.indicators:
            meaning = ("指标", "an indicator")
        elif path[0] == "definitions" and name in self.shape.parameters:
            meaning = ("参数", "a parameter")
        if meaning is None:
            return
        raise fail(
            self.document.key_place(path),
            "name-taken",
            f"`{name}` 已经是{meaning[0]}",
            f"`{name}` is already {meaning[1]}",
            "换一个名称",
            "choose another name",
        )

    def _by_dependency(self) -> list[str]:
        """Return the definitions, each after those it names, so that checking does not nest."""
        named = {name: self._names_in(_place_of(name, one)) for name, one in self.shape.definitions.items()}
        ordered: dict[str, None] = {}
        for first in named:
            open_names = [first]
            seen = {first}
            while open_names:
                waiting = [one for one in named[open_names[-1]] if one not in ordered and one not in seen]
                if waiting:
                    seen.update(waiting)
                    open_names.extend(waiting)
                else:
                    ordered.setdefault(open_names.pop())
        return list(ordered)

    def _names_in(self, path: Path) -> list[str]:
        """Return the definitions that an expression names; none if it is not one (that is reported later)."""
        try:
            tree, _ = parse(Source.of(self.document.scalar(path)))
        except PolicyError:
            return []
        names = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
        return [name for name in dict.fromkeys(names) if name in self.shape.definitions]

    def _measure(self, roots: list[Node]) -> None:
        spot = Spot(Source("", self.document.place(("eligibility",)), exact=False), ast.Pass())
        for root in roots:
            self.context.measure(root, spot)
        self.context.measure_whole(roots, spot)

    def _definition(self, name: str, spot: Spot | None) -> Operand:
        """Return a definition, checked on first use; its own mistakes are reported once, at its own place."""
        if name in self._checking:
            cycle = " -> ".join([*self._checking[self._checking.index(name) :], name])
            raise fail(
                spot.place if spot is not None else self.document.place(("definitions", name)),
                "definition-cycle",
                f"定义互相引用成环：{cycle}",
                f"definitions refer to each other in a circle: {cycle}",
                "断开其中一环",
                "break the circle",
            )
        known = self._definitions.get(name)
        if known is None:
            self._checking.append(name)
            try:
                found = self.lower(_place_of(name, self.shape.definitions[name]))
                known = found if isinstance(found, Quotient) else Named(found.type, name, found)
            except PolicyError as error:
                known = error
            finally:
                self._checking.pop()
            self._definitions[name] = known
        if isinstance(known, PolicyError):
            raise known
        return known

    def _nodes(self) -> dict[str, Node]:
        """Return the definitions in order of dependency; fractions are written out where they are used."""
        return {
            name: found for name, found in self._definitions.items() if not isinstance(found, Quotient | PolicyError)
        }

    # Expressions

    def lower(self, path: Path) -> Operand:
        """Lower the expression at `path` of the document."""
        return lower_text(
            self.context, Source.of(self.document.scalar(path)), self.scope, self.subject, self.scope.depth
        )

    def _lower_key(self, path: Path) -> Operand:
        """Lower the name that is a key of the document, rather than stands under one."""
        source = Source(str(path[-1]), self.document.key_place(path))
        return lower_text(self.context, source, self.scope, self.subject, self.scope.depth)

    def _benefit(self, instalments: InstalmentReader | None) -> BenefitReader:
        benefit, judged = self.shape.benefit, self.shape.judgement is not None
        return BenefitReader(
            self.document,
            benefit,
            self.lower,
            self.findings,
            self._lower_key,
            instalments,
            is_judged=judged,
            has_units=self.shape.for_each is not None,
        )

    def _instalments(self) -> InstalmentReader | None:
        """Return the reader of the instalments; None if there are none, or their form is wrong."""
        if self.shape.benefit.instalments is None or self.shape.judgement is not None:
            return None
        reader = InstalmentReader(self.document, self.shape, self.lower, self._lower_source, self._leaf)
        wrong = reader.check()
        self.findings.extend(wrong)
        return None if wrong else reader

    def _lower_source(self, source: Source) -> Operand:
        """Lower an expression that the language itself writes."""
        return lower_text(self.context, source, self.scope, self.subject, self.scope.depth)

    def _spot(self, path: Path) -> Spot:
        return Spot(Source.of(self.document.scalar(path)), ast.Pass())

    def _leaf(self, path: Path) -> Node:
        return as_condition(self.lower(path), self._spot(path))

    def _optional_condition(self, key: str, given: object) -> Node | None:
        if given is None:
            return None
        if key == "unit_where" and self.shape.for_each is None:
            self.findings.extend(
                fail(
                    self.document.key_place((key,)),
                    "needs-for-each",
                    f"`{key}` 只用于有 `for_each` 的政策",
                    f"`{key}` belongs to policies with `for_each`",
                    "写 `for_each:`，或把条件移到 `eligibility`",
                    "give `for_each:`, or move the condition to `eligibility`",
                ).diagnostics
            )
            return None
        return self._try(lambda: self._leaf((key,)))

    def _condition(self, path: Path, shape: object) -> Condition:
        place = self.document.place(path)
        if not isinstance(shape, model.Shape):
            node = self._try(lambda: self._leaf(path))
            return Condition("leaf", (), node, self._text(path), place=place)
        assert isinstance(shape, model.AllOf | model.AnyOf | model.NoneOf | model.Leaf)
        says = _both(shape.says) if shape.says else None
        if isinstance(shape, model.Leaf):
            inner = (*path, "when")
            node = self._try(lambda: self._leaf(inner))
            return Condition("leaf", (), node, self._text(inner), says, shape.basis, self.document.place(inner))
        kind: Literal["all", "any", "none"] = _GROUPS[type(shape)]
        parts = tuple(self._condition((*path, kind, number), part) for number, part in enumerate(getattr(shape, kind)))
        return Condition(kind, parts, None, "", says, shape.basis, place)

    def _text(self, path: Path) -> str:
        found = self.document.at(path)
        return " ".join(found.text.split()) if isinstance(found, Scalar) else ""

    # The rest

    def _claims(self) -> Claims | None:
        if self.shape.claims is None:
            return None
        path = ("claims", "key")
        found = self.lower(path)
        if not isinstance(found, Quotient) and not isinstance(found.type, Bool) and depends_on_data(found):
            return Claims(self.shape.claims.group, found)
        raise self._spot(path).error(
            "wrong-type",
            "`claims` 的键应指明一个人、一份证书等，不能是常量、是非或商",
            "the key of `claims` must name a person, a certificate or the like",
            "写一个连接或编号属性，例如 person",
            "use a link or an identifying attribute, such as person",
        )

    def _order_of_need(self) -> Node | None:
        if self.shape.order_of_need is None:
            return None
        path = ("order_of_need",)
        found, spot = self.lower(path), self._spot(path)
        if is_number(found):
            return rounded_number(found, spot)
        raise spot.error(
            "wrong-type",
            "`order_of_need` 应为数，越大越需要",
            "`order_of_need` must be a number; the larger, the greater the need",
            "例：-income_per_head",
            "for example -income_per_head",
        )


def _expressions(condition: Condition) -> list[Node]:
    own = [condition.expression] if condition.expression is not None else []
    return own + [node for child in condition.children for node in _expressions(child)]


def _place_of(name: str, shape: object) -> Path:
    """Return where the expression of a definition stands in the document."""
    path: Path = ("definitions", name)
    return (*path, "value") if isinstance(shape, model.DefinitionShape) else path


def _both(shape: model.BothLanguages) -> Bilingual:
    return Bilingual(shape.zh, shape.en)


def _exclusive(shape: model.ExclusiveShape | None) -> Exclusive | None:
    return Exclusive(shape.group, shape.choose, shape.rank) if shape is not None else None
