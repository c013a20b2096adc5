"""Chinese or English by --lang, by MIANSHEN_LANG, or by the locale."""

import pytest

from notifier.console.speech import language_of
from policies.errors import SettingsError


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        (["--lang", "zh", "run"], {"LANG": "en_GB.UTF-8"}, "zh"),
        (["--lang=en", "run"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["run"], {"LANG": "zh_CN.UTF-8"}, "zh"),
        (["run"], {"LC_ALL": "zh_CN.UTF-8", "LANG": "en_GB.UTF-8"}, "zh"),
        (["run"], {"MIANSHEN_LANG": "zh", "LANG": "C"}, "zh"),
        (["run"], {}, "en"),
    ],
)
def test_the_terminal_speaks_the_language_asked_for_or_that_of_the_locale(
    arguments: list[str], environment: dict[str, str], language: str
) -> None:
    assert language_of(arguments, environment) == language


def test_an_unknown_language_is_refused_with_the_two_that_exist() -> None:
    with pytest.raises(SettingsError, match="--lang zh or --lang en"):
        language_of(["--lang", "fr"], {})
