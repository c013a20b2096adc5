"""The batch compiler: all policies over all subjects of a population in one pass over a frame."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw
import polars as pl

from engine.columnar_codes import CodedColumns
from engine.columnar_frames import FrameBuilder, levels
from engine.columnar_programs import Frame, Programs, compile_policies
from engine.decision import Population
from engine.interpreter import negative_amount
from engine.matches import Matches, PolicyResult
from policies.errors import MianshenError, PolicyError, StoreError
from policies.policy import FixedPolicy
from policies.vocabulary import Vocabulary

Results = dict[str, PolicyResult]
Errors = dict[str, MianshenError]
_SUBJECT = nw.col("subject")
_AMOUNTS_AT_ONCE = 64  # bounds the memory of amounts that are not kept


def decide_all(fixed: Sequence[FixedPolicy], population: Population, vocabulary: Vocabulary | None = None) -> Matches:
    """Decide every policy for every subject (and unit) of the population.

    `vocabulary` is the one the policies were checked against; populations that know theirs (an attribute
    `vocabulary`, as `FramesPopulation` has) need not be given it. For many buckets use `Compiled`.
    A policy that cannot be evaluated has an error in the result instead of rows; the others are not
    affected. Raises StoreError if the population itself cannot be read, and PolicyError if one policy id
    is given twice or if there is no vocabulary.
    """
    known = vocabulary or getattr(population, "vocabulary", None)
    if not isinstance(known, Vocabulary):
        raise PolicyError.of(
            "vocabulary-needed",
            "缺少目录词汇，无法确定关联与集合指向何处",
            "without a vocabulary nobody knows where links and collections lead",
            help_zh="把检查政策时使用的词汇一并传入",
            help_en="pass the vocabulary that the policies were checked against",
        )
    return Compiled(fixed, known).decide(population)


class Compiled:
    """Policies compiled once, to be decided over many buckets of one population."""

    def __init__(self, fixed: Sequence[FixedPolicy], vocabulary: Vocabulary) -> None:
        self.fixed = tuple(fixed)
        self.vocabulary = vocabulary
        _refuse_repeated([one.policy.id for one in self.fixed])
        self._errors: Errors = {}
        self._programs: Programs | None = self._compile(self.fixed)

    def decide(self, population: Population) -> Matches:
        """Decide every policy over one population or bucket. Raises StoreError if it cannot be read."""
        results: Results | None = None
        errors = dict(self._errors)
        if self._programs is not None:
            results = self._together(self._programs, population, errors)
        if results is None:
            # Something failed: each policy alone, so that only the failing ones are held.
            results = {}
            for one in self.fixed:
                if one.policy.id not in errors:
                    _alone(one, population, self.vocabulary, results, errors)
        ordered = {one.policy.id: results[one.policy.id] for one in self.fixed if one.policy.id in results}
        return Matches(ordered, errors)

    def _compile(self, fixed: Sequence[FixedPolicy]) -> Programs | None:
        """Compile all; those that cannot be compiled are noted and left out."""
        try:
            return compile_policies(fixed, self.vocabulary)
        except Exception:
            sound = []
            for one in fixed:
                try:
                    compile_policies([one], self.vocabulary)
                    sound.append(one)
                except Exception as problem:
                    self._errors[one.policy.id] = _as_policy_error(one, problem)
            return compile_policies(sound, self.vocabulary)

    def _together(self, programs: Programs, population: Population, errors: Errors) -> Results | None:
        try:
            return _evaluate(programs, population, errors)
        except StoreError:
            raise
        except Exception:
            return None


def _alone(
    fixed: FixedPolicy, population: Population, vocabulary: Vocabulary, results: Results, errors: Errors
) -> None:
    try:
        results.update(_evaluate(compile_policies([fixed], vocabulary), population, errors))
    except StoreError:
        raise
    except Exception as problem:
        errors[fixed.policy.id] = _as_policy_error(fixed, problem)


def _evaluate(programs: Programs, population: Population, errors: Errors) -> Results:
    builder = FrameBuilder(programs.scopes, population)
    frames = {space: builder.subjects(scope) for space, scope in programs.subjects.items()}
    results: Results = {}
    for frame in programs.frames:
        subjects = frames[frame.space]
        data: pl.DataFrame | None = subjects
        if frame.for_each is not None:
            data = builder.units(frame.scope, subjects, frame.for_each)
        results.update(_decide_frame(frame, data, subjects["subject"], errors))
    return results


def _decide_frame(frame: Frame, data: pl.DataFrame | None, subjects: pl.Series, errors: Errors) -> Results:
    if data is None:
        unknown = pl.Series("eligible", [None], pl.Boolean).new_from_index(0, len(subjects))
        return {
            program.fixed.policy.id: PolicyResult(program, frame.scope, None, subjects, unknown, None, None)
            for program in frame.programs
        }
    coded = CodedColumns(data)
    answers = _answers(frame, coded)
    amounts = _amounts(frame, coded, answers)
    results: Results = {}
    for number, program in enumerate(frame.programs):
        policy = program.fixed.policy.id
        eligible, amount = answers[f"eligible {number}"], amounts.get(number)
        if program.fixed.amount is not None and amount is None and program.constant_amount is None:
            eligible = _withheld(eligible, None)
        if amount is not None:
            smallest = amount.min() if program.amount_may_be_negative else None
            if isinstance(smallest, int) and smallest < 0:
                errors[policy] = negative_amount(program.fixed, smallest)
                continue
            if amount.null_count():
                eligible = _withheld(eligible, amount)
                amount = amount.drop_nulls()
        elif program.constant_amount is not None and int(program.constant_amount) < 0 and eligible.any():
            errors[policy] = negative_amount(program.fixed, int(program.constant_amount))
            continue
        kept = answers[f"kept {number}"] if program.kept is not None else None
        results[policy] = PolicyResult(program, frame.scope, data, subjects, eligible, kept, amount)
    return results


def _answers(frame: Frame, coded: CodedColumns) -> pl.DataFrame:
    """Return one Boolean column per policy: the one pass over the frame."""
    wanted = {"subject": _SUBJECT}  # gives the number of rows, whatever the conditions look like
    used: frozenset[str] = frozenset().union(*(program.decision_uses for program in frame.programs))
    for number, program in enumerate(frame.programs):
        wanted[f"eligible {number}"] = program.eligible
        if program.kept is not None:
            wanted[f"kept {number}"] = program.kept
    return _selected(frame, coded, used, wanted)


def _amounts(frame: Frame, coded: CodedColumns, answers: pl.DataFrame) -> dict[int, pl.Series]:
    """Return the amounts of the eligible rows of each policy whose amount depends on data."""
    due = [
        number
        for number, program in enumerate(frame.programs)
        if program.amount is not None and program.constant_amount is None and answers[f"eligible {number}"].any()
    ]
    amounts: dict[int, pl.Series] = {}
    for first in range(0, len(due), _AMOUNTS_AT_ONCE):
        numbers = due[first : first + _AMOUNTS_AT_ONCE]
        # Amounts are worked out for every row, because what policies share is then worked out once.
        wanted, used = {"subject": _SUBJECT}, frozenset[str]()
        for number in numbers:
            program = frame.programs[number]
            assert program.amount is not None
            wanted[f"amount {number}"] = program.amount
            used |= program.amount_uses
        found = _selected(frame, coded, used, wanted)
        for number in numbers:
            amounts[number] = found[f"amount {number}"].filter(answers[f"eligible {number}"])
    return amounts


def _selected(frame: Frame, coded: CodedColumns, used: frozenset[str], wanted: dict[str, nw.Expr]) -> pl.DataFrame:
    native = frame.translation.native
    lazy, present = coded.with_tests(frame.scope, used, native)
    for level in levels(frame.scope, used - present):
        lazy = lazy.with_columns(native(frame.scope.derived[name].expression).alias(name) for name in level)
    return lazy.select(native(expression).alias(name) for name, expression in wanted.items()).collect()


def _withheld(eligible: pl.Series, amount: pl.Series | None) -> pl.Series:
    """Return the answers with "yes" turned into "unknown" where the amount is unknown (None: everywhere)."""
    if amount is None:
        return eligible.to_frame("e").select(pl.when(~pl.col("e")).then(False)).to_series().cast(pl.Boolean)
    yes = eligible.fill_null(False)
    unknown = yes.arg_true().filter(amount.is_null())
    return eligible.scatter(unknown, None)


def _as_policy_error(fixed: FixedPolicy, problem: Exception) -> MianshenError:
    """Return any failure as the policy's own error: it is reported, never hidden, and holds nobody else."""
    if isinstance(problem, MianshenError):
        return problem
    found = f"{type(problem).__name__}: {problem}"
    return PolicyError.of(
        "policy-failed",
        f"政策 `{fixed.policy.id}` 无法计算：{found}",
        f"policy `{fixed.policy.id}` cannot be evaluated: {found}",
        help_zh="本次不予发放；请检查该政策并报告此问题",
        help_en="nothing is granted by it this time; check the policy and report this",
    )


def _refuse_repeated(ids: Sequence[str]) -> None:
    repeated = sorted({one for one in ids if ids.count(one) > 1})
    if repeated:
        names = ", ".join(f"`{one}`" for one in repeated)
        raise PolicyError.of(
            "policy-given-twice",
            f"同一次匹配中政策重复：{names}",
            f"policies given twice in one matching: {names}",
            help_zh="不同期间请分开匹配",
            help_en="match different periods one after the other",
        )
