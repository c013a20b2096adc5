"""The library's own national rules with local values: who has set them, and that their examples hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.installation import LIBRARY
from engine.interpreter import decide
from policies.examples import run_examples
from policies.library import overlay_files, read_library
from profiles.catalog_reading import read_catalog

VOCABULARY = read_catalog().vocabulary
POLICIES = read_library(LIBRARY, VOCABULARY).policies
WITH_PLACES = {name: policy for name, policy in POLICIES.items() if policy.overlays}


def test_several_national_rules_are_set_by_three_places_and_more() -> None:
    places = {name: {one.region for one in policy.overlays} for name, policy in WITH_PLACES.items()}
    assert len([name for name, regions in places.items() if len(regions) >= 3]) >= 4
    assert sum(len(policy.overlays) for policy in WITH_PLACES.values()) == len(overlay_files(LIBRARY))


@pytest.mark.parametrize("name", sorted(WITH_PLACES))
def test_every_place_has_a_name_an_example_and_a_folder_of_its_province(name: str) -> None:
    policy = WITH_PLACES[name]
    with_examples = {example.place.file for example in policy.examples}
    for one in policy.overlays:
        assert one.name is not None
        assert one.file in with_examples, one.file
        assert Path(one.file).parent.name == f"cn-{one.region[:2]}", one.file


@pytest.mark.parametrize("name", sorted(WITH_PLACES))
def test_every_example_of_a_place_comes_out_as_it_says(name: str) -> None:
    results = run_examples(WITH_PLACES[name], VOCABULARY, decide)
    wrong = [one for one in results if not one.passed]
    assert not wrong, [(str(one.place), one.name, one.expected.en, one.found.en) for one in wrong]
