"""Expressions are translated to Polars once, and the outcome is what Narwhals itself would do."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from engine.columnar_frames import with_derived
from engine.columnar_programs import compile_policies
from engine.columnar_translation import Translation
from tests.engine_compilers.generated_trees import VOCABULARY, make_world
from tests.engine_compilers.test_both_compilers_agree import generated_policy

FRAME = pl.DataFrame({"a": [1, None, 3], "b": ["x", "yy", None], "c": [True, None, False]})
EXPRESSIONS = (
    nw.col("a") + 1,
    (nw.col("a") > 1) & nw.col("c"),
    nw.when(nw.col("c")).then(nw.col("a")).otherwise(nw.lit(None, nw.Int64)),
    nw.col("b").str.starts_with("y"),
    nw.col("a").is_in([1, 2]) | nw.col("b").is_null(),
    ~nw.col("c"),
)


def test_translation_is_what_narwhals_does() -> None:
    native = Translation().native
    for expression in EXPRESSIONS:
        expected = nw.from_native(FRAME.lazy()).select(expression.alias("x")).collect().to_native()
        assert FRAME.select(native(expression).alias("x")).equals(expected)


def test_an_expression_is_translated_once() -> None:
    translation = Translation()
    assert translation.native(EXPRESSIONS[0]) is translation.native(EXPRESSIONS[0])
    assert translation.native(EXPRESSIONS[0]) is not translation.native(nw.col("a") + 1)


def test_whole_policies_are_translated_to_what_narwhals_does() -> None:
    compared = 0
    for seed in range(80):
        fixed = [generated_policy(seed, 0, 4)]
        programs = compile_policies(fixed, VOCABULARY)
        frame = programs.frames[0]
        if frame.for_each is not None or frame.scope.groups:
            continue
        space = make_world(seed).population().spaces[frame.space]
        links = {path: name for path, name in frame.scope.columns.items() if len(path) > 1}
        if links:
            continue
        data = space.select("subject", *(pl.col(path[0]).alias(name) for path, name in frame.scope.columns.items()))
        program = frame.programs[0]
        lazy = with_derived(data.lazy(), frame.scope, program.decision_uses)
        expected = lazy.select(nw.col("subject"), program.eligible.alias("e")).collect().to_native()
        found = lazy.to_native().select("subject", frame.translation.native(program.eligible).alias("e")).collect()
        assert found.equals(expected)
        compared += 1
    assert compared >= 5
