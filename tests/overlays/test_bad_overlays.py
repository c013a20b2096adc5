"""Every file of bad/ holds one mistake, which is told in that file, at its place, with what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policies.errors import Diagnostic, PolicyError
from policies.library import check_overlay_file, read_library
from policies.vocabulary import Vocabulary

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
EXPECTED = re.compile(r"# expect: code=(\S+) line=(\d+) column=(\d+) message=(.+)")


def _diagnostics(path: Path, vocabulary: Vocabulary) -> tuple[Diagnostic, ...]:
    with pytest.raises(PolicyError) as caught:
        check_overlay_file(path, HERE / "rules", vocabulary)
    return caught.value.diagnostics


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name.removesuffix(".overlay.yaml"))
def test_a_mistake_is_told_in_the_overlay_with_its_place_and_what_to_do(path: Path, vocabulary: Vocabulary) -> None:
    expected = EXPECTED.fullmatch(path.read_text(encoding="utf-8").split("\n", 1)[0])
    assert expected is not None
    code, line, column, message = expected.groups()
    diagnostics = _diagnostics(path, vocabulary)
    shown = "\n".join(one.render() for one in diagnostics)
    assert len(diagnostics) == 1, shown
    (found,) = diagnostics
    assert (found.code, found.place.file) == (code, str(path)), shown
    assert (found.place.line, found.place.column) == (int(line), int(column)), shown
    assert found.help is not None
    for fragment in message.split("; "):
        assert fragment in f"{found.message.en} {found.help.en}", shown
    for text in (found.message, found.help):
        assert text.zh and not text.en.endswith(".") and not text.zh.endswith("。")
    assert not found.message.en[0].isupper()


def test_there_is_one_file_for_each_kind_of_mistake() -> None:
    assert len(BAD) >= 25


def test_a_value_that_breaks_the_rule_itself_says_that_it_comes_from_a_place(
    folder: Path, vocabulary: Vocabulary
) -> None:
    path = folder / "pudong.overlay.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("400,", "400.125,"), encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        check_overlay_file(path, folder, vocabulary)
    (found,) = caught.value.diagnostics
    assert found.code == "rounding-needed"
    assert found.message.en.startswith("with the values of its places, ")


def test_a_bad_overlay_leaves_its_policy_out_of_the_library_and_no_other(folder: Path, vocabulary: Vocabulary) -> None:
    path = folder / "pudong.overlay.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("400,", "4000,"), encoding="utf-8")
    library = read_library(folder, vocabulary)
    assert set(library.policies) == {"city-allowance"}
    (error,) = library.errors
    assert [(one.code, one.place.file) for one in error.diagnostics] == [("parameter-beyond-limits", str(path))]


def test_an_overlay_that_cannot_be_read_leaves_its_policy_out_too(folder: Path, vocabulary: Vocabulary) -> None:
    path = folder / "pudong.overlay.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("author:", "auther:"), encoding="utf-8")
    library = read_library(folder, vocabulary)
    assert set(library.policies) == {"city-allowance"}
    assert [one.code for error in library.errors for one in error.diagnostics] == ["unknown-key"]


def test_an_overlay_of_no_policy_is_told_and_hides_nothing(folder: Path, vocabulary: Vocabulary) -> None:
    text = (folder / "pudong.overlay.yaml").read_text(encoding="utf-8")
    (folder / "lost.overlay.yaml").write_text(text.replace("national-allowance", "no-such-rule"), encoding="utf-8")
    library = read_library(folder, vocabulary)
    assert set(library.policies) == {"city-allowance", "national-allowance"}
    assert [one.code for error in library.errors for one in error.diagnostics] == ["unknown-policy"]


def test_overlays_of_one_place_may_follow_each_other(folder: Path, vocabulary: Vocabulary) -> None:
    text = (folder / "shanghai.overlay.yaml").read_text(encoding="utf-8").split("examples:")[0]
    later = text.replace("from: 2022-01-01, to: 2026-12-31", "from: 2027-01-01")
    later = later.replace("2022-01-01: 300, 2024-01-01: 330", "2027-01-01: 350").replace(
        "2022-01-01: 65", "2027-01-01: 66"
    )
    (folder / "shanghai-2027.overlay.yaml").write_text(later, encoding="utf-8")
    assert read_library(folder, vocabulary).errors == ()


def test_one_bad_overlay_does_not_spoil_the_check_of_another(folder: Path, vocabulary: Vocabulary) -> None:
    path = folder / "pudong.overlay.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("400,", "4000,"), encoding="utf-8")
    assert check_overlay_file(folder / "shanghai.overlay.yaml", folder, vocabulary).overlays[0].region == "310000"
