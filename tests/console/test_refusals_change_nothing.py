"""What is refused on the command line is told in words, with a documented code, and nothing has changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from notifier.console.failing import EXIT_CODES
from policies.errors import MianshenError
from tests.console.conftest import DAY, ROOT, City

HEADER = "公民身份号码,姓名,出生日期,性别,人员状态,户籍地区划,户号,监护人身份号码"
ROW = "999999196111220010,李某,19611122,男,在世,310115,H000000001,"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file that is no data, an empty folder, a folder named like a file, and a dangling link."""
    (tmp_path / "file").write_text("these are no data\n" * 100)
    (tmp_path / "empty").mkdir()
    (tmp_path / "population.csv").mkdir()
    (tmp_path / "policy.yaml").mkdir()
    (tmp_path / "dangling.yaml").symlink_to(tmp_path / "gone.yaml")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "code", "found"),
    [
        ("policies show {}/policy.yaml", 3, "cannot-read"),
        ("policies check {}/dangling.yaml", 3, "cannot-read"),
        ("policies check {}/empty", 3, "no-rule-files"),
        ("profiles import {}/population.csv", 5, "unreadable-file"),
        ("profiles import --source population {}/file", 5, "unknown-format"),
        ("profiles import --source nope {}/file", 5, "unknown-source"),
        ("profiles import {}/file --as-of tomorrow", 2, "not-a-date"),
        ("funds appropriate union one --by me", 2, "not-an-amount"),
        ("funds appropriate union 99999999999999999999999 --by me", 2, "not-an-amount"),
        ("grants --policy nope", 2, "unknown-policy"),
        ("grants --lang", 2, "unknown-language"),
        ("notices show 999999196111220011", 2, "not-a-subject"),
        ("policies approve nope --by me --from 2026-02-30", 2, "not-a-date"),
        ("run --release nope --on 2026-11-22", 2, "unknown-policy"),
        ("run --policy nope --on 2026-11-22", 2, "unknown-policy"),
        ("gaps --policy nope --on 2026-11-22", 2, "unknown-policy"),
        ("upcoming --policy nope --on 2026-11-22", 2, "unknown-policy"),
        ("policies test nope", 2, "unknown-policy"),
    ],
)
def test_a_mistake_is_named_with_what_to_do(city: City, folder: Path, command: str, code: int, found: str) -> None:
    answer = city.call(*command.format(folder).split())
    assert (answer.code, f"[{found}]" in answer.problems) == (code, True), answer.problems
    assert "\n  help: " in answer.problems


@pytest.mark.parametrize("command", ["grants", "notices send", "demo --citizens 100"])
def test_a_file_as_home_is_refused_and_left_alone(city: City, folder: Path, command: str) -> None:
    answer = city.call(*command.split(), home=folder / "file")
    assert answer.code in (2, 6) and "help: " in answer.problems, answer.problems
    assert (folder / "file").read_text() == "these are no data\n" * 100


@pytest.mark.parametrize("url", ["oracle://somewhere/x", "sqlite:///{}/empty", "sqlite:///{}/file"])
def test_a_ledger_that_cannot_be_opened_is_told(city: City, folder: Path, url: str) -> None:
    answer = city.call("grants", MIANSHEN_LEDGER=url.format(folder))
    assert answer.code == 7 and "help: " in answer.problems
    assert (folder / "file").read_text() == "these are no data\n" * 100


@pytest.mark.parametrize("setting", ["MIANSHEN_SMTP_URL", "MIANSHEN_SMS_URL"])
def test_a_malformed_channel_setting_is_told_by_its_name(city: City, setting: str) -> None:
    answer = city.call("notices", "send", **{setting: "nonsense"})
    assert answer.code == 2 and setting in answer.problems


@pytest.mark.parametrize(
    ("mistake", "lines", "encoding"),
    [
        ("a missing column", [HEADER.replace(",性别", ""), ROW.replace(",男", "")], "utf-8"),
        ("an extra column", [HEADER + ",备注", ROW + ",无"], "utf-8"),
        ("another encoding", [HEADER, ROW], "big5hkscs"),
        ("another encoding", [HEADER, ROW], "utf-16"),
        ("a header only", [HEADER], "gb18030"),
    ],
)
def test_a_bad_extract_is_refused_and_neither_store_nor_vault_changes(
    city: City, tmp_path: Path, mistake: str, lines: list[str], encoding: str
) -> None:
    file = tmp_path / "population-2026-11-23.csv"
    file.write_bytes("\n".join(lines).encode(encoding, errors="replace"))
    before = _files(city.home)
    answer = city.call("profiles", "import", str(file), "--as-of", "2026-11-23")
    assert answer.code == 5 and "help: " in answer.problems, (mistake, answer.problems)
    assert _files(city.home) == before


def test_a_truncated_parquet_file_of_a_real_agency_is_refused(city: City, tmp_path: Path) -> None:
    whole = (city.home / "extracts" / f"veterans-{DAY}.parquet").read_bytes()
    file = tmp_path / "veterans-2026-11-23.parquet"
    file.write_bytes(whole[: len(whole) // 2])
    before = _files(city.home)
    answer = city.call("profiles", "import", str(file), "--as-of", "2026-11-23", "--json")
    assert answer.code == 5 and json.loads(answer.out) == []
    assert _files(city.home) == before


def test_a_refused_file_does_not_keep_the_others_out(city: City, tmp_path: Path) -> None:
    nameless = tmp_path / "monday.csv"
    nameless.write_text("x\n1\n")
    good = city.home / "extracts" / f"tax-{DAY}.csv"
    new = tmp_path / "home"
    answer = city.call("profiles", "import", str(nameless), str(good), "--as-of", DAY, "--json", home=new)
    assert answer.code == 5 and "[unknown-source]" in answer.problems
    assert [each["source"] for each in json.loads(answer.out)] == ["tax"]


def test_every_kind_of_failure_has_a_documented_exit_code(city: City) -> None:
    codes = [code for code, _, _ in EXIT_CODES]
    assert len(codes) == len(set(codes))
    assert {kind.exit_code for kind in MianshenError.__subclasses__()} <= set(codes)
    words = " ".join(city.call("--help", lang="zh").out.split())
    for code, zh, _ in EXIT_CODES:
        assert f"{code} {zh}"[:12] in words


TREE = """
import json, typer, cli
def walk(command, path):
    yield path, command.help
    for one in command.params:
        yield f"{path} {one.name}", getattr(one, "help", None)
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, f"{path} {name}")
print(json.dumps(dict(walk(typer.main.get_command(cli.app), "mianshen"))))
"""


def _tree(language: str) -> dict[str, str | None]:
    environment = {**os.environ, "MIANSHEN_LANG": language}
    done = subprocess.run([sys.executable, "-c", TREE], cwd=ROOT, env=environment, capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def test_every_command_argument_and_option_explains_itself_in_both_languages() -> None:
    zh, en = _tree("zh"), _tree("en")
    assert len(zh) > 60 and zh.keys() == en.keys()
    assert [path for path, words in {**zh, **en}.items() if not words] == []
    assert [path for path, words in zh.items() if not any("一" <= sign <= "鿿" for sign in words or "")] == []
    assert [path for path, words in en.items() if any("一" <= sign <= "鿿" for sign in words or "")] == []


@pytest.mark.parametrize("arguments", [("--lang", "zh", "funds", "show"), ("funds", "--lang=zh", "show"), ("funds", "show", "--lang", "zh")])  # fmt: skip
def test_the_language_may_be_named_anywhere(city: City, arguments: tuple[str, ...]) -> None:
    assert "资金池" in city.call(*arguments).out


def _files(home: Path) -> dict[str, bytes]:
    """Return every file of the home with its content, but for the lock and what SQLite keeps beside it."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.suffix not in (".lock",) and not path.name.endswith(("-wal", "-shm", "-journal"))
    }
