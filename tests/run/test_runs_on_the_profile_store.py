"""The whole road on the real store and the real rule library: intake, approval, run, run again, continue."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from engine.installation import Installation
from engine.ledger import audit
from engine.ledger.approvals import add_version, approve
from engine.ledger.funds import appropriate, balances
from engine.ledger.grants import grants
from engine.recording_benchmark import recording_benchmark
from engine.run_report import RunReport
from engine.run_rows import all_runs
from engine.running import run
from profiles.home import Home
from profiles.intake import source_of, take_in
from profiles.sample_city import generate

ON = date(2026, 11, 22)


def settle_a_city(folder: Path, citizens: int, seed: int, home: Path) -> Installation:
    installation = Installation(Home(home))
    extracts = folder / f"extracts-{seed}"
    extracts.mkdir()
    generate(extracts, citizens=citizens, seed=seed, on=ON)
    for file in sorted(extracts.iterdir()):
        source = source_of(file, installation.catalog)
        take_in(installation.home, installation.catalog, source, file, as_of=ON)
    return installation


def do(installation: Installation) -> RunReport:
    return run(
        installation.ledger,
        installation.snapshot(ON),
        installation.library.policies,
        installation.catalog.vocabulary,
        ON,
        reopen=installation.reopen,
    )


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = settle_a_city(tmp_path, 1_500, 1, tmp_path / "home")
    for policy in made.library.policies.values():
        add_version(made.ledger, policy, author=policy.author or "li")
        approve(made.ledger, policy.version, "wang", date(2026, 11, 1))
    for fund, title in made.catalog.vocabulary.funds.items():
        appropriate(made.ledger, fund, 10**11, title=title, actor="zhao")
    return made


def test_the_library_is_run_over_a_city_and_a_second_run_grants_nothing(installation: Installation) -> None:
    first = do(installation)
    assert first.new_grants > 100
    assert [item.error for item in first.policies] == [()] * len(first.policies)
    second = do(installation)
    assert second.nothing_new and second.new_grants == 0
    stages = grants(installation.ledger)["stage"]
    assert (stages != "hinted").sum() == first.new_grants
    assert (stages == "hinted").sum() == first.new_hints > 0
    for balance in balances(installation.ledger):
        assert balance.available >= 0
    assert audit.verify(installation.ledger).intact


def test_an_interrupted_run_is_finished_on_the_data_it_had_pinned(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    would = run(
        installation.ledger,
        installation.snapshot(ON),
        installation.library.policies,
        installation.catalog.vocabulary,
        ON,
        dry_run=True,
    )
    monkeypatch.setenv("MIANSHEN_FAULT", "bucket-recorded:raise")
    with pytest.raises(Exception, match="bucket-recorded"):
        do(installation)
    monkeypatch.delenv("MIANSHEN_FAULT")
    settle_a_city(tmp_path, 1_500, 2, tmp_path / "home")  # the store moves on
    do(installation)
    interrupted = min(all_runs(installation.ledger), key=lambda row: row.started_at)
    assert interrupted.state == "finished"
    assert interrupted.report is not None
    found = {item["policy"]: item["new_grants"] for item in interrupted.report["policies"]}
    assert found == {item.policy: item.new_grants for item in would.policies}
    assert audit.verify(installation.ledger).intact


def test_the_benchmark_records_what_it_says() -> None:
    measured = recording_benchmark(2_000, buckets=4)
    assert measured["grants"] == 2_000
    assert measured["grants_per_second"] > 0
