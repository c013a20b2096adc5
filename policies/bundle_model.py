"""What a bundle file may hold: a life event, the policies that follow from it, and the words of their one notice."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from policies.model import POLICY_ID, BothLanguages, Name, PolicyId, Shape, Words

BundleId = Annotated[str, StringConstraints(pattern=rf"^{POLICY_ID}$", max_length=60)]


class BundlePolicyShape(Shape):
    """One policy of a bundle; `private`: the combined notice counts it and does not name it."""

    policy: PolicyId
    because: BothLanguages
    private: bool = False


class BundleShape(Shape):
    """One bundle file."""

    id: BundleId
    title: BothLanguages
    author: Words
    events: list[Name] = Field(min_length=1)
    policies: list[BundlePolicyShape] = Field(min_length=1)
    notice: BothLanguages
    next: BothLanguages
    to_do: BothLanguages | None = None
    within_days: Annotated[int, Field(ge=0, le=31)] = 0
    quiet: bool = False
