"""The schema for editors accepts the whole library, and names what an author may write in this catalog."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from policies.bundle_model import BundleShape  # noqa: F401 - a shape of its own, met below among the subclasses
from policies.document import read_document, to_plain
from policies.editor_schema import catalog_schema
from policies.key_meanings import MEANINGS
from policies.library import rule_files
from policies.model import Shape
from policies.schema import SCHEMA_FILE, json_schema, to_json_data
from profiles.catalog_reading import read_catalog

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = rule_files(SCHEMA_FILE.parent)
SCHEMA = catalog_schema(read_catalog().vocabulary, ("cn-31-elderly-allowance",))
FULL = Draft202012Validator(catalog_schema(read_catalog().vocabulary))


def _data(path: Path) -> Any:
    return to_json_data(to_plain(read_document(path.read_text(encoding="utf-8"), path.name).root))


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_every_rule_file_fits(path: Path) -> None:
    assert [error.message for error in FULL.iter_errors(_data(path))] == []


@pytest.mark.parametrize(
    ("datum", "value"),
    [("hukou_regoin", "310115"), ("alive", "yes"), ("birth_date", "20 May 1961"), ("age", 65), ("sex", "female")],
)
def test_a_wrong_datum_in_an_example_is_seen_while_writing(datum: str, value: object) -> None:
    rule = _data(SCHEMA_FILE.parent / "cn-31" / "elderly-allowance.yaml")
    rule["examples"][0]["profile"][datum] = value
    assert not FULL.is_valid(rule)


@pytest.mark.parametrize(
    ("key", "value"), [("fund", "no-such-fund"), ("triggers", ["no_such_event"]), ("space", "village")]
)
def test_a_name_that_the_catalog_lacks_is_seen_while_writing(key: str, value: object) -> None:
    rule = _data(SCHEMA_FILE.parent / "cn-31" / "elderly-allowance.yaml") | {key: value}
    assert not FULL.is_valid(rule)


def test_policies_are_choices_where_one_names_another() -> None:
    assert SCHEMA["properties"]["excludes"]["items"] == {"enum": ["cn-31-elderly-allowance"]}
    assert SCHEMA["properties"]["net_of"]["items"] == {"enum": ["cn-31-elderly-allowance"]}


def test_codes_are_offered_with_their_names() -> None:
    choice = SCHEMA["$defs"]["profile_of_citizen"]["properties"]["sex"]["anyOf"][0]
    assert "1" in choice["enum"]
    assert len(choice["enum"]) == len(choice["enumDescriptions"])


def test_every_key_says_what_it_means_in_both_languages() -> None:
    for shape in Shape.__subclasses__():
        keys = {field.alias or name for name, field in shape.model_fields.items()}
        assert keys == set(MEANINGS[shape.__name__]), shape.__name__
    for key, part in json_schema()["properties"].items():
        assert "\n\n" in part["description"], key


def test_the_command_prints_a_schema_that_can_be_sent_to_a_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "--home", str(tmp_path), "policies", "schema", "--catalog"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "profile_of_citizen" in json.loads(done.stdout)["$defs"]
