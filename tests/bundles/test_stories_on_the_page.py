"""A person's page tells an event as one story: what happened, what was granted, what comes, what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from engine.installation import Installation
from notifier.bundles.stories import stories_of
from notifier.console.bundles import list_bundles, previews
from notifier.console.events import post_events
from notifier.console.failing import EXIT_NEEDS_A_PERSON
from notifier.console.notices import send, show
from notifier.console.speech import Speech
from notifier.pages import create_app, login_link
from notifier.versions import policy_by_version
from profiles.vault import open_vault
from tests.bundles.bundle_town import MORNING, Clock, birth, contact, deliveries, post, routed
from tests.bundles.test_one_event_one_notice import mother_of
from tests.events_road.little_town import MIDDLE, OLD, TODAY, event

SITE, KEY = "https://benefits.test", b"k" * 32


@pytest.fixture
def client(born: Installation) -> Iterator[TestClient]:
    with open_vault(born.home) as vault:
        app = create_app(
            ledger=born.ledger, vault=vault, vocabulary=born.catalog.vocabulary, catalog=born.catalog, key=KEY,
            policies=policy_by_version(born.ledger, born.catalog.vocabulary),
            stories=lambda subject: stories_of(born, subject, TODAY),
        )  # fmt: skip
        yield TestClient(app, base_url=SITE, follow_redirects=False, headers={"Accept-Language": "zh"})


def enter(client: TestClient, subject: str) -> None:
    token = login_link(SITE, KEY, subject).partition("token=")[2]
    assert client.post("/login", data={"token": token}).status_code == 303


def test_the_page_shows_the_event_the_grants_what_comes_and_what_is_missing(
    born: Installation, client: TestClient, clock: Clock
) -> None:
    enter(client, mother_of(born))
    assert 'href="/stories"' in client.get("/").text
    page = client.get("/stories").text
    for words in ("新生儿出生", "2026-11-20", "育儿津贴", "产妇慰问", "4,100", "孩子不满三周岁"):
        assert words in page
    assert "将会有：学前营养餐" in page and "2027-11-20" in page
    assert "只差一项数据：参保奖励" in page and "城乡居民养老保险累计缴费年限" in page
    assert "以一份通知一并告知" not in page
    clock.forward(days=3)
    routed(born)
    page = client.get("/stories").text
    assert "以一份通知一并告知" in page
    assert "Only one fact is missing" in client.get("/stories?lang=en").text


def test_grants_stand_once_in_the_inbox_after_the_combined_notice(
    born: Installation, client: TestClient, clock: Clock
) -> None:
    told = mother_of(born)
    contact(born, told, email="li@example.org")
    clock.forward(days=3)
    routed(born, "page", "email")
    enter(client, told)
    inbox = client.get("/").text
    assert inbox.count("<h2>育儿津贴</h2>") == 1 and "<h2>birth</h2>" not in inbox
    (grant,) = [one.grant for one in stories_of(born, told, TODAY)[0].grants if one.policy == "mother-gift"]
    page = client.get(f"/grants/{grant}").text
    assert "邮件" in page


def test_nobody_sees_another_persons_story(born: Installation, client: TestClient) -> None:
    assert client.get("/stories").status_code == 401
    enter(client, "f" * 32)
    page = client.get("/stories").text
    assert "还没有登记过这样的事件" in page and "育儿津贴" not in page


def test_a_story_names_only_what_can_still_become_a_grant(place: Installation) -> None:
    post(place, birth(mother=MIDDLE[0], sex="1"))
    stories = [one for one in stories_of(place, _father(place), TODAY) if one.bundle == "birth"]
    assert [[grant.policy for grant in one.grants] for one in stories] == [["family-allowance"]]
    assert "insured-gift" in {one.policy for one in stories[0].missing}
    assert "mother-gift" not in {one.policy for one in (*stories[0].coming, *stories[0].missing)}


def _father(place: Installation) -> str:
    with place.ledger.reading() as connection:
        return str(
            connection.exec_driver_sql(
                "select subject from announcement where policy = 'family-allowance'"
            ).scalar_one()
        )


def test_a_death_is_told_quietly_and_never_under_the_name_of_the_dead(place: Installation, clock: Clock) -> None:
    (answer,) = post(place, event("d1", "death", OLD[2], "2026-11-22", household="H000000003", household_size=1))
    dead = next(one.subject for one in answer.granted if one.policy == "farewell-service")
    contact(place, dead, email="old@example.org", phone="13812345678")
    routed(place, "page", "email", "sms")
    assert {row.channel for row in deliveries(place, dead)} == {"page"}
    for story in stories_of(place, dead, TODAY):
        assert story.is_quiet


def test_posting_shows_the_combined_notice_before_anything_is_sent(
    place: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(birth()) + "\n", "utf-8")
    assert (
        post_events(place, file, TODAY, "agency", Speech("zh"), as_json=True) == EXIT_NEEDS_A_PERSON
    )  # a policy is not approved
    (line,) = json.loads(capsys.readouterr().out)["events"]
    (preview,) = line["combined"]
    assert preview["bundle"] == "birth" and preview["count"] == 2
    assert "育儿津贴3,600元、产妇慰问500元" in preview["text"]["zh"] and len(preview["sms"]["zh"]) <= 70
    assert post_events(place, file, TODAY, "agency", Speech("en"), as_json=False) == EXIT_NEEDS_A_PERSON
    assert "one notice (birth, sent from" in capsys.readouterr().out
    with place.ledger.reading() as connection:
        assert connection.exec_driver_sql("select count(*) from delivery").scalar_one() == 0


def test_nothing_is_previewed_where_a_single_thing_was_granted(place: Installation) -> None:
    answers = post(place, birth(mother=MIDDLE[0]))
    assert previews(place, answers) == {}


def test_the_list_of_bundles_says_what_is_ready_and_what_is_wrong(
    born: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list_bundles(born, TODAY, Speech("en"), as_json=True) == 0
    found = {one["id"]: one for one in json.loads(capsys.readouterr().out)["bundles"]}
    states = {one["policy"]: one["state"] for one in found["birth"]["policies"]}
    assert states["family-allowance"] == "ready" and states["later-grant"] == "not-approved"
    assert found["birth"]["ready"] == 4 and found["farewell"]["quiet"] is True
    bad = born.library_folder / "bundles" / "zz.bundle.yaml"
    bad.write_text("id: birth\n", "utf-8")
    try:
        assert list_bundles(born, TODAY, Speech("zh"), as_json=False) == 3
    finally:
        bad.unlink()
    out = capsys.readouterr()
    assert "新生儿出生" in out.out and "zz.bundle.yaml" in out.err


def test_a_story_says_when_the_notice_will_be_sent(born: Installation) -> None:
    (story,) = stories_of(born, mother_of(born), TODAY)
    assert story.send_on == MORNING.date() + timedelta(days=3) and story.told_on is None


def test_sending_says_how_much_waits_for_a_combined_notice(
    born: Installation, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send(born, Speech("en"), as_json=False) == 0
    assert "2 grants wait for their combined notice" in capsys.readouterr().out
    clock.forward(days=3)
    assert send(born, Speech("en"), as_json=False) == 0
    assert "wait for" not in capsys.readouterr().out
    show(born, mother_of(born), Speech("en"), as_json=False)
    assert "one notice" in capsys.readouterr().out
    show(born, mother_of(born), Speech("en"), as_json=True)
    listed = json.loads(capsys.readouterr().out)
    assert [len(one["parts"]) for one in listed if one["kind"] == "combined"] == [2]
