"""Parameters whose declared review date has passed: a warning, for values age quietly."""

from __future__ import annotations

from datetime import date

from policies.errors import Diagnostic, Place
from policies.policy import Policy
from policies.text import Bilingual


def overdue_reviews(policy: Policy, on: date) -> tuple[Diagnostic, ...]:
    """Return one warning for each parameter that should have been reviewed before the day `on`."""
    return tuple(
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
