"""What all tests share: the profile of hypothesis, and the rule that CI skips nothing."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("night", parent=settings.get_profile("default"), max_examples=5_000, derandomize=False)
settings.load_profile(os.environ.get("MIANSHEN_HYPOTHESIS", "default"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With MIANSHEN_NO_SKIPS set, a skipped test is a failure of the whole session."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("MIANSHEN_NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
