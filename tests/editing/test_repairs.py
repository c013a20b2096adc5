"""A correction that is offered takes its finding away: tried on every bad file whose remedy names what was meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policies.editing.edited import EditedFile
from policies.editing.insertions import insertion_of
from policies.editing.outline import outline_of
from policies.editing.positions import lines_of
from policies.editing.repairs import Repair, repair_of
from policies.errors import Diagnostic, PolicyError
from policies.library import read_policy_text
from policies.vocabulary import Vocabulary
from profiles.catalog_reading import read_catalog
from tests.policies.conftest import small_vocabulary

VOCABULARY = small_vocabulary()
LIBRARY = Path(__file__).resolve().parents[2] / "policies"
BAD = sorted((Path(__file__).resolve().parents[1] / "policies" / "bad").glob("*.yaml"))


def _findings(text: str, vocabulary: Vocabulary = VOCABULARY) -> tuple[Diagnostic, ...]:
    try:
        read_policy_text(text, vocabulary, "rule.yaml")
    except PolicyError as error:
        return error.diagnostics
    return ()


def _meant(path: Path) -> bool:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return False
    return any(one.help is not None and "did you mean `" in one.help.en for one in _findings(text))


MEANT = [path for path in BAD if _meant(path)]


@pytest.mark.parametrize("path", MEANT, ids=lambda path: path.stem)
def test_a_correction_takes_its_finding_away(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for finding in _findings(text):
        lines = lines_of(text)
        repair = repair_of(finding, lines)
        if finding.help is None or "did you mean `" not in finding.help.en:
            continue
        assert repair is not None, finding.render()
        line, start, end = repair.span.start.line, repair.span.start.column, repair.span.end.column
        lines[line] = lines[line][:start] + repair.text + lines[line][end:]
        left = {(one.code, one.message) for one in _findings("\n".join(lines))}
        assert (finding.code, finding.message) not in left


def _edited(text: str, repair: Repair) -> str:
    lines = lines_of(text)
    line, start, end = repair.span.start.line, repair.span.start.column, repair.span.end.column
    lines[line] = lines[line][:start] + repair.text + lines[line][end:]
    return "\n".join(lines)


# Bad file -> what is written so that a finding of it goes away.
WRITTEN = {
    "a_ceiling_without_a_span": "within:",
    "date_in_quotes": "2020-01-01",
    "one_equals_sign": "==",
    "wrong_type": '"310000"',
}


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_what_is_written_takes_its_finding_away(path: Path) -> None:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return
    written = []
    for finding in _findings(text):
        repair = insertion_of(finding, EditedFile(text, "rule.yaml"))
        if repair is not None:
            written.append(repair.text.strip("\n, "))
            after = _findings(_edited(text, repair))
            assert (finding.code, finding.message) not in {(one.code, one.message) for one in after}, repair
            assert "not-yaml" not in {one.code for one in after}, repair
    assert path.stem not in WRITTEN or WRITTEN[path.stem] in written, written


@pytest.mark.parametrize("key", ["id", "title", "space", "in_force", "benefit", "notice", "eligibility"])
def test_a_key_that_has_been_left_out_is_put_where_the_model_has_it(key: str) -> None:
    rule = (LIBRARY / "cn-31" / "elderly-allowance.yaml").read_text("utf-8")
    outline = outline_of(rule)
    keys = list(outline.keys(()))
    places = [entry.key.start.line for entry in outline.below[()] if entry.key is not None]
    first = places[keys.index(key)]
    last = [*places, len(outline.lines)][keys.index(key) + 1]
    text = "\n".join([*outline.lines[:first], *outline.lines[last:]])
    (finding,) = [one for one in _findings(text) if one.code == "missing-key"]
    repair = insertion_of(finding, EditedFile(text, "rule.yaml"))
    assert repair is not None
    after = outline_of(_edited(text, repair))
    assert set(after.keys(())) == set(keys)
    assert [one for one in after.keys(()) if one != key] == [one for one in keys if one != key]


@pytest.mark.parametrize(
    ("plain", "typed"),
    [
        ("space: citizen", "space：citizen"),
        ("age_in_month >= minimum_age", "age_in_month ≥ minimum_age"),
        ("age_in_month >= minimum_age", "age_in_month >=\u3000minimum_age"),
        ("age_in_month >= minimum_age", "age_in_month ＞= minimum_age"),
        ('within(hukou_region, "31")', 'within(hukou_region， "31")'),
        ('within(hukou_region, "31")', 'within（hukou_region, "31"）'),
        ("{2016-05-01: 65}", "{2016-05-01: 65岁}"),
        ("when: alive", "when: alive and yuan(10000) > yuan(5)"),
        ("when: alive", "when: alive and yuan(1万) > yuan(5)"),
        ("when: alive", "when: alive and yuan(60,000元) > yuan(5)"),
        ("when: alive", "when: alive and 5 < 1e3"),
    ],
)
def test_what_a_chinese_keyboard_or_a_habit_writes_is_corrected(plain: str, typed: str) -> None:
    """As many corrections as there are signs, one after the other, and the rule is a rule."""
    text = (LIBRARY / "cn-31" / "elderly-allowance.yaml").read_text(encoding="utf-8")
    assert plain in text
    text, vocabulary = text.replace(plain, typed, 1), read_catalog().vocabulary
    for _ in range(4):
        found = _findings(text, vocabulary)
        if not found:
            break
        repairs = [one for one in (insertion_of(each, EditedFile(text, "rule.yaml")) for each in found) if one]
        assert repairs, found[0].render()
        text = _edited(text, repairs[0])
    assert _findings(text, vocabulary) == ()


@pytest.mark.parametrize(
    "left", [[], ["sensitive: {}"], ["sensitive: {tekun: to exclude}"], ["sensitive:", "  tekun: to exclude"]]
)
def test_a_place_for_the_purpose_of_sensitive_data_is_made(left: list[str]) -> None:
    """The purpose itself is the author's: what is written says where it belongs."""
    text = (LIBRARY / "cn" / "disabled-care-allowance.yaml").read_text(encoding="utf-8")
    places = [one.value for one in outline_of(text).below[("sensitive",)] if one.value is not None]
    lines = lines_of(text)
    del lines[places[0].start.line - 1 : places[-1].end.line + 1]
    text = "\n".join([*lines, *left])
    vocabulary = read_catalog().vocabulary
    seen: list[str] = []
    for _ in range(5):
        found = [one for one in _findings(text, vocabulary) if one.code == "sensitive-not-declared"]
        repairs = [insertion_of(one, EditedFile(text, "rule.yaml")) for one in found]
        if not repairs:
            break
        assert repairs[0] is not None
        seen.append(repairs[0].text)
        text = _edited(text, repairs[0]).replace(": }", ": a test}").replace(": , ", ": a test, ")
        text = re.sub(r"(?m)^  disability_(\w+): $", r"  disability_\1: a test", text)
    assert seen and "sensitive-not-declared" not in {one.code for one in _findings(text, vocabulary)}


def test_there_are_corrections_to_try() -> None:
    assert len(MEANT) >= 12


def test_a_finding_that_does_not_say_what_was_meant_has_no_correction() -> None:
    text = (Path(__file__).resolve().parents[1] / "policies" / "bad" / "unit_mismatch.yaml").read_text(encoding="utf-8")
    (finding,) = _findings(text)
    assert repair_of(finding, lines_of(text)) is None


def test_nothing_is_corrected_where_the_text_has_been_changed_meanwhile() -> None:
    text = (Path(__file__).resolve().parents[1] / "policies" / "bad" / "unknown_attribute.yaml").read_text(
        encoding="utf-8"
    )
    (finding,) = _findings(text)
    assert repair_of(finding, lines_of(text)) is not None
    assert finding.place.line is not None
    lines = lines_of(text)
    lines[finding.place.line - 1] = "    - alive"
    assert repair_of(finding, lines) is None
    assert repair_of(finding, lines[:2]) is None
