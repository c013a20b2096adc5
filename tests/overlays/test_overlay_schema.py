"""The published JSON Schema of overlays accepts every overlay there is, and refuses mistakes of shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.installation import LIBRARY
from policies.document import read_document, to_plain
from policies.editor_schema import catalog_overlay_schema
from policies.library import overlay_files, read_library
from policies.schema import OVERLAY_SCHEMA_FILE, overlay_schema, overlay_schema_text, to_json_data
from profiles.catalog_reading import read_catalog
from tests.overlays.conftest import RULES

OVERLAYS = [*overlay_files(OVERLAY_SCHEMA_FILE.parent), *overlay_files(RULES)]
BAD = Path(__file__).parent / "bad"


def _data(path: Path) -> object:
    return to_json_data(to_plain(read_document(path.read_text(encoding="utf-8"), path.name).root))


def test_the_published_schema_is_that_of_the_models() -> None:
    assert OVERLAY_SCHEMA_FILE.read_text(encoding="utf-8") == overlay_schema_text(), "run python -m policies.schema"
    Draft202012Validator.check_schema(overlay_schema())


@pytest.mark.parametrize("path", OVERLAYS, ids=lambda path: f"{path.parent.name}-{path.name.split('.')[0]}")
def test_every_overlay_fits_the_schema(path: Path) -> None:
    schema = json.loads(OVERLAY_SCHEMA_FILE.read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(_data(path))] == []


@pytest.mark.parametrize(
    "name", ["misspelt_key", "no_author", "a_key_of_rules", "a_region_that_is_none", "no_value_at_all"]
)
def test_a_mistake_of_shape_does_not_fit_the_schema(name: str) -> None:
    assert not Draft202012Validator(overlay_schema()).is_valid(_data(BAD / f"{name}.overlay.yaml"))


@pytest.fixture(scope="module")
def of_the_library() -> Draft202012Validator:
    vocabulary = read_catalog().vocabulary
    schema = catalog_overlay_schema(vocabulary, read_library(LIBRARY, vocabulary).policies)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_schema_with_the_catalog_takes_every_overlay_of_the_library(of_the_library: Draft202012Validator) -> None:
    overlays = overlay_files(LIBRARY)
    assert len(overlays) >= 24
    for path in overlays:
        assert [error.message for error in of_the_library.iter_errors(_data(path))] == [], path.name


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("overlays: cn-unemployment-benefit", "overlays: cn-31-elderly-allowance"),
        ("  standard:", "  no_such_parameter:"),
        ("  standard: {2025-01-01: 2175}", "  standard: 2175"),
        ("unemployment_status: none", "unemployment_status: retired"),
        ("alive: true", "age: 30"),
    ],
)
def test_what_the_rule_has_not_opened_is_seen_while_writing(
    before: str, after: str, of_the_library: Draft202012Validator, tmp_path: Path
) -> None:
    text = (LIBRARY / "cn-31" / "unemployment-benefit.overlay.yaml").read_text(encoding="utf-8")
    path = tmp_path / "a.overlay.yaml"
    path.write_text(text.replace(before, after), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    assert not of_the_library.is_valid(_data(path))
