"""A library reports every bad file and hides no good one."""

from __future__ import annotations

import pickle
import shutil
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from policies.library import read_library, read_policy
from policies.reviewing import overdue_reviews
from policies.vocabulary import Vocabulary

HERE = Path(__file__).parent


def _copy(names: list[str], folder: Path) -> None:
    for name in names:
        shutil.copy(HERE / name, folder / Path(name).name)


def test_a_bad_file_does_not_hide_the_good_ones(vocabulary: Vocabulary, tmp_path: Path) -> None:
    names = ["good/tiers_by_age.yaml", "bad/unknown_key.yaml", "good/roundings.yaml", "bad/not_utf8.yaml"]
    _copy(names, tmp_path)
    library = read_library(tmp_path, vocabulary)
    assert list(library.policies) == ["roundings", "tiers-by-age"]
    assert [error.diagnostics[0].code for error in library.errors] == ["not-utf8", "unknown-key"]


def test_two_files_with_one_id_are_an_error(vocabulary: Vocabulary, tmp_path: Path) -> None:
    _copy(["good/tiers_by_age.yaml"], tmp_path)
    shutil.copy(HERE / "good" / "tiers_by_age.yaml", tmp_path / "zz.yaml")
    library = read_library(tmp_path, vocabulary)
    assert list(library.policies) == ["tiers-by-age"]
    assert [error.diagnostics[0].code for error in library.errors] == ["duplicate-policy"]
    assert library.errors[0].diagnostics[0].place.file == str(tmp_path / "zz.yaml")


def test_a_policy_that_names_an_unknown_policy_is_left_out(vocabulary: Vocabulary, tmp_path: Path) -> None:
    _copy(["good/services_and_consent.yaml", "good/roundings.yaml"], tmp_path)
    library = read_library(tmp_path, vocabulary)
    assert list(library.policies) == ["roundings"]
    assert [one.code for one in library.errors[0].diagnostics] == ["unknown-policy", "unknown-policy"]


def test_an_empty_folder_is_an_empty_library(vocabulary: Vocabulary, tmp_path: Path) -> None:
    library = read_library(tmp_path, vocabulary)
    assert not library.policies and not library.errors


def test_the_version_is_the_digest_of_the_file(vocabulary: Vocabulary) -> None:
    path = HERE / "good" / "tiers_by_age.yaml"
    assert read_policy(path, vocabulary).version == sha256(path.read_bytes()).hexdigest()


def test_a_byte_order_mark_changes_nothing(vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = tmp_path / "marked.yaml"
    unmarked = HERE / "good" / "tiers_by_age.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + unmarked.read_bytes())
    assert read_policy(path, vocabulary).version == read_policy(unmarked, vocabulary).version


def test_windows_line_ends_are_read(vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes((HERE / "good" / "tiers_by_age.yaml").read_bytes().replace(b"\n", b"\r\n"))
    assert read_policy(path, vocabulary).eligibility.children[0].text == 'within(hukou_region, "31")'


def test_a_policy_can_be_sent_to_another_process(vocabulary: Vocabulary) -> None:
    for path in sorted((HERE / "good").glob("*.yaml")):
        policy = read_policy(path, vocabulary)
        assert pickle.loads(pickle.dumps(policy)) == policy


def test_a_parameter_past_its_review_date_is_a_warning(vocabulary: Vocabulary) -> None:
    policy = read_policy(HERE / "good" / "dated_parameters.yaml", vocabulary)
    assert overdue_reviews(policy, date(2030, 1, 1)) == ()
    found = overdue_reviews(policy, date(2030, 1, 2))
    assert [(one.code, one.severity) for one in found] == [("review-overdue", "warning")]


@pytest.mark.parametrize("name", ["rule.yml", "rule.YAML", "rule.Yml", "rule.yaml.txt", "place.overlay.yml"])
def test_a_file_that_is_not_read_because_of_its_name_is_told_and_how_to_rename_it(
    vocabulary: Vocabulary, tmp_path: Path, name: str
) -> None:
    (tmp_path / "cn").mkdir()
    (tmp_path / "cn" / name).write_text("id: cn-somewhere\n", encoding="utf-8")
    library = read_library(tmp_path, vocabulary)
    ((found,),) = [error.diagnostics for error in library.errors]
    assert found.code == "misnamed-file" and found.help is not None
    assert name.split(".")[0] + (".overlay.yaml" if "overlay" in name else ".yaml") in found.help.en
