"""`mianshen policies new`: asks, or takes options, and writes a rule file that already passes the checker."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import get_args

import typer

from engine.installation import Installation
from engine.reference_day import today
from notifier.console.policies import examples_of
from notifier.console.speech import Speech
from notifier.console.tables import console
from policies.codes import is_code, trimmed
from policies.errors import Place, PolicyError, SettingsError
from policies.library import read_policy_text
from policies.periods import PeriodKind
from policies.policy import BenefitKind, Delivery
from policies.skeleton import AUTHORITY_TO_NAME, DOCUMENT_TO_NAME, NewPolicy, skeleton
from policies.text import Bilingual

_ID = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")


def new_policy(
    installation: Installation, given: Mapping[str, str | None], into: Path | None, say: Speech, *, ask: bool
) -> int:
    """Write a new rule file; return 0. Never overwrites.

    Args:
        installation: the catalog and the library.
        given: what the options said, by the names of `NewPolicy`, `title_zh` and `title_en` for the title.
        into: the folder; by default that of the region in the library.
        say: the language.
        ask: put what was not given to the person at the terminal; otherwise defaults stand in.

    Raises:
        SettingsError: no or a bad id, a value that is not possible, a file or policy that is there already.
    """
    new = _answers(installation, given, say, ask=ask and sys.stdin.isatty())
    folder = into if into is not None else _folder(installation, new.region)
    name = new.id.removeprefix(f"{_region_prefix(new.region)}-")
    path = folder / f"{name}.yaml"
    taken = installation.library.policies.get(new.id)
    if taken is not None or path.exists():
        where = path if taken is None else taken.file
        raise SettingsError.of(
            "exists-already", f"政策 `{new.id}` 已在 `{where}`", f"there is a policy `{new.id}` in `{where}` already",
            help_zh="换一个编号,或直接编辑那个文件;这里从不覆盖",
            help_en="take another id, or edit that file; nothing is overwritten here",
        )  # fmt: skip
    text = skeleton(new, installation.catalog.vocabulary, say.language)
    policy = read_policy_text(text, installation.catalog.vocabulary, str(path))
    failed = [one for one in examples_of(installation, policy) if not one.passed]
    if failed:
        raise PolicyError.of(
            "skeleton-fails", f"生成的例子不符:{failed[0].name}", f"an example of the skeleton fails: {failed[0].name}",
            place=Place(str(path)),
        )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    _tell(path, new, say)
    return 0


def _tell(path: Path, new: NewPolicy, say: Speech) -> None:
    console.print(say(f"写好了 {path}", f"written: {path}"), style="bold", markup=False, soft_wrap=True)
    for line in (
        say(
            "1. 按法规改条件、金额和条款号,保存即检查:",
            "1. put in the clauses and figures of the law; checked on every save:",
        ),
        f"     mianshen policies check --watch {path}",
        say("2. 看例子覆盖了多少:", "2. see how much of it the examples show:"),
        f"     mianshen policies test {path} --coverage",
        say("3. 读一遍白话:", "3. read it in plain words:"),
        f"     mianshen policies show {path}",
        say("4. 请另一个人审批:", "4. have somebody else approve it:"),
        f"     mianshen policies approve {new.id} --by {say('姓名', 'NAME')}",
    ):
        console.print(line, markup=False, soft_wrap=True)


def _answers(installation: Installation, given: Mapping[str, str | None], say: Speech, *, ask: bool) -> NewPolicy:
    vocabulary = installation.catalog.vocabulary

    def answer(key: str, question: str, default: str, check: Callable[[str], None]) -> str:
        value = given.get(key)
        if value is None and not ask:
            value = default
        while value is None:
            value = typer.prompt(question, default=default or None)
            try:
                check(value)
            except SettingsError as error:
                console.print(error.diagnostics[0].render(say.language), style="red", markup=False)
                value = None
        check(value)
        return value

    id = answer("id", say("编号,如 cn-31-某补贴的英文", "id, such as cn-31-some-subsidy"), "", _check_id)
    space = answer(
        "space", say("发给谁", "for whom") + f" ({' '.join(vocabulary.spaces)})", next(iter(vocabulary.spaces)),
        _one_of("space", tuple(vocabulary.spaces)),
    )  # fmt: skip
    regions = vocabulary.code_sets.get("region")

    def check_region(text: str) -> None:
        if not re.fullmatch(r"[0-9]{6}", text) or (text != "000000" and regions and not is_code(text, regions)):
            raise SettingsError.of(
                "unknown-region", f"`{text}` 不是六位行政区划代码", f"`{text}` is not a region's code of six digits",
                help_zh='全国写 000000,上海写 310000', help_en="000000 is the whole country, 310000 Shanghai",
            )  # fmt: skip

    region = answer("region", say("地区代码", "region code"), _region_in(id), check_region)
    anything = _said
    title_zh = answer("title_zh", say("中文名称", "title in Chinese"), id, anything)
    title_en = answer("title_en", say("英文名称", "title in English"), id.replace("-", " "), anything)
    authority = answer("authority", say("发文机关", "authority"), say.of(AUTHORITY_TO_NAME), anything)
    document = answer("document", say("文号", "number of the document"), say.of(DOCUMENT_TO_NAME), anything)
    author = answer("author", say("作者", "author"), "policy desk", anything)
    starts = answer("starts", say("从哪天起施行", "in force from"), today().replace(day=1).isoformat(), _check_day)
    periods, deliveries, kinds = get_args(PeriodKind), get_args(Delivery), get_args(BenefitKind)
    period = answer("period", say("周期", "period") + f" ({' '.join(periods)})", "month", _one_of("period", periods))
    delivery = answer(
        "delivery", say("方式", "delivery") + f" ({' '.join(deliveries)})", "automatic", _one_of("delivery", deliveries)
    )
    kind = answer("kind", say("待遇", "benefit") + f" ({' '.join(kinds)})", "cash", _one_of("kind", kinds))
    return NewPolicy(
        id, space, region, Bilingual(title_zh, title_en), authority, author, document,
        date.fromisoformat(starts), period, delivery, kind,
    )  # fmt: skip


def _check_id(text: str) -> None:
    if not _ID.match(text) or len(text) > 100:
        shown = text or "-"
        raise SettingsError.of(
            "bad-id", f"`{shown}` 不能作政策编号", f"`{shown}` cannot be the id of a policy",
            help_zh="小写英文、数字和连字符,例如 mianshen policies new cn-31-some-subsidy",
            help_en="small letters, digits and hyphens, for example: mianshen policies new cn-31-some-subsidy",
        )  # fmt: skip


def _one_of(option: str, known: tuple[str, ...]) -> Callable[[str], None]:
    def check(text: str) -> None:
        if text not in known:
            raise SettingsError.of(
                "not-possible", f"--{option} 不能是 `{text}`", f"--{option} cannot be `{text}`",
                help_zh=f"可用:{' '.join(known)}", help_en=f"possible are: {' '.join(known)}",
            )  # fmt: skip

    return check


def _said(text: str) -> None:
    if not text.strip():
        raise SettingsError.of(
            "nothing-said", "没有填写", "nothing was given", help_zh="写几个字", help_en="write something"
        )


def _check_day(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise SettingsError.of(
            "not-a-date", f"`{text}` 不是日期", f"`{text}` is not a date",
            help_zh="写成 2026-11-22 这样", help_en="write it like 2026-11-22",
        ) from None  # fmt: skip


def _region_in(id: str) -> str:
    """Return the region that an id such as `cn-31-…` names; the whole country otherwise."""
    found = re.match(r"^cn-([0-9]{2}(?:[0-9]{2}){0,2})-", id)
    return found[1].ljust(6, "0") if found else "000000"


def _region_prefix(region: str) -> str:
    return "cn" if region == "000000" else f"cn-{trimmed(region)[:2]}"


def _folder(installation: Installation, region: str) -> Path:
    return installation.library_folder / _region_prefix(region)
