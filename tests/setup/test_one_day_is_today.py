"""Today is the same day for every command, server and calendar, wherever their machines stand."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ASK = "from notifier.commands.command_line import day; print(day(None))"


@pytest.mark.parametrize("asked", [ASK, "from engine.reference_day import today; print(today())"])
def test_today_does_not_depend_on_where_the_machine_stands(asked: str) -> None:
    # Twenty-five hours apart: their own calendars never show the same day.
    told = {
        subprocess.run(
            [sys.executable, "-c", asked], env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True
        ).stdout
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago")
    }
    assert len(told) == 1
