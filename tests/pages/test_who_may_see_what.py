"""Nobody sees another person's page; a link opens once; what is shown is shown safely."""

from __future__ import annotations

import pytest

from notifier.pages import login_link
from notifier.routing import route
from tests.notifier.town import RULE, Town, open_town
from tests.pages.conftest import ANNA, BEN, KEY, SITE, application, client_of

OPEN, LOGIN, HIDDEN = 200, 401, 404


@pytest.mark.parametrize(
    ("method", "path", "nobody", "other", "owner"),
    [
        ("GET", "/", LOGIN, OPEN, OPEN),
        ("GET", "/grants/{grant}", LOGIN, HIDDEN, OPEN),
        ("GET", "/grants/unknown", LOGIN, HIDDEN, HIDDEN),
        ("GET", "/contacts", LOGIN, OPEN, OPEN),
        ("GET", "/ahead", LOGIN, OPEN, OPEN),
        ("GET", "/api/inbox", LOGIN, OPEN, OPEN),
        ("GET", "/healthz", OPEN, OPEN, OPEN),
        ("GET", "/login", 403, 403, 403),
        ("GET", "/login?token=forged", 403, 403, 403),
        ("POST", "/login", 403, 403, 403),
        ("GET", "/demo", HIDDEN, HIDDEN, HIDDEN),
        ("POST", "/demo", HIDDEN, HIDDEN, HIDDEN),
        ("GET", "/docs", HIDDEN, HIDDEN, HIDDEN),
        ("GET", "/openapi.json", HIDDEN, HIDDEN, HIDDEN),
        ("GET", "/static/../application.py", HIDDEN, HIDDEN, HIDDEN),
    ],
)
def test_every_page_opens_to_whom_it_belongs(
    town: Town, method: str, path: str, nobody: int, other: int, owner: int
) -> None:
    number, app = town.grant(ANNA), application(town)
    for subject, expected in ((None, nobody), (BEN, other), (ANNA, owner)):
        answer = client_of(app, subject).request(method, path.replace("{grant}", number))
        assert answer.status_code == expected
        if subject != ANNA:
            assert "150元" not in answer.text and "浦东" not in answer.text


def test_the_payee_sees_what_is_paid_to_them_for_somebody_else(town: Town) -> None:
    number, app = town.grant(ANNA, payee=BEN), application(town)
    assert client_of(app, BEN).get(f"/grants/{number}").status_code == 200
    assert "老年综合津贴" in client_of(app, BEN).get("/").text


def test_a_link_opens_once(town: Town) -> None:
    app = application(town)
    link = login_link(SITE, KEY, ANNA)
    token = link.partition("token=")[2]
    first = client_of(app)
    for _ in range(3):  # a mail scanner looks at the link; that does not use it up
        assert first.get(link.removeprefix(SITE)).status_code == 200
    assert first.post("/login", data={"token": token}).status_code == 303
    assert first.get("/").status_code == 200
    second = client_of(app)
    assert second.post("/login", data={"token": token}).status_code == 403
    assert second.get("/").status_code == 401


def test_links_and_sessions_of_another_key_or_purpose_open_nothing(town: Town) -> None:
    app = application(town)
    foreign = login_link(SITE, b"x" * 32, ANNA).partition("token=")[2]
    assert client_of(app).post("/login", data={"token": foreign}).status_code == 403
    client = client_of(app)
    client.cookies.set("mianshen_session", login_link(SITE, KEY, ANNA).partition("token=")[2])
    assert client.get("/").status_code == 401


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(town: Town) -> None:
    token = login_link(SITE, KEY, ANNA).partition("token=")[2]
    answer = client_of(application(town)).post("/login", data={"token": token})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "secure" in cookie


def test_leaving_ends_the_session(town: Town) -> None:
    client = client_of(application(town), ANNA)
    assert client.post("/logout").status_code == 200
    assert client.get("/").status_code == 401


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.test"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}]
)
def test_a_form_of_another_site_is_refused(town: Town, headers: dict[str, str]) -> None:
    token = login_link(SITE, KEY, ANNA).partition("token=")[2]
    client = client_of(application(town))
    assert client.post("/login", data={"token": token}, headers=headers).status_code == 403
    assert client.post("/login", data={"token": token}, headers={"Origin": SITE}).status_code == 303


def test_every_answer_carries_the_headers_and_nothing_personal_is_kept(town: Town) -> None:
    client = client_of(application(town), ANNA)
    for path in ("/", "/healthz", "/nowhere", "/static/pages.css", "/api/inbox"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert (headers["cache-control"] == "no-store") != path.startswith("/static")


def test_the_explanation_stands_on_the_page_in_both_languages(town: Town) -> None:
    number = town.grant(ANNA)
    route(town.ledger, lambda subjects: {})
    client = client_of(application(town), ANNA)
    chinese = client.get(f"/grants/{number}").text
    for words in (
        "本市户籍",
        "某府发〔2016〕24号 第二条",
        "浦东新区",
        "2026-11-18",
        "符合",
        "还不清楚",
        "150.00元",
        "✓",
        "?",
        "已送达",
    ):
        assert words in chinese
    english = client.get(f"/grants/{number}?lang=en").text
    for words in ("registered in this city", "Pudong", "holds", "not known", "150.00 yuan", 'lang="en"'):
        assert words in english
    assert "registered in this city" in client.get(f"/grants/{number}").text  # the choice is kept
    assert "<script" not in chinese + english


def test_the_inbox_is_also_there_for_machines(town: Town) -> None:
    number = town.grant(ANNA)
    (notice,) = client_of(application(town), ANNA).get("/api/inbox").json()["notices"]
    assert (notice["grant"], notice["amount"], notice["period"]) == (number, 15_000, "2026-11")
    assert client_of(application(town)).get("/api/inbox").json() == {"error": "login-needed"}


def test_who_looked_up_the_contact_is_shown_to_its_owner_only(town: Town) -> None:
    town.contact(ANNA, phone="13812345678")
    town.vault.contact(ANNA, "notifier", "delivery of a notice")
    app = application(town)
    assert "delivery of a notice" in client_of(app, ANNA).get("/contacts").text
    assert "delivery of a notice" not in client_of(app, BEN).get("/contacts").text
    assert "13812345678" not in client_of(app, ANNA).get("/contacts").text


def test_hostile_texts_are_shown_as_texts(tmp_path) -> None:  # type: ignore[no-untyped-def]
    hostile = "<script>alert(1)</script>\\\"'><img src=x onerror=alert(2)>{{7*7}}"
    text = RULE.replace("本市户籍", hostile).replace("zh: 老年综合津贴,", f'zh: "{hostile}",')
    text = text.replace("says: {zh: " + hostile, 'says: {zh: "' + hostile + '"')
    town = open_town(tmp_path, text)
    number = town.grant(ANNA)
    client = client_of(application(town), ANNA)
    for page in (client.get("/").text, client.get(f"/grants/{number}").text):
        assert "<script" not in page and "<img src=x" not in page
        assert "&lt;script&gt;" in page and "{{7*7}}" in page
    for path in ("/grants/%3Cscript%3E", "/?lang=%22%3E%3Cscript%3E", "/login?token=%22%3E%3Cscript%3E"):
        assert "<script" not in client.get(path).text
    town.vault.close()
    town.ledger.close()


def test_a_grant_that_cannot_be_explained_still_shows_what_was_recorded(town: Town) -> None:
    number = town.grant(ANNA)
    with town.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE \"grant\" SET version = 'gone'")
    page = client_of(application(town), ANNA).get(f"/grants/{number}")
    assert page.status_code == 200 and "hukou_region" in page.text and "150" in page.text


def test_the_demonstration_opens_the_samples_and_nobody_else(town: Town) -> None:
    town.grant(ANNA)
    app = application(town, demo=True)
    client = client_of(app)
    assert ANNA in client.get("/demo").text
    assert client.post("/demo", data={"subject": BEN}).status_code == 404
    assert client.post("/demo", data={"subject": ANNA}).status_code == 303
    assert "老年综合津贴" in client.get("/").text
