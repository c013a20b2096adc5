"""A user's mistake is one clear message with a remedy and a documented exit code, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from tests.console.conftest import ROOT, City


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "--on", "2026-13-01"), 2, "is not a date"),
        (("run", "--policy", "nope"), 2, "no policy `nope`"),
        (("run", "--abandon", "nope"), 8, "nope"),
        (("explain", "nonsense", "cn-price-subsidy"), 2, "neither a pseudonym"),
        (("explain", "0" * 32, "cn-price-subsidy"), 6, "no such subject"),
        (("explain", "0" * 32, "nope"), 2, "no policy `nope`"),
        (("profiles", "show", "0" * 32), 6, "does not know"),
        (("profiles", "sources", "nope"), 2, "no source `nope`"),
        (("profiles", "import", "nowhere/population.csv"), 5, "population.csv"),
        (("events", "post", "nowhere.jsonl"), 6, "there is no such file or folder"),
        (("events", "post", "/"), 6, "name a file, not a folder"),
        (("policies", "check", "nowhere.yaml"), 3, "nowhere.yaml"),
        (("policies", "show", "cn-price-subsidy", "--as", "poem"), 2, "there is no form"),
        (("funds", "appropriate", "nope", "100", "--by", "me"), 2, "no fund `nope`"),
        (("funds", "appropriate", "union", "1.234", "--by", "me"), 2, "is not an amount"),
        (("funds", "appropriate", "union", "1", "--by", "me"), 7, "spoken for"),
        (("run", "--nonsense"), 2, "No such option"),
    ],
)
def test_a_mistake_is_told_with_its_exit_code(city: City, arguments: tuple[str, ...], code: int, words: str) -> None:
    answer = city.call(*arguments)
    assert (answer.code, words in answer.problems) == (code, True), answer.problems


def test_a_run_on_an_empty_home_says_what_to_do_first(city: City, tmp_path: Path) -> None:
    answer = city.call("run", home=tmp_path / "new")
    assert answer.code == 6 and "profiles import" in answer.problems


def test_a_wrong_ledger_address_is_told(city: City) -> None:
    assert city.call("grants", MIANSHEN_LEDGER="nonsense").code == 7


def test_an_unknown_language_is_told(city: City) -> None:
    answer = city.call("run", "--lang", "fr")
    assert answer.code == 2 and "--lang zh or --lang en" in answer.problems


def test_pages_without_a_login_are_for_the_demo_only(city: City, tmp_path: Path) -> None:
    answer = city.call("serve", "--demo", home=tmp_path / "new")
    assert answer.code == 2 and "run `mianshen demo` first" in answer.problems


def test_the_demo_does_not_overwrite_what_is_not_a_demo(city: City, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    answer = city.call("demo", "--citizens", "200", home=tmp_path)
    assert answer.code == 2 and "does not overwrite" in answer.problems
    assert (tmp_path / "precious.txt").read_text() == "mine"


BAD_FILES = {
    "empty": b"",
    "header-only": "公民身份号码,姓名\n".encode(),
    "not-text": b"\xff\xfe\x00\x01" * 100,
    "truncated": b"PAR1" + b"\x00" * 50,
}


@pytest.mark.parametrize("mistake", BAD_FILES)
def test_a_bad_extract_is_refused_whole_and_changes_nothing(city: City, tmp_path: Path, mistake: str) -> None:
    suffix = "parquet" if mistake == "truncated" else "csv"
    file = tmp_path / f"population-bad.{suffix}"
    file.write_bytes(BAD_FILES[mistake])
    manifest = (city.home / "store" / "manifest.json").read_bytes()
    answer = city.call("profiles", "import", str(file))
    assert answer.code == 5 and "help:" in answer.problems
    assert (city.home / "store" / "manifest.json").read_bytes() == manifest


def test_a_mistake_in_a_rule_file_is_shown_with_its_place(city: City, tmp_path: Path) -> None:
    text = (ROOT / "policies" / "cn-31" / "elderly-allowance.yaml").read_text(encoding="utf-8")
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace("within(hukou_region,", "within(hukou_regoin,"), encoding="utf-8")
    answer = city.call("policies", "check", str(file))
    assert answer.code == 3
    assert "mine.yaml:" in answer.problems and "did you mean `hukou_region`?" in answer.problems


def test_every_command_and_option_explains_itself() -> None:
    import cli

    def walk(command: object, path: str) -> None:
        assert getattr(command, "help", None), path
        for parameter in command.params:  # type: ignore[attr-defined]
            if parameter.param_type_name == "option" and parameter.name not in ("host", "port", "policy"):
                assert getattr(parameter, "help", None), f"{path} {parameter.name}"
        for name, child in getattr(command, "commands", {}).items():
            walk(child, f"{path} {name}")

    walk(typer.main.get_command(cli.app), "mianshen")
