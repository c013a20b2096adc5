"""A new rule file works from its first moment, never overwrites, and needs no terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from datetime import date
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from engine.installation import Installation
from engine.interpreter import decide
from notifier.console.new_policy import new_policy
from notifier.console.speech import Speech
from policies.errors import SettingsError
from policies.examples import run_examples
from policies.library import read_policy_text
from policies.periods import PeriodKind
from policies.policy import BenefitKind, Delivery
from policies.skeleton import NewPolicy, skeleton
from policies.text import Bilingual
from profiles.catalog_model import Catalog
from profiles.home import Home
from tests.workbench.conftest import Desk


def new(**changes: object) -> NewPolicy:
    answers = {
        "id": "cn-31-try", "space": "citizen", "region": "310000", "title": Bilingual("试：一", 'a "try": one'),
        "authority": "某局: 某处", "author": "desk", "document": "某〔2026〕1号, 第2款", "starts": date(2026, 11, 1),
        "period": "month", "delivery": "automatic", "kind": "cash",
    }  # fmt: skip
    return NewPolicy(**{**answers, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("space", ["citizen", "enterprise", "household"])
@pytest.mark.parametrize("period", get_args(PeriodKind))
def test_every_kind_of_skeleton_passes_the_checker_and_its_own_six_examples(
    catalog: Catalog, space: str, period: str
) -> None:
    for delivery, kind in product(get_args(Delivery), ("cash", "service")):
        for region in ("310000", "000000"):
            made = new(space=space, period=period, delivery=delivery, kind=kind, region=region)
            policy = read_policy_text(skeleton(made, catalog.vocabulary, "en"), catalog.vocabulary)
            results = run_examples(policy, catalog.vocabulary, decide)
            assert len(policy.examples) == 6
            assert [one.name for one in results if not one.passed] == []


@pytest.mark.parametrize("kind", get_args(BenefitKind))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_of_benefit_has_a_skeleton_in_both_languages(catalog: Catalog, kind: str, language: str) -> None:
    text = skeleton(new(kind=kind, starts=date(2024, 2, 29)), catalog.vocabulary, language)  # type: ignore[arg-type]
    policy = read_policy_text(text, catalog.vocabulary)
    assert all(one.passed for one in run_examples(policy, catalog.vocabulary, decide))


def test_without_a_terminal_an_id_is_enough_and_the_file_passes_check_and_test(desk: Desk) -> None:
    folder = desk.home.parent / "rules"
    told = desk.call("policies", "new", "cn-31-some-subsidy", "--into", str(folder))
    path = folder / "some-subsidy.yaml"
    assert told.code == 0, told.problems
    assert str(path) in told.out
    assert desk.call("policies", "check", str(path)).code == 0
    assert desk.call("policies", "test", str(path)).code == 0


def test_a_skeleton_that_nobody_has_filled_in_is_warned_of_and_cannot_be_approved(desk: Desk) -> None:
    folder = desk.home.parent / "rules"
    assert desk.call("policies", "new", "cn-31-some-subsidy", "--into", str(folder), lang="zh").code == 0
    path = folder / "some-subsidy.yaml"
    told = desk.call("policies", "check", str(path))
    assert told.code == 0 and told.problems.count("warning[not-filled-in]") == 3
    refused = desk.call("policies", "approve", str(path), "--by", "li")
    assert refused.code == 7 and refused.problems.count("error[not-filled-in]") == 3
    text = path.read_text(encoding="utf-8").replace("(填写发文机关)", "民政局").replace("(填写文号)", "沪〔2026〕1号")
    path.write_text(re.sub(r"(?m)^unverified: .*\n", "", text).replace("confidence: low", "confidence: high"), "utf-8")
    assert "not-filled-in" not in desk.call("policies", "check", str(path)).problems
    assert desk.call("policies", "approve", str(path), "--by", "li").code == 0


def test_a_file_that_is_there_is_never_overwritten(desk: Desk) -> None:
    folder = desk.home.parent
    (folder / "some-subsidy.yaml").write_text("mine", encoding="utf-8")
    told = desk.call("policies", "new", "cn-31-some-subsidy", "--into", str(folder))
    assert told.code == 2
    assert "exists-already" in told.problems
    assert (folder / "some-subsidy.yaml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), "bad-id"),
        (("Cn_Upper",), "bad-id"),
        (("cn-31-elderly-allowance",), "exists-already"),
        (("cn-try", "--space", "planet"), "not-possible"),
        (("cn-try", "--region", "99"), "unknown-region"),
        (("cn-try", "--period", "week"), "not-possible"),
        (("cn-try", "--kind", "gold"), "not-possible"),
        (("cn-try", "--from", "soon"), "not-a-date"),
        (("cn-try", "--authority", " "), "nothing-said"),
    ],
)
def test_an_answer_that_is_not_possible_is_refused_and_nothing_is_written(
    tmp_path: Path, arguments: tuple[str, ...], code: str
) -> None:
    given: dict[str, str | None] = {"id": arguments[0] if arguments else None}
    given |= {
        name.removeprefix("--").replace("from", "starts"): value
        for name, value in zip(arguments[1::2], arguments[2::2], strict=True)
    }
    with pytest.raises(SettingsError, match=code):
        new_policy(Installation(Home(tmp_path)), given, tmp_path / "rules", Speech("en"), ask=False)
    assert not (tmp_path / "rules").exists()


def test_at_a_terminal_it_asks_and_asks_again_after_a_wrong_answer(desk: Desk, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = desk.command("policies", "new", "--into", str(tmp_path / "rules"))
    # The space is wrong at first; empty lines take what is proposed.
    answers = ["cn-44-asked", "planet", "household", *[""] * 10]
    process = subprocess.Popen(
        command, env=desk.environment(), stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    os.close(theirs)
    os.write(ours, "".join(f"{one}\n" for one in answers).encode())
    out, _ = process.communicate(timeout=120)
    os.close(ours)
    assert process.returncode == 0, out
    assert "--space cannot be `planet`" in out
    text = (tmp_path / "rules/asked.yaml").read_text(encoding="utf-8")
    assert "space: household" in text
    assert 'region: "440000"' in text
