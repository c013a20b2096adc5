"""Matching on a cluster: the same ledger as on one machine, also when a worker dies."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.installation import Installation
from engine.ledger import tables
from engine.ledger.approvals import add_version, approve
from engine.ledger.earlier import past_grants_of
from engine.ledger.funds import appropriate
from engine.ledger.opening import table
from engine.matching import columnar_matcher
from engine.running import run
from engine.spark_matching import SparkMatcher
from engine.spark_session import require_java, spark_session
from policies.errors import RunError
from policies.fixing import fix
from profiles.events.log import EventLog
from profiles.home import Home
from profiles.intake import source_of, take_in
from profiles.manifest import create_store
from profiles.sample_city import generate
from tests.spark.local_cluster import Cluster, local_cluster

ON = date(2026, 11, 22)
ROOT = Path(__file__).resolve().parents[2]
BUCKETS = 24
LEDGER = ("grant", "waiting", "fund_entry", "claim", "announcement")


def _has_java() -> bool:
    try:
        require_java()
    except RunError:
        return False
    return True


pytestmark = [
    pytest.mark.skipif(not _has_java(), reason="no Java 17 on this machine"),
    pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="PySpark is not installed"),
    pytest.mark.xdist_group("spark"),
]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with data, approved policies and funds, in which nothing was run yet."""
    folder = tmp_path_factory.mktemp("spark-town")
    home = Home(folder / "home")
    create_store(home, BUCKETS)
    extracts = folder / "extracts"
    generate(extracts, citizens=1_500, on=ON, dirty=0.0)
    installation = Installation(home)
    for file in sorted(extracts.iterdir()):
        take_in(home, installation.catalog, source_of(file, installation.catalog), file, as_of=ON)
    for policy in installation.library.policies.values():
        add_version(installation.ledger, policy)
        approve(installation.ledger, policy.version, "approver", ON)
    for fund, title in installation.catalog.vocabulary.funds.items():
        appropriate(installation.ledger, fund, 10**9, title=title, actor="treasurer")
    return home.path


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with local_cluster(tmp_path_factory.mktemp("cluster")) as started, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(started.settings))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        yield started


def _copy(town: Path, folder: Path) -> Installation:
    shutil.copytree(town, folder / "home")
    return Installation(Home(folder / "home"))


def _ledger(installation: Installation) -> dict[str, list[str]]:
    """Return what the ledger says, without the ids of runs and the times of day."""
    told = {}
    with installation.ledger.reading() as connection:
        for name in LEDGER:
            chosen = table(next(one for one in vars(tables).values() if getattr(one, "__tablename__", "") == name))
            rows = [dict(row) for row in connection.execute(select(chosen)).mappings()]
            told[name] = sorted(
                json.dumps(
                    {key: value for key, value in row.items() if key not in ("run", "at", "number")}, default=str
                )
                for row in rows
            )
    return told


def _run(installation: Installation, **options: object) -> None:
    run(
        installation.ledger, installation.snapshot(ON), installation.library.policies,
        installation.catalog.vocabulary, ON, second_opinion=50, **options,
    )  # type: ignore[arg-type]  # fmt: skip


def test_a_worker_killed_in_the_middle_changes_nothing(town: Path, cluster: Cluster, tmp_path: Path) -> None:
    alone, together = _copy(town, tmp_path / "alone"), _copy(town, tmp_path / "together")
    _run(alone)
    killed_at: list[int] = []

    def kill_once(step: str, done: int, total: int) -> None:
        if step == "spark" and 1 <= done < total and not killed_at:
            killed_at.append(done)
            cluster.kill_a_worker()

    with spark_session(cluster.url) as session:
        _run(together, matcher=SparkMatcher(session, kill_once))
    assert killed_at, "the worker was to die while buckets were being decided"
    assert _ledger(together) == _ledger(alone)
    assert _ledger(alone)["grant"]


def test_every_policy_counts_and_answers_the_same_in_every_bucket(town: Path) -> None:
    installation = Installation(Home(town))
    vocabulary = installation.catalog.vocabulary
    fixed = [fix(policy, vocabulary, ON) for policy in installation.library.policies.values()]
    snapshot = installation.snapshot(ON)
    with spark_session("local[2]") as session, past_grants_of(installation.ledger, None) as past:
        here = dict(columnar_matcher(fixed, snapshot, vocabulary, past))
        there = dict(SparkMatcher(session)(fixed, snapshot, vocabulary, past))
    assert here.keys() == there.keys() == set(range(BUCKETS))
    for bucket, answers in here.items():
        for one in fixed:
            name = one.policy.id
            assert there[bucket].counts(name) == answers.counts(name)
            assert dict(there[bucket].missing(name)) == answers.missing(name)
            assert there[bucket].rows(name).equals(answers.rows(name))


def _command(home: Path, *arguments: str, fault: str = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"MIANSHEN_LANG": "en", "MIANSHEN_FAULT": fault}
    return subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "--home", str(home), *arguments],
        env=environment, capture_output=True, text=True, check=False, timeout=600, cwd=ROOT,
    )  # fmt: skip


def test_the_command_runs_on_a_cluster_and_goes_on_where_a_killed_run_stopped(
    town: Path, cluster: Cluster, tmp_path: Path
) -> None:
    alone, together = _copy(town, tmp_path / "alone"), _copy(town, tmp_path / "together")
    _run(alone)
    words = ("run", "--engine", "spark", "--master", cluster.url, "--on", ON.isoformat(), "--second-opinion", "50")
    killed = _command(together.home.path, *words, fault="bucket-recorded:kill:3")
    assert killed.returncode == -9, killed.stderr
    assert len(_ledger(together)["grant"]) < len(_ledger(alone)["grant"])
    done = _command(together.home.path, *words)
    assert done.returncode == 0, done.stderr
    assert _ledger(together) == _ledger(alone)


def test_a_missing_pyspark_is_told_with_its_remedy(tmp_path: Path) -> None:
    without = "import sys; sys.modules['pyspark'] = None; sys.modules['pyspark.errors'] = None; import cli; cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", without, "--home", str(tmp_path / "home"), "run", "--engine", "spark"],
        env=os.environ | {"MIANSHEN_LANG": "en"}, capture_output=True, text=True, check=False, cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 8
    assert "error[spark-missing]: PySpark is not installed" in done.stderr
    assert "pip install 'mianshen[spark]'" in done.stderr


def test_what_life_events_have_changed_is_seen_on_the_workers(town: Path, tmp_path: Path) -> None:
    installation = _copy(town, tmp_path)
    policy = installation.library.policies["cn-31-elderly-allowance"]
    fixed = [fix(policy, installation.catalog.vocabulary, ON)]
    old = next(number for number in _numbers(town) if number[6:10] == "1950")
    move = {
        "key": "move-1", "kind": "move", "subject": old, "occurred_on": "2026-11-22",
        "data": {"hukou_region": "330106"},
    }  # fmt: skip
    stored = EventLog(installation.home, installation.catalog).store(
        move, today=ON, received_at=datetime(2026, 11, 22, 9, tzinfo=UTC), actor="public security"
    )
    changed = installation.snapshot(ON)
    with spark_session("local[1]") as session, past_grants_of(installation.ledger, None) as past:
        answers = dict(SparkMatcher(session)(fixed, changed, installation.catalog.vocabulary, past))
    granted = [subject for found in answers.values() for subject in found.rows(policy.id)["subject"]]
    assert stored.outcome == "applied"
    assert granted
    assert stored.subject not in granted


def _numbers(town: Path) -> list[str]:
    text = next((town.parent / "extracts").glob("population-*.csv")).read_bytes().decode("gb18030")
    return [line.split(",")[0] for line in text.splitlines()[1:]]


def test_a_missing_java_is_told_with_its_remedy(tmp_path: Path) -> None:
    environment = os.environ | {"PATH": str(tmp_path), "MIANSHEN_LANG": "en"}
    environment.pop("JAVA_HOME", None)
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "--home", str(tmp_path / "home"), "run", "--engine", "spark"],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 8
    assert "error[java-missing]: Spark needs Java 17 or newer: none was found" in done.stderr
    assert "openjdk-17" in done.stderr


@pytest.mark.parametrize("master", ["spark://127.0.0.1:9", "spark://nowhere", "spark://127.0.0.1:99999"])
def test_a_master_that_does_not_answer_is_told_at_once(master: str) -> None:
    with pytest.raises(RunError) as refused, spark_session(master):
        raise AssertionError("there is no such master")
    assert refused.value.diagnostics[0].code == "spark-not-opened"


@pytest.mark.parametrize("master", ["nonsense", "http://127.0.0.1:7077", "", "local[", "yarn-client"])
def test_what_is_no_address_of_a_cluster_is_told_without_asking_java(
    master: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RunError) as refused, spark_session(master):
        raise AssertionError("there is no such master")
    assert refused.value.diagnostics[0].code == "spark-master"
    assert capfd.readouterr().err == ""
