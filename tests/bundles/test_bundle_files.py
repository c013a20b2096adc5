"""A bundle file with a mistake is refused with its line and what to do; the shipped ones are right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from engine.installation import Installation
from notifier.bundles.combined import CombinedNotice, Part
from notifier.bundles.shelf import bundles_of, reaches, standing_of
from notifier.bundles.texts import body_text, sms_text, subject_line, told_parts
from notifier.sms_conventions import is_sensitive, violations
from policies.bundles import Bundle, EventReach, read_bundle, read_bundles
from policies.document import read_document, to_plain
from policies.errors import PolicyError
from policies.library import Library, read_library, rule_files
from policies.schema import BUNDLE_SCHEMA_FILE, bundle_schema, bundle_schema_text, to_json_data
from policies.text import Language
from profiles.catalog_reading import read_catalog
from profiles.home import Home
from tests.bundles.bundle_town import BIRTH, FAREWELL

CATALOG = read_catalog()
SHIPPED = Path(__file__).resolve().parents[2] / "policies"
EVENTS = reaches(CATALOG)
SPACES = {
    **dict.fromkeys(
        ("family-allowance", "mother-gift", "later-grant", "child-meal", "insured-gift", "care-grant"), "citizen"
    ),
    "household-relief": "household", "farewell-service": "citizen", "levy": "enterprise",
}  # fmt: skip

# What is changed in a good file -> code of the finding, line, and a word of the remedy.
MISTAKES: Mapping[str, tuple[str, str, str, str, int, str]] = {
    "an unknown event": (BIRTH, "events: [birth]", "events: [birht]", "unknown-event", 4, "`birth`"),
    "an event twice": (BIRTH, "events: [birth]", "events: [birth, birth]", "duplicate", 4, "delete"),
    "no event": (BIRTH, "events: [birth]", "events: []", "empty", 4, ""),
    "an unknown policy": (BIRTH, "policy: mother-gift", "policy: mother-gifts", "unknown-policy", 8, "`mother-gift`"),
    "a policy twice": (BIRTH, "policy: mother-gift", "policy: family-allowance", "duplicate", 8, "delete"),
    "a policy about others": (BIRTH, "policy: mother-gift", "policy: levy", "policy-of-another-space", 8, "citizen"),
    "no english": (BIRTH, ", en: the child is under three", "", "missing-key", 7, ""),
    "an empty text": (BIRTH, "en: A child is born", "en: ''", "empty", 2, ""),
    "an unknown key": (BIRTH, "within_days: 3", "within_day: 3", "unknown-key", 5, "`within_days`"),
    "a window too long": (BIRTH, "within_days: 3", "within_days: 90", "wrong-type", 5, ""),
    "a window before the event": (BIRTH, "within_days: 3", "within_days: -1", "wrong-type", 5, ""),
    "an unknown placeholder": (BIRTH, "{total}元", "{sum}元", "unknown-placeholder", 14, "{total}"),
    "no list": (BIRTH, "：{policies}。", "。", "policies-not-named", 14, "{policies}"),
    "a loud death": (FAREWELL, "quiet: true\n", "", "not-quiet", 4, "quiet: true"),
    "glad words": (FAREWELL, "有关登记已完成", "恭喜您，有关登记已完成", "glad-words", 11, "plain"),
    "one policy only": (
        FAREWELL, "\n  - {policy: farewell-service, because: {zh: 登记同步, en: the registers are informed}}", "",
        "nothing-to-combine", 7, "add a policy",
    ),
    "a line twice": (BIRTH, "author: zhou\n", "author: zhou\nauthor: li\n", "duplicate-key", 4, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_shown_where_it_is_with_what_to_do(name: str, tmp_path: Path) -> None:
    text, old, new, code, line, remedy = MISTAKES[name]
    assert text.count(old) >= 1
    file = tmp_path / "one.bundle.yaml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(PolicyError) as caught:
        read_bundle(file, EVENTS, SPACES)
    found = caught.value.diagnostics[0]
    assert (found.code, found.place.line) == (code, line), found
    assert found.place.file == str(file) and found.place.column is not None
    assert found.message.zh != found.message.en
    if remedy:
        assert found.help is not None and remedy.strip("{}") in found.help.en


@pytest.mark.parametrize("text", [BIRTH, FAREWELL], ids=["birth", "farewell"])
def test_a_good_file_is_read_and_its_version_is_the_hash_of_its_text(text: str, tmp_path: Path) -> None:
    file = tmp_path / "one.bundle.yaml"
    file.write_text(text, "utf-8")
    bundle = read_bundle(file, EVENTS, SPACES)
    file.write_text(text + "# a remark\n", "utf-8")
    assert read_bundle(file, EVENTS, SPACES).version != bundle.version
    assert bundle.text == text and bundle.policies


def test_two_bundles_of_one_id_are_told_and_the_first_counts(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.bundle.yaml").write_text(BIRTH, "utf-8")
    found = read_bundles(tmp_path, EVENTS, SPACES)
    assert list(found.bundles) == ["birth"]
    assert [error.diagnostics[0].code for error in found.errors] == ["duplicate-bundle"]


def test_a_bad_file_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.bundle.yaml").write_text(BIRTH.replace("[birth]", "[bith]"), "utf-8")
    (tmp_path / "b.bundle.yaml").write_text(FAREWELL, "utf-8")
    (tmp_path / "c.bundle.yaml").write_bytes(b"\xff\xfe\x00")
    found = read_bundles(tmp_path, EVENTS, SPACES)
    assert list(found.bundles) == ["farewell"] and len(found.errors) == 2


def test_bundles_are_no_rule_files_and_rule_files_are_no_bundles() -> None:
    assert not [path for path in rule_files(SHIPPED) if "bundle" in path.name]
    assert library().errors == ()


@cache
def library() -> Library:
    return read_library(SHIPPED, CATALOG.vocabulary)


def shipped() -> Mapping[str, Bundle]:
    spaces = {name: one.space for name, one in library().policies.items()}
    found = read_bundles(SHIPPED, EVENTS, spaces)
    assert found.errors == ()
    return found.bundles


def test_there_is_a_bundle_for_every_event_of_a_life_that_was_asked_for() -> None:
    assert set(shipped()) == {
        "birth", "retirement", "unemployment", "graduation", "bereavement", "company-founding",
        "high-tech-recognition",
    }  # fmt: skip


def test_shipped_bundles_about_a_loss_are_quiet_and_leave_hardship_unnamed() -> None:
    policies = library().policies
    for bundle in shipped().values():
        for line in bundle.policies:
            title = policies[line.policy].title
            of_people = policies[line.policy].space != "enterprise"
            if of_people and (is_sensitive(title.zh) or is_sensitive(title.en)):
                assert line.is_private, (bundle.id, line.policy)
    assert shipped()["bereavement"].is_quiet and shipped()["unemployment"].is_quiet


def test_no_shipped_text_holds_a_link_or_asks_for_a_code() -> None:
    for bundle in shipped().values():
        for words in (bundle.title, bundle.notice, bundle.next, bundle.to_do):
            for text in (words.zh, words.en) if words else ():
                assert not {"link", "request"} & set(violations(text, "某市民政")), (bundle.id, text)


def test_the_published_schema_is_that_of_the_reader_and_takes_the_shipped_files() -> None:
    assert BUNDLE_SCHEMA_FILE.read_text("utf-8") == bundle_schema_text()
    schema = bundle_schema(tuple(EVENTS), tuple(library().policies))
    for path in sorted(SHIPPED.rglob("*.bundle.yaml")):
        plain = to_json_data(to_plain(read_document(path.read_text("utf-8"), str(path)).root))
        jsonschema.validate(plain, schema)
        jsonschema.validate(plain, json.loads(BUNDLE_SCHEMA_FILE.read_text("utf-8")))


def test_only_a_death_ends_a_life() -> None:
    assert [name for name, one in EVENTS.items() if one.ends_life] == ["death"]
    assert EVENTS["birth"] == EventReach(frozenset({"citizen", "household"}))


def test_the_bundles_of_an_installation_are_those_of_its_library(place: Installation) -> None:
    assert list(bundles_of(place).bundles) == ["birth", "farewell"]


@pytest.mark.parametrize("name", sorted(shipped()))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_shipped_bundle_fits_an_sms_and_leaves_no_brace_in_its_texts(name: str, language: Language) -> None:
    bundle, policies = shipped()[name], library().policies
    for amounts in ([None] * 9, [7, 123_456_789_00] * 5):
        parts = tuple(
            Part("a", "g", one.policy, policies[one.policy].version, "", "2026-11", amount, "approved")
            for one, amount in zip(bundle.policies, amounts, strict=False)
        )
        notice = CombinedNotice(bundle.id, bundle.version, 1, bundle.events[0], date(2026, 11, 20), parts)
        told = told_parts(bundle, notice, {one.version: one for one in policies.values()}.__getitem__)
        text = sms_text(bundle, told, "某市政务服务数据局", "欧阳某某", language)
        assert violations(text, "某市政务服务数据局") == []
        line, body = subject_line(bundle, told, language), body_text(bundle, notice, told, language, "欧阳某某")
        assert "{" not in text + line + body and "欧阳某某" not in body
        if bundle.is_quiet:
            assert bundle.title.in_language(language) not in text + line
        for one in told:
            if not one.is_named:
                assert one.policy.title.in_language(language) not in text + line + body


def test_a_policy_whose_grants_are_told_to_a_household_is_listed_as_told_apart(tmp_path: Path) -> None:
    installation = Installation(Home(tmp_path / "home"))
    found = {}
    for name, bundle in bundles_of(installation).bundles.items():
        lines = standing_of(
            installation.ledger, installation.catalog, installation.library.policies, bundle, date(2026, 11, 22)
        )
        found[name] = {line.policy: line.apart.en for line in lines if line.apart is not None}
    told_to_a_person = {
        id for id, policy in installation.library.policies.items() if policy.space != "household" or policy.payee
    }
    assert not any(set(lines) & told_to_a_person for lines in found.values())
    apart = {policy for lines in found.values() for policy in lines}
    assert apart == {
        one.policy
        for bundle in bundles_of(installation).bundles.values()
        for one in bundle.policies
        if one.policy not in told_to_a_person
    }
    installation.ledger.close()
