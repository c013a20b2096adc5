"""Whatever breaks inside, the answer is a page of the house, with every header, and says nothing of the inside."""

from __future__ import annotations

import logging

import pytest
from fastapi.testclient import TestClient

from notifier.pages import create_app
from notifier.pages.samples import Sample
from policies.policy import Policy
from tests.notifier.town import Town, vocabulary
from tests.pages.conftest import ANNA, KEY, SITE, client_of

HEADERS = ("content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy", "permissions-policy")  # fmt: skip
SECRET = "310115195601011234"


def broken(town: Town) -> TestClient:
    """Return a logged-in client of pages whose policies cannot be read for an unforeseen reason."""

    def fails(version: str) -> Policy:
        raise KeyError(f"nothing for {SECRET}")

    def no_samples() -> list[Sample]:
        return [][1]  # type: ignore[no-any-return]

    town.grant(ANNA)
    app = create_app(
        ledger=town.ledger, vault=town.vault, policies=fails, vocabulary=vocabulary(), catalog=None, key=KEY,
        demo=True, sample_subjects=no_samples,
    )  # fmt: skip
    cookies = client_of(app, ANNA).cookies
    client = TestClient(app, base_url=SITE, follow_redirects=False, headers={"Accept-Language": "zh"})
    client.cookies = cookies
    return client


@pytest.mark.parametrize("path", ["/", "/demo"])
def test_an_unexpected_fault_carries_every_header_and_is_not_kept(town: Town, path: str) -> None:
    answer = broken(town).get(path)
    assert answer.status_code == 500
    assert all(name in answer.headers for name in HEADERS)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("language", "words"), [("zh", "问题出在我们这边"), ("en", "The fault is ours")])
def test_the_page_of_a_fault_is_one_of_the_house_in_both_languages(town: Town, language: str, words: str) -> None:
    answer = broken(town).get("/", params={"lang": language})
    assert "/static/pages.css" in answer.text and words in answer.text
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in answer.text
    for inside in ("Traceback", "KeyError", SECRET, "application.py"):
        assert inside not in answer.text


def test_a_program_gets_a_fault_it_can_read(town: Town) -> None:
    client = broken(town)
    with town.ledger.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE announcement RENAME TO gone")
    answer = client.get("/api/inbox")
    assert answer.status_code in (500, 503)
    assert (
        answer.headers["cache-control"] == "no-store"
        and "default-src 'none'" in answer.headers["content-security-policy"]
    )
    assert answer.json() == {"error": "failed"}


def test_the_log_says_where_it_broke_and_never_about_whom(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        broken(town).get("/")
    (told,) = [record for record in caplog.records if record.name == "mianshen.pages"]
    assert "KeyError" in told.getMessage() and "test_unexpected_faults.py" in told.getMessage()
    assert SECRET not in caplog.text and ANNA not in caplog.text
