"""A sample city of its own: taken in, approved, run once, so that there is something to simulate against."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from engine.installation import Installation
from engine.ledger.approvals import add_version, approve
from engine.ledger.funds import appropriate
from engine.running import run
from policies.library import read_policy_text
from policies.policy import Policy
from profiles.home import Home
from profiles.intake import source_of, take_in
from profiles.sample_city import generate

ON = date(2026, 11, 22)
POLICY = "cn-31-elderly-allowance"
CHILDCARE = "cn-childcare-subsidy-2025"


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("simulated")
    made = Installation(Home(folder / "home"))
    extracts = folder / "extracts"
    extracts.mkdir()
    generate(extracts, citizens=900, seed=3, on=ON)
    for file in sorted(extracts.iterdir()):
        take_in(made.home, made.catalog, source_of(file, made.catalog), file, as_of=ON)
    for id in (POLICY, CHILDCARE):
        policy = made.library.policies[id]
        add_version(made.ledger, policy, author="li")
        approve(made.ledger, policy.version, "wang", date(2026, 11, 1))
    for fund, title in made.catalog.vocabulary.funds.items():
        appropriate(made.ledger, fund, 10**9, title=title, actor="zhao")
    run(
        made.ledger, made.snapshot(ON), made.library.policies, made.catalog.vocabulary, ON, reopen=made.reopen
    )  # fmt: skip
    return made


@pytest.fixture(scope="session")
def changed(installation: Installation) -> Callable[..., Policy]:
    """Return a function that gives the allowance with some texts replaced."""

    def change(*replaced: tuple[str, str]) -> Policy:
        text = installation.library.policies[POLICY].text
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        return read_policy_text(text, installation.catalog.vocabulary, file="changed.yaml")

    return change
