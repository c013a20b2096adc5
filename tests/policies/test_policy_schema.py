"""The published JSON Schema accepts every rule file there is, and refuses mistakes of shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from policies.document import read_document, to_plain
from policies.library import rule_files
from policies.schema import SCHEMA_FILE, json_schema, schema_text, to_json_data
from policies.vocabulary import Vocabulary

HERE = Path(__file__).parent
RULES = [*rule_files(SCHEMA_FILE.parent), *sorted((HERE / "good").glob("*.yaml"))]
MISTAKES_OF_SHAPE = [
    "unknown_key",
    "unknown_key_in_condition",
    "missing_key",
    "wrong_type",
    "truth_as_number",
    "unknown_choice",
    "bad_id",
    "empty_condition_list",
]


def _data(path: Path) -> object:
    return to_json_data(to_plain(read_document(path.read_text(encoding="utf-8"), path.name).root))


def test_the_published_schema_is_that_of_the_models() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run python -m policies.schema"


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_rule_file_fits_the_schema(path: Path) -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(_data(path))] == []


@pytest.mark.parametrize("name", MISTAKES_OF_SHAPE)
def test_a_mistake_of_shape_does_not_fit_the_schema(name: str) -> None:
    assert not Draft202012Validator(json_schema()).is_valid(_data(HERE / "bad" / f"{name}.yaml"))


def test_with_a_vocabulary_spaces_and_funds_are_choices(vocabulary: Vocabulary) -> None:
    properties = json_schema(vocabulary)["properties"]
    assert properties["space"] == {"enum": ["citizen", "enterprise", "household"]}
    assert properties["fund"] == {"enum": ["allowance"]}
