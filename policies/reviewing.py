"""Parameters whose review date has passed, and overlays that have ended: warnings, for values age quietly."""

from __future__ import annotations

from datetime import date

from policies.errors import Diagnostic, Place
from policies.policy import Policy
from policies.text import Bilingual


def overdue_reviews(policy: Policy, on: date) -> tuple[Diagnostic, ...]:
    """Return a warning for each parameter to be reviewed before the day `on`, and for each overlay that has ended."""
    reviews = tuple(
        Diagnostic(
            "review-overdue",
            Bilingual(
                f"参数 `{parameter.name}` 应在 {parameter.review_by} 前复核",
                f"the parameter `{parameter.name}` was to be reviewed by {parameter.review_by}",
            ),
            Bilingual("核对现行数值，并更新 `review_by`", "look up the current value and move `review_by`"),
            Place(policy.file),
            "warning",
        )
        for parameter in policy.parameters.values()
        if parameter.review_by is not None and parameter.review_by < on
    )
    return (*reviews, *_ended_overlays(policy, on))


def _ended_overlays(policy: Policy, on: date) -> tuple[Diagnostic, ...]:
    """An overlay that has ended sets nothing; one that another overlay of the place has followed is history."""
    found = []
    for one in policy.overlays:
        end = one.in_force[1]
        followed = any(
            other.region == one.region and (other.in_force[1] is None or other.in_force[1] >= on)
            for other in policy.overlays
        )
        if end is None or end >= on or followed:
            continue
        found.append(
            Diagnostic(
                "overlay-ended",
                Bilingual(
                    f"`{one.region}` 的地方值已于 {end} 失效，此后按上级区划的值，没有则无法判定",
                    f"the values of `{one.region}` ended on {end}; since then those of the wider region count, "
                    "and where there are none nobody can be decided",
                ),
                Bilingual("核对现行文件，补上新的地方值", "look up the present document, and add its values"),
                one.place,
                "warning",
            )
        )
    return tuple(found)
