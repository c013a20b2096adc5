"""How many were decided anew by a run, and why, in words."""

from __future__ import annotations

from collections import defaultdict

from engine.redeciding import Because
from engine.run_report import RunReport
from notifier.console.speech import Speech

_WORDS = {
    Because.ASKED: ("按要求全部重算", "everybody, as asked"),
    Because.FIRST: ("本版本在本期首次运行,或上次被暂停", "first run of this version in this period, or held last time"),
    Because.STAGES: ("所读的兑现阶段有变动", "stages of grants that it reads have moved"),
    Because.CATALOG: ("目录、指标或引擎有更新", "the catalog, a public series or the engine has changed"),
    Because.STORE: ("当时的档案版本已不可读", "the profiles of then cannot be read any more"),
    Because.SOURCE: ("有来源首次收数", "a source was taken in for the first time"),
    Because.RULE: ("规则因日期改读其他数据", "on this date the rule reads other data"),
    Because.MANY: ("变动较多,全部重算更快", "so much has changed that deciding everybody is quicker"),
    Because.UNSURE: ("变动范围无法确定", "what has changed could not be made out"),
    Because.DATA: ("数据变动", "data changed"),
    Because.DATE: ("日期推移", "the date moved on"),
    Because.GRANTS: ("有新的兑现", "something was granted"),
    Because.WAITING: ("仍在等待", "still waiting"),
}


def redeciding_words(report: RunReport, say: Speech) -> list[str]:
    """Return the lines: first how much of the whole was decided anew, then by reason."""
    sound = [each for each in report.policies if not each.error]
    possible = sum(each.subjects for each in sound)
    anew = sum(each.redecided.subjects for each in sound)
    if not sound or all(each.redecided.everybody and Because.FIRST in each.redecided.because for each in sound):
        return []
    if not anew:
        return [
            say(
                "自上次运行以来没有任何变动会改变决定;一个对象也不必重算。",
                "nothing that could change a decision has happened since the last run; nobody was decided anew.",
            )
        ]
    lines = [
        say(
            f"重算 {anew:,} 个决定,共 {possible:,} 个;其余沿用上次运行的结果。",
            f"{anew:,} of {possible:,} decisions were made anew; the others are those of the last run.",
        )
    ]
    policies: dict[Because, int] = defaultdict(int)
    for each in sound:
        for because in each.redecided.because:
            policies[because] += 1
    reasons = [
        say(f"{zh}({policies[because]} 项政策)", f"{en} ({_policies(policies[because])})")
        for because, (zh, en) in _WORDS.items()
        if policies[because]
    ]
    return [*lines, say("原因:", "because: ") + say("、", "; ").join(reasons)]


def _policies(number: int) -> str:
    return "1 policy" if number == 1 else f"{number} policies"
