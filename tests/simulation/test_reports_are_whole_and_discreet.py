"""A report stands whole at its place or not at all, opens without network or script, and gives nobody away."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import warnings
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.installation import Installation
from engine.simulation.backtesting import Backtest, PeriodTest
from notifier.console.simulating import version_of
from notifier.reports.backtest import backtest_report
from notifier.reports.disclosure import ALSO_HIDDEN, HIDDEN, shown_amounts, shown_counts
from notifier.reports.folder import report_folder
from notifier.reports.pieces import Bar, Chart, Facts
from policies.errors import PolicyError, SettingsError
from policies.library import read_policy_text
from policies.text import Bilingual
from profiles.catalog_reading import read_catalog
from profiles.home import Home

ROOT = Path(__file__).resolve().parents[2]
POLICY = "cn-31-elderly-allowance"
ON = date(2026, 11, 22)
VOCABULARY = read_catalog().vocabulary


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    problems: str


def call(installation: Installation, *arguments: str, lang: str = "en") -> Answer:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MIANSHEN_")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "--home", str(installation.home.path), "policies", *arguments],
        env={**kept, "MIANSHEN_LANG": lang, "COLUMNS": "160"}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def wider(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = installation.library.policies[POLICY].text.replace("2016-05-01: 65", "2016-05-01: 63")
    file = tmp_path_factory.mktemp("versions") / "wider.yaml"
    file.write_text(text.replace("amount: 150}", "amount: 140}"), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def simulated(installation: Installation, wider: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    folder = tmp_path_factory.mktemp("reports") / "simulated"
    answer = call(
        installation, "simulate", str(wider), "--against", "approved", "--on", "2026-11-22", "--until", "2027-02-01",
        "--report", str(folder), lang="zh",
    )  # fmt: skip
    assert answer.code == 0, answer.problems
    return folder, answer


def test_a_report_holds_page_charts_tables_people_and_data(simulated: tuple[Path, Answer]) -> None:
    folder, answer = simulated
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    charts = {f"charts/{name}.{language}.{form}" for name in ("bands", "districts", "conditions", "changes", "months")
              for language in ("zh", "en") for form in ("svg", "png")}  # fmt: skip
    assert names >= {"report.html", "report.json", "people.csv", "bands.csv", "districts.csv", "changes.csv"} | charts
    assert not list(folder.parent.glob(".*")), "nothing half-written is left beside it"
    assert "新得到" in answer.out and "findfont" not in answer.problems
    data = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    with (folder / "people.csv").open(encoding="utf-8") as stream:
        people = list(csv.DictReader(stream))
    moved = {name: one["units"] for name, one in data["against"]["moved"].items()}
    assert len(people) == moved["gains"] + moved["loses"] + moved["more"] + moved["less"] > 0
    assert stat.S_IMODE((folder / "people.csv").stat().st_mode) == 0o600


def test_the_page_needs_nothing_else_and_names_nobody(simulated: tuple[Path, Answer]) -> None:
    folder, _ = simulated
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page and "<link" not in page and "<img" not in page
    outside = [found for found in re.findall(r'(?:src|href)="([^"]*)"', page) if not found.startswith("#")]
    assert outside == []
    with (folder / "people.csv").open(encoding="utf-8") as stream:
        assert not any(row["subject"] in page for row in csv.DictReader(stream))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for words in ("模拟：上海市老年综合津贴", "Simulation: Shanghai comprehensive allowance", "<svg", 'lang="zh"'):
        assert words in page


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_the_page_opens_in_a_browser_in_the_language_asked_for(simulated: tuple[Path, Answer], tmp_path: Path) -> None:
    folder, _ = simulated
    picture = tmp_path / "page.png"
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}",
         f"--screenshot={picture}", "--window-size=420,900", (folder / "report.html").as_uri()],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0 and picture.stat().st_size > 5_000
    assert "Refused" not in done.stderr


def test_small_groups_are_hidden_unless_exact_figures_are_asked_for(installation: Installation) -> None:
    def told(*more: str) -> dict[str, Any]:
        answer = call(installation, "simulate", POLICY, "--on", "2026-11-22", "--json", *more)
        assert answer.code == 0, answer.problems
        found: dict[str, Any] = json.loads(answer.out)
        return found

    shared, exact = told(), told("--exact")
    small = [name for name, cell in exact["districts"].items() if 0 < cell["yes"] < 5]
    assert small
    for name in small:
        assert shared["districts"][name]["yes"] == HIDDEN
        assert shared["districts"][name]["amount"] == ALSO_HIDDEN
    for name, cell in shared["districts"].items():
        assert cell["yes"] in (HIDDEN, ALSO_HIDDEN, exact["districts"][name]["yes"])


@settings(max_examples=50)
@given(counts=st.lists(st.integers(0, 30), max_size=12))
def test_a_hidden_count_cannot_be_had_back_from_the_total(counts: list[int]) -> None:
    shown = shown_counts(counts)
    hidden = [count for count, one in zip(counts, shown, strict=True) if isinstance(one, str)]
    assert all(one == count or isinstance(one, str) for count, one in zip(counts, shown, strict=True))
    assert all(isinstance(one, str) for count, one in zip(counts, shown, strict=True) if 0 < count < 5)
    others = [count for count in counts if count >= 5]
    assert len(hidden) != 1 or not others
    amounts = shown_amounts(shown, [count * 100 for count in counts])
    assert [isinstance(one, str) for one in amounts] == [isinstance(one, str) for one in shown]
    assert shown_counts(counts, exact=True) == counts


def test_a_folder_with_something_in_it_is_left_as_it_is(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    answer = call(installation, "simulate", POLICY, "--on", "2026-11-22", "--report", str(tmp_path))
    assert answer.code == 2 and "report-exists" in answer.problems
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_report_that_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), report_folder(tmp_path / "new" / "report") as folder:
        (folder.path / "half.txt").write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert list((tmp_path / "new").iterdir()) == []
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(SettingsError) as refused, report_folder(blocked / "report"):
        pass
    assert refused.value.diagnostics[0].code == "report-unwritable"


def test_a_file_with_mistakes_gives_the_errors_of_the_checker(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(
        installation.library.policies[POLICY].text.replace("within(hukou_region", "within(hukou_regio"),
        encoding="utf-8",
    )
    answer = call(installation, "simulate", str(file))
    assert answer.code == 3 and "wrong.yaml:" in answer.problems and "hukou_region" in answer.problems
    with pytest.raises(PolicyError):
        version_of(installation, str(file), ON)


def test_versions_that_do_not_exist_are_refused_with_what_to_do(installation: Installation) -> None:
    for text, code in (
        (f"{POLICY}@000000", "unknown-version"), (f"{POLICY}@", "unknown-version"),
        ("cn-six-taxes-half@approved", "no-approved-version"), ("cn-nothing", "unknown-policy"),
    ):  # fmt: skip
        with pytest.raises(SettingsError) as refused:
            version_of(installation, text, ON)
        assert refused.value.diagnostics[0].code == code and refused.value.diagnostics[0].help is not None
    version = installation.library.policies[POLICY].version
    assert version_of(installation, f"{POLICY}@{version[:8]}", ON).version == version
    answer = call(installation, "simulate", POLICY, "--on", "2026-13-01")
    assert answer.code == 2 and "not-a-date" in answer.problems


def test_a_diff_tells_words_proof_and_people(installation: Installation, wider: Path) -> None:
    version = installation.library.policies[POLICY].version
    answer = call(installation, "diff", f"{POLICY}@{version[:10]}", str(wider), "--on", "2026-11-22")
    assert answer.code == 0, answer.problems
    for words in (
        "minimum age: 2016-05-01: 63",
        "140.00 yuan",
        "minimum_age",
        "everybody the first grants, the second grants too",
        "gain:",
    ):
        assert words in answer.out
    told = json.loads(call(installation, "diff", f"{POLICY}@approved", str(wider), "--on", "2026-11-22", "--json").out)
    assert {one["section"] for one in told["changes"]} == {"tier", "parameter", "examples"}
    assert told["proof"]["relation"] == "first-implies-second"
    assert told["concerned"]["moved"]["gains"]["units"] > 0


def test_a_diff_without_a_store_or_between_strangers_says_what_it_left_out(
    installation: Installation, tmp_path: Path
) -> None:
    empty = Installation(Home(tmp_path / "empty"))
    answer = call(empty, "diff", POLICY, "cn-six-taxes-half", "--json")
    assert answer.code == 0, answer.problems
    told = json.loads(answer.out)
    assert told["proof"]["left_out"] == "not-comparable" and "left_out" in told["concerned"]
    refused = call(empty, "simulate", POLICY)
    assert refused.code == 6 and "help" in refused.problems


def test_a_backtest_prints_each_period_and_writes_a_report(installation: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    arguments = ("backtest", POLICY, "--from", "2026-10-01", "--until", "2026-11-22", "--report", str(folder))
    answer = call(installation, *arguments, "--json")
    assert answer.code == 0, answer.problems
    told = json.loads(answer.out)
    assert [one["period"] for one in told["periods"]] == ["2026-10", "2026-11"]
    assert told["periods"][1]["run"] and told["periods"][1]["missed"] == 0
    assert (folder / "report.html").is_file() and (folder / "people.csv").is_file()


def test_a_backtest_names_the_condition_that_fails_also_where_the_store_of_a_run_is_read(
    installation: Installation, tmp_path: Path
) -> None:
    text = installation.library.policies[POLICY].text.replace("2016-05-01: 65", "2016-05-01: 80")
    file = tmp_path / "narrower.yaml"
    file.write_text(text, encoding="utf-8")
    answer = call(installation, "backtest", str(file), "--from", "2026-11-01", "--until", "2026-11-22")
    assert answer.code == 0, answer.problems
    assert "run " in answer.out, "the store was read as the run had pinned it"
    assert "does not hold" in answer.out and "not eligible under this version" not in answer.out


def test_where_no_font_has_chinese_characters_charts_are_in_english_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from matplotlib import font_manager

    from notifier.reports import charts

    bars = (Bar(Bilingual("浦东新区", "Pudong"), 7, "7"), Bar(Bilingual("黄浦区", "黄浦区"), 3, "3"))
    chart = Chart("districts", Bilingual("按区", "By district"), Bilingual("人", "people"), bars)
    western = [font for font in font_manager.fontManager.ttflist if font.name.startswith("DejaVu")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", western)
    charts._chinese_font.cache_clear()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # matplotlib warns of every letter that becomes a box
            svg, png = charts.draw(chart, "zh")
            assert png == charts.draw(chart, "en")[1]
        assert "浦东新区" in svg and png.startswith(b"\x89PNG")
        missing = charts.missing_font()
        assert missing is not None and "Noto Sans CJK" in missing.en and "中文字体" in missing.zh
    finally:
        charts._chinese_font.cache_clear()


def test_a_backtest_hides_small_counts_and_what_would_give_them_away_in_page_table_and_data() -> None:
    day = date(2026, 11, 22)
    periods = (
        PeriodTest("2026-10", day, None, 40, 0, 3, 0, 0, 0, 600_000, 645_000, ()),
        PeriodTest("2026-11", day, None, 40, 0, 0, 0, 0, 0, 600_000, 600_000, ()),
        PeriodTest("2026-12", day, None, 2, 0, 9, 0, 0, 0, 30_000, 165_000, ()),
    )
    found = Backtest(POLICY, "0" * 64, day, day, periods, ())
    policy = read_policy_text((ROOT / "policies/cn-31/elderly-allowance.yaml").read_text("utf-8"), VOCABULARY)
    hidden, exact = (backtest_report(policy, found, (), exact=exact) for exact in (False, True))
    told: Any = hidden.data
    assert [(one["missed"], one["granted_amount"], one["would_amount"]) for one in told["periods"]] == [
        (HIDDEN, 600_000, ALSO_HIDDEN), (0, 600_000, 600_000), (9, ALSO_HIDDEN, ALSO_HIDDEN),
    ]  # fmt: skip
    facts = [value.en for piece in hidden.sections[0].pieces if isinstance(piece, Facts) for _, value in piece.pairs]
    assert facts == ["*", "0", "*", "0", "*", "*"], "a total would give away the one period that is hidden"
    (table,) = hidden.tables
    assert [row[-2:] for row in table.rows] == [("6,000.00", "*"), ("6,000.00", "6,000.00"), ("*", "*")]
    everything: Any = exact.data
    assert [one["missed"] for one in everything["periods"]] == [3, 0, 9]
    assert "6,450.00" in repr(exact.tables)
