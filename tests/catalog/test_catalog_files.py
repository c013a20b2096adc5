"""A catalog is read whole or refused with every mistake, each at its line and column."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from policies.errors import CatalogError
from policies.types import Bool, Code, Number
from profiles.catalog_reading import check_catalog, read_catalog

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
EXPECTED = re.compile(r"# expect: (\S+) at (\d+):(\d+)")


def test_the_smallest_catalog_says_how_agencies_write() -> None:
    catalog = read_catalog(HERE / "good")
    people = catalog.sources["people"]
    assert people.columns == (
        "号码", "出生", "性别", "存款万元", "比例百分比", "敏感", "监护人", "姓名",
    )  # fmt: skip
    savings, share, secret = (people.field_of(name) for name in ("savings", "share", "secret"))
    assert savings is not None and (savings.power, savings.unit, savings.scale) == (4, "yuan", 2)
    assert (savings.low, savings.high) == (0, 100_000_000)
    assert share is not None and (share.power, share.scale, share.high) == (-2, 4, 10_000)
    assert secret is not None and (secret.yes, secret.no, secret.sensitive) == (("有",), ("无",), True)
    assert people.missing == ("", "-")


def test_names_of_people_go_to_the_vault_and_never_to_the_store() -> None:
    people = read_catalog(HERE / "good").sources["people"]
    assert [field.name for field in people.vault_fields] == ["name"]
    assert "name" not in [field.name for field in people.stored_fields]


def test_a_link_says_whose_number_its_column_holds() -> None:
    guardian = read_catalog(HERE / "good").sources["people"].field_of("guardian")
    assert guardian is not None and (guardian.role, guardian.target) == ("link", "citizen")


def test_every_attribute_knows_the_source_that_delivers_it() -> None:
    citizen = read_catalog(HERE / "good").vocabulary.spaces["citizen"]
    assert citizen.attributes["savings"].source == "people"
    assert citizen.attributes["age"].source == ""
    assert citizen.attributes["age"].derivation == "years_between(birth_date, on)"
    assert citizen.links["guardian"].source == "people"
    assert citizen.collections["loans"].source == "loans"
    assert citizen.collections["loans"].attributes["principal"].source == "loans"


def test_registers_are_taken_in_before_what_is_said_about_their_subjects() -> None:
    kinds = [source.kind for source in read_catalog(HERE / "good").sources.values()]
    assert kinds == ["register", "register", "collection", "collection", "identity"]


def test_an_abolished_code_is_known_but_no_longer_in_use() -> None:
    catalog = read_catalog(HERE / "good")
    assert catalog.codes_on("region", date(2015, 11, 4)) == ("310000", "310106", "310108")
    assert catalog.codes_on("region", date(2015, 11, 3)) == ("310000", "310108")
    assert catalog.codes_on("region", date(2026, 1, 1)) == ("310000", "310106")
    assert catalog.validity["region"]["310108"].successors == ("310106",)


def test_decimals_of_a_catalog_are_exact() -> None:
    prices = read_catalog(HERE / "good").vocabulary.indicators["prices"]
    assert prices.values == {"": {"2026-10": 35}, "310000": {"2026-10": -5}}
    assert prices.type == Number(scale=1, unit="percent", low=-500, high=500)


@pytest.mark.parametrize("bad", BAD, ids=[path.stem for path in BAD])
def test_a_mistake_in_a_catalog_is_refused_at_its_place(bad: Path, tmp_path: Path) -> None:
    expected = EXPECTED.match(bad.read_text(encoding="utf-8"))
    assert expected is not None, "the first line says what is expected"
    shutil.copy(HERE / "good" / "small.yaml", tmp_path / "small.yaml")
    shutil.copy(bad, tmp_path / "bad.yaml")
    with pytest.raises(CatalogError) as refused:
        read_catalog(tmp_path)
    found = [(one.code, one.place.line, one.place.column) for one in refused.value.diagnostics]
    code, line, column = expected.groups()
    assert found == [(code, int(line), int(column))]


@pytest.mark.parametrize("bad", BAD, ids=[path.stem for path in BAD])
def test_every_refusal_says_in_both_languages_what_to_do(bad: Path, tmp_path: Path) -> None:
    shutil.copy(HERE / "good" / "small.yaml", tmp_path / "small.yaml")
    shutil.copy(bad, tmp_path / "bad.yaml")
    with pytest.raises(CatalogError) as refused:
        read_catalog(tmp_path)
    for one in refused.value.diagnostics:
        assert one.help is not None and one.help.zh and one.help.en
        assert re.search(r"[\u4e00-\u9fff]", one.message.zh)
        assert not re.search(r"[\u4e00-\u9fff]", re.sub(r"`[^`]*`", "", one.message.en))
        assert not one.message.en.endswith(".") and not one.message.en[0].isupper()


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    shutil.copy(HERE / "good" / "small.yaml", tmp_path / "small.yaml")
    for name in ("unknown_top_level_key", "missing_english_title", "unquoted_code"):
        shutil.copy(HERE / "bad" / f"{name}.yaml", tmp_path / f"{name}.yaml")
    with pytest.raises(CatalogError) as refused:
        read_catalog(tmp_path)
    assert [one.code for one in refused.value.diagnostics] == ["missing-key", "unknown-key", "key-not-text"]
    assert {one.place.file for one in refused.value.diagnostics} == {
        "missing_english_title.yaml", "unknown_top_level_key.yaml", "unquoted_code.yaml",
    }  # fmt: skip


def test_a_file_that_is_a_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("- spaces\n", encoding="utf-8")
    with pytest.raises(CatalogError) as refused:
        read_catalog(tmp_path)
    assert [one.code for one in refused.value.diagnostics] == ["wrong-value"]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "strange.yaml").write_bytes("funds: {a: {zh: 甲, en: a}}".encode("gb18030"))
    with pytest.raises(CatalogError) as refused:
        read_catalog(tmp_path)
    assert refused.value.diagnostics[0].code == "not-utf8"


@pytest.mark.parametrize("name", ["nothing", "missing"])
def test_a_folder_without_a_catalog_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(CatalogError) as refused:
        read_catalog(tmp_path / name)
    assert refused.value.diagnostics[0].code == "no-catalog"


def test_the_digest_changes_with_every_change_of_a_file(tmp_path: Path) -> None:
    shutil.copy(HERE / "good" / "small.yaml", tmp_path / "small.yaml")
    before = read_catalog(tmp_path).digest
    text = (tmp_path / "small.yaml").read_text(encoding="utf-8")
    (tmp_path / "small.yaml").write_text(text.replace("津贴", "补贴"), encoding="utf-8")
    after = read_catalog(tmp_path)
    assert after.digest != before
    assert after.vocabulary.funds["allowance"].zh == "补贴"


def test_types_of_the_language_come_out_of_the_catalog() -> None:
    attributes = read_catalog(HERE / "good").vocabulary.spaces["citizen"].attributes
    assert attributes["secret"].type == Bool()
    assert attributes["secret"].sensitivity == "sensitive"
    assert attributes["sex"].type == Code("sex")
    assert attributes["savings"].freshness_days == 90 and not attributes["savings"].lasting
    assert attributes["birth_date"].freshness_days is None and attributes["birth_date"].lasting
    assert isinstance(attributes["savings"].type, Number) and attributes["savings"].type.is_money


@pytest.mark.parametrize("bad", BAD, ids=[path.stem for path in BAD])
def test_what_has_not_been_saved_is_refused_as_it_would_be_on_disk(bad: Path, tmp_path: Path) -> None:
    shutil.copy(HERE / "good" / "small.yaml", tmp_path / "small.yaml")
    (tmp_path / "bad.yaml").write_text("funds: {}\n", encoding="utf-8")
    with pytest.raises(CatalogError) as unsaved:
        check_catalog({"bad.yaml": bad.read_text(encoding="utf-8")}, tmp_path)
    shutil.copy(bad, tmp_path / "bad.yaml")
    with pytest.raises(CatalogError) as saved:
        read_catalog(tmp_path)
    assert unsaved.value.diagnostics == saved.value.diagnostics
