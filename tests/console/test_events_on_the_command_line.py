"""What somebody who posts events by hand, or by a nightly script, can rely on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from profiles.identity import resident_check_character
from tests.console.conftest import DAY, City


def number(region: str, born: str, sequence: int) -> str:
    body = f"{region}{born}{sequence:03d}"
    return body + resident_check_character(body)


@pytest.fixture
def own_city(city: City, tmp_path: Path) -> City:
    """A copy: what is posted here is nobody else's business."""
    shutil.copytree(city.home, tmp_path / "home")
    return City(tmp_path / "home")


@pytest.fixture
def mother(city: City) -> str:
    (file,) = (city.home / "extracts").glob("population-*.csv")
    rows = file.read_text("gb18030").splitlines()[1:]
    for row in rows:
        person, _, born, sex, state, *_ = row.split(",")
        if (
            born.startswith("19")
            and sex == "女"
            and state in ("正常", "在世")
            and person[-1] == resident_check_character(person[:17])
        ):
            return person
    raise AssertionError("the city has no such person")


def birth(key: str, mother: str, sequence: int) -> dict[str, object]:
    child = number("310115", DAY.replace("-", ""), sequence)
    data = {"child": child, "hukou_region": "310115", "lawful_birth": True}
    return {"key": key, "kind": "birth", "subject": mother, "occurred_on": DAY, "data": data}


def test_good_events_are_granted_and_bad_ones_named_with_their_place(own_city: City, mother: str) -> None:
    file = own_city.home.parent / "events.jsonl"
    lines = [json.dumps(birth("k1", mother, 1)), "{", json.dumps({**birth("k2", mother, 2), "kind": "brith"})]
    file.write_text("\n".join(lines), "utf-8")
    answer = own_city.call("events", "post", str(file), "--on", DAY)
    assert answer.code == 11
    assert "National childcare subsidy 2026 3,600.00" in answer.out
    assert "3 events (applied 1, refused 2); 1 new grants, 3,600.00 yuan" in answer.out
    assert f"{file}:2: error[event-not-json]" in answer.problems
    assert f"{file}:3: error[event-unknown-kind]" in answer.problems and "did you mean `birth`?" in answer.problems
    assert mother not in answer.out + answer.problems
    again = own_city.json("events", "list")
    assert [one["key"] for one in again] == ["k1"]
    refused = own_city.call("events", "list", "--refused")
    assert "event-unknown-kind" in refused.out


def test_json_tells_what_the_lines_tell_and_the_second_time_is_like_the_first(own_city: City, mother: str) -> None:
    file = own_city.home.parent / "one.json"
    file.write_text(json.dumps([birth("k1", mother, 1)]), "utf-8")
    first = own_city.json("events", "post", str(file), "--on", DAY)
    second = own_city.json("events", "post", str(file), "--on", DAY)
    assert first["counts"] == second["counts"] == {"applied": 1}
    assert first["events"][0]["granted"] == second["events"][0]["granted"] != []
    assert (first["events"][0]["again"], second["events"][0]["again"]) == (False, True)


def test_every_kind_is_taught_with_an_example_that_only_lacks_real_people(own_city: City) -> None:
    kinds = own_city.json("events", "kinds")
    assert {"birth", "death", "move", "hire", "layoff", "certificate", "reclassification"} <= {
        one["kind"] for one in kinds
    }
    file = own_city.home.parent / "examples.json"
    file.write_text(json.dumps([one["example"] for one in kinds]), "utf-8")
    answer = json.loads(own_city.call("events", "post", str(file), "--on", DAY, "--json").out)
    # Well formed throughout: nothing is refused but for the people, who do not exist.
    assert {one.get("code", "taken") for one in answer["events"]} <= {"event-unknown-subject", "taken"}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("events", "post", "nowhere.jsonl"), 6, "nowhere.jsonl"),
        (("events", "kinds", "brith"), 11, "there is no kind of event `brith`"),
        (("events", "token", "nobody", "--by", "zhao"), 2, "assigns no kind of event to `nobody`"),
        (("events", "token", "nobody", "--by", "zhao", "--revoke"), 2, "`nobody` has no token"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(city: City, arguments: tuple[str, ...], code: int, told: str) -> None:
    answer = city.call(*arguments)
    assert answer.code == code
    assert told in answer.problems and "help:" in answer.problems


def test_a_token_is_shown_once_and_nothing_of_it_is_kept(own_city: City) -> None:
    made = own_city.call("events", "token", "health", "--by", "zhao")
    token = made.out.strip()
    assert made.code == 0 and token.startswith("mianshen-event-") and "birth" in made.problems
    for file in own_city.home.rglob("*"):
        if file.is_file():
            assert token.encode() not in file.read_bytes(), file
