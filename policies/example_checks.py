"""Examples are checked with the policy: a case that the catalog cannot hold is no case."""

from __future__ import annotations

from dataclasses import replace

from policies.document import Document, Path
from policies.document_errors import fail
from policies.errors import PolicyError
from policies.example_facts import read_facts
from policies.fixing import given_value
from policies.model import PolicyShape
from policies.model_errors import did_you_mean
from policies.policy import Example
from policies.vocabulary import Vocabulary


def check_example(document: Document, shape: PolicyShape, vocabulary: Vocabulary, number: int) -> None:
    """Refuse an example whose profile or assumptions the catalog does not know."""
    example = shape.examples[number]
    path = ("examples", number)
    if example.expect.eligible is None and example.expect.units is None:
        raise fail(
            document.key_place((*path, "expect")),
            "missing-key",
            "`expect` 缺少 `eligible`",
            "`expect` lacks the key `eligible`",
            "写 eligible: true、false 或 unknown",
            "give eligible: true, false or unknown",
        )
    if example.expect.units and shape.for_each is None:
        raise fail(
            document.key_place((*path, "expect", "units")),
            "needs-for-each",
            "`units` 只用于有 `for_each` 的政策",
            "`units` belongs to policies with `for_each`",
            "直接写 eligible 和 amount",
            "give eligible and amount directly",
        )
    for unit, expected in (example.expect.units or {}).items():
        if expected.after_ceilings is not None:
            inner = (*path, "expect", "units", unit, "after_ceilings")
            _check_after_ceilings(document, shape, inner, is_eligible=expected.eligible is True)
    if example.expect.after_ceilings is not None:
        whole = (*path, "expect", "after_ceilings")
        _check_after_ceilings(document, shape, whole, is_eligible=example.expect.eligible is True)
    profile = (*path, "profile")
    read_facts(
        example.profile,
        shape.space,
        vocabulary,
        lambda inner: document.key_or_item((*profile, *inner)),
    )
    for name, value in ((example.given.indicators if example.given else None) or {}).items():
        _check_given(document, vocabulary, name, value, (*path, "given", "indicators", name))


def _check_after_ceilings(document: Document, shape: PolicyShape, path: Path, *, is_eligible: bool) -> None:
    if shape.benefit.ceilings and is_eligible:
        return
    raise fail(
        document.key_place(path),
        "needs-ceilings",
        "`after_ceilings` 只用于有累计上限的政策中符合条件的对象",
        "`after_ceilings` belongs to what is eligible, in policies with `ceilings`",
        "删除它，或在 `benefit` 里写 `ceilings:`",
        "delete it, or give `ceilings:` in `benefit`",
    )


def _check_given(document: Document, vocabulary: Vocabulary, name: str, value: object, path: Path) -> None:
    indicator = vocabulary.indicators.get(name)
    if indicator is None:
        suggestion = did_you_mean(name, vocabulary.indicators)
        raise fail(
            document.key_place(path),
            "unknown-name",
            f"没有名为 `{name}` 的指标",
            f"there is no indicator called `{name}`",
            f"是否想写 `{suggestion}`？" if suggestion else "写目录中的指标",
            f"did you mean `{suggestion}`?" if suggestion else "use an indicator of the catalog",
        )
    for one in value.values() if isinstance(value, dict) else [value]:
        try:
            given_value(one, indicator.type, name)
        except PolicyError as error:
            raise PolicyError([replace(d, place=document.place(path)) for d in error.diagnostics]) from None


def examples_of(document: Document, shape: PolicyShape) -> tuple[Example, ...]:
    """Return the examples of a rule file."""
    return tuple(
        Example(
            one.name,
            one.on,
            one.profile,
            one.expect.model_dump(exclude_unset=True),
            document.place(("examples", number)),
            dict((one.given.indicators if one.given else None) or {}),
        )
        for number, one in enumerate(shape.examples)
    )
