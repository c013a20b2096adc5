"""From what an operator types to a subject: a pseudonym as it is, an identity number through the key."""

from __future__ import annotations

import re

from policies.errors import SettingsError
from profiles.home import Home
from profiles.identity import is_valid_citizen_number, is_valid_credit_code
from profiles.identity import subject_of as subject_of_number

_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


def subject_of(home: Home, text: str) -> str:
    """Return the pseudonym meant by `text`: itself, or that of a resident number or credit code.

    Raises SettingsError for anything else.
    """
    typed = text.strip()
    if _PSEUDONYM.fullmatch(typed):
        return typed
    for space, is_valid in (("citizen", is_valid_citizen_number), ("enterprise", is_valid_credit_code)):
        if is_valid(typed):
            return subject_of_number(home, space, typed)
    raise SettingsError.of(
        "not-a-subject",
        "给出的既不是 32 位假名,也不是校验正确的身份证号或统一社会信用代码",
        "this is neither a pseudonym of 32 hexadecimal digits nor a valid resident number or credit code",
        help_zh="用 `mianshen grants` 可查到假名",
        help_en="`mianshen grants` lists pseudonyms",
    )
