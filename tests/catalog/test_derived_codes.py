"""A derived attribute may choose between codes of its set; a code that the set lacks is named when the rule is checked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.errors import PolicyError
from policies.library import read_policy_text
from policies.policy import Policy
from policies.types import Code
from policies.vocabulary import Vocabulary
from profiles.catalog_reading import read_catalog

VOCABULARY = read_catalog().vocabulary


def _with_size_class(derivation: str) -> Vocabulary:
    space = VOCABULARY.spaces["enterprise"]
    changed = replace(space.attributes["size_class"], derivation=derivation)
    space = replace(space, attributes={**space.attributes, "size_class": changed})
    return replace(VOCABULARY, spaces={**VOCABULARY.spaces, "enterprise": space})


def _policy(condition: str, vocabulary: Vocabulary) -> Policy:
    text = f"""id: derived-codes
title: {{zh: 划型, en: size class}}
space: enterprise
author: desk
authority: 统计局
basis: [{{document: 国统字〔2017〕213号}}]
region: "000000"
in_force: {{from: 2018-01-01}}
delivery: notify
period: year
schedule: "0 1 1 1 *"
eligibility: {{all: ['{condition}']}}
benefit: {{kind: qualification}}
notice: {{granted: {{zh: 划型, en: size class}}}}
"""
    return read_policy_text(text, vocabulary)


@pytest.mark.parametrize(
    "derivation",
    [
        '"L"',
        '"L" if active else "S"',
        '"L" if active else insured_size_class',
        '"L" if active else "M" if private else "XS"',
    ],
)
def test_a_choice_of_codes_is_a_code(derivation: str) -> None:
    policy = _policy("size_class in sme", _with_size_class(derivation))
    assert policy.eligibility.children[0].expression is not None


def test_a_code_that_the_set_lacks_is_named_with_the_attribute() -> None:
    with pytest.raises(PolicyError) as refused:
        _policy("size_class in sme", _with_size_class('"L" if active else "XL"'))
    (found,) = refused.value.diagnostics
    assert found.code == "unknown-code"
    assert "XL" in found.message.en and "size_class" in found.message.en


def test_a_code_of_another_set_is_no_size_class() -> None:
    with pytest.raises(PolicyError) as refused:
        _policy("size_class in sme", _with_size_class("industry"))
    assert refused.value.diagnostics[0].code == "derived-type"


def test_the_attributes_that_are_worked_out_need_no_delivery_and_keep_their_code_sets() -> None:
    attributes = VOCABULARY.spaces["enterprise"].attributes
    for name in ("size_class", "size_sector"):
        assert attributes[name].derivation and not attributes[name].source
        assert attributes[name].type == Code(name)
    assert attributes["insured_size_class"].type == Code("size_class")
    assert attributes["insured_size_class"].source == "enterprise_insurance"
