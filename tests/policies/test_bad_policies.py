"""Every file of bad/ holds one mistake and is refused with the diagnostic that its first line names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policies.errors import Diagnostic, PolicyError
from policies.library import read_policy
from policies.vocabulary import Vocabulary

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))
EXPECTED = re.compile(r"# expect: code=(\S+)(?: line=(\d+) column=(\d+))? message=(.+)")


def _diagnostics(path: Path, vocabulary: Vocabulary) -> tuple[Diagnostic, ...]:
    with pytest.raises(PolicyError) as caught:
        read_policy(path, vocabulary)
    return caught.value.diagnostics


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_mistake_is_told_with_its_place_and_what_to_do(path: Path, vocabulary: Vocabulary) -> None:
    header = path.read_bytes().split(b"\n", 1)[0].decode()
    expected = EXPECTED.fullmatch(header)
    assert expected is not None, header
    code, line, column, message = expected.groups()
    diagnostics = _diagnostics(path, vocabulary)
    found = diagnostics[0]
    shown = "\n".join(one.render() for one in diagnostics)
    assert len(diagnostics) == 1, shown
    assert found.code == code, shown
    assert found.place.file == str(path)
    assert found.help is not None
    if line is not None:
        assert (found.place.line, found.place.column) == (int(line), int(column)), shown
    for fragment in message.split("; "):
        assert fragment in f"{found.message.en} {found.help.en}", shown


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_messages_keep_the_house_style(path: Path, vocabulary: Vocabulary) -> None:
    for found in _diagnostics(path, vocabulary):
        assert found.help is not None
        for text in (found.message, found.help):
            assert text.zh and text.en
            assert not text.en.endswith(".") and not text.zh.endswith("。")
            assert len(text.en) < 500 and len(text.zh) < 500
        assert not found.message.en[0].isupper()


def test_there_is_one_file_for_each_kind_of_mistake() -> None:
    assert len(BAD) >= 35


def test_all_mistakes_of_a_file_are_told_at_once(vocabulary: Vocabulary, tmp_path: Path) -> None:
    good = (Path(__file__).parent / "good" / "tiers_by_age.yaml").read_text(encoding="utf-8")
    path = tmp_path / "three.yaml"
    path.write_text(
        good.replace("- alive\n", "- alife\n").replace("fund: allowance", "fund: other").replace("150", "age"),
        encoding="utf-8",
    )
    codes = [one.code for one in _diagnostics(path, vocabulary)]
    assert codes == ["unknown-fund", "unknown-name", "unit-mismatch"]


def test_a_missing_file_is_a_policy_error(vocabulary: Vocabulary, tmp_path: Path) -> None:
    assert _diagnostics(tmp_path / "none.yaml", vocabulary)[0].code == "cannot-read"


def test_a_folder_is_a_policy_error(vocabulary: Vocabulary, tmp_path: Path) -> None:
    assert _diagnostics(tmp_path, vocabulary)[0].code == "cannot-read"
