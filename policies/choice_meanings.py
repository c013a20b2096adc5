"""What the words of every closed choice of a rule file mean, said once: editors show it, and the JSON Schema holds it.

Keyed by the model, its key, and the word as it stands in a file; a test fails when a word has no meaning.
"""

from __future__ import annotations

from collections.abc import Mapping

from policies.text import Bilingual as _T

_CONFIDENCE: Mapping[str, _T] = {
    "high": _T("数额见于所读的官方文本", "the figures were read in an official text"),
    "medium": _T("见于二手页面,或部分为自有知识", "read at second hand, or partly from memory"),
    "low": _T("未找到可靠来源", "no reliable source was found"),
}
_SURE: Mapping[str, _T] = {
    "true": _T("符合", "is eligible"),
    "false": _T("不符合", "is not eligible"),
    "unknown": _T("缺数据,判不了", "data are missing, it cannot be told"),
}
CHOICES: Mapping[tuple[str, str], Mapping[str, _T]] = {
    ("PolicyShape", "delivery"): {
        "automatic": _T("直接兑现,本人不用做什么", "granted outright; nothing is asked of the person"),
        "confirm": _T("本人确认后兑现", "granted once the person confirms"),
        "notify": _T("只告诉本人可以申请", "the person is told that an application is worth while"),
        "declare": _T("本人申报时享受,如税收优惠", "taken by declaration, such as a tax relief"),
        "channel": _T("由银行、学校、单位等直接减免", "given by a bank, a school or an employer"),
    },
    ("PolicyShape", "period"): {
        "once": _T("只给一次", "once and never again"),
        "month": _T("每月一次", "once a month"),
        "quarter": _T("每季度一次", "once a quarter"),
        "year": _T("每年一次", "once a year"),
        "event": _T("每个事件一次", "once for each event"),
    },
    ("PolicyShape", "silence"): {
        "granted": _T("不答复视为接受", "silence counts as acceptance"),
        "not_taken_yet": _T("不答复视为暂未领取,随时可取", "not taken yet; it can be taken later"),
        "waived": _T("不答复视为放弃", "silence counts as a waiver"),
    },
    ("PolicyShape", "confidence"): _CONFIDENCE,
    ("OverlayShape", "confidence"): _CONFIDENCE,
    ("ParameterShape", "by_region"): {"true": _T("各地可以自定", "every place may set its own")},
    ("ParameterShape", "scale"): {
        "marginal": _T("超额累进:每段各按自己的比率", "each part of the amount at the rate of its own bracket"),
        "stepped": _T("落在哪段,全部按那段", "the whole amount at the rate of the bracket it falls into"),
    },
    ("Rounding", "mode"): {
        "half_up": _T("四舍五入", "half up"),
        "down": _T("舍去", "down"),
        "up": _T("进位", "up"),
    },
    ("CeilingShape", "within"): {
        "period": _T("每个周期合计", "all grants of one period together"),
        "year": _T("每个日历年合计", "all grants of one calendar year together"),
        "always": _T("历来合计", "all grants ever made together"),
    },
    ("BenefitShape", "kind"): {
        "cash": _T("发钱", "money is paid"),
        "waiver": _T("免收应缴的钱", "something due is not collected"),
        "refund": _T("退还已缴的钱", "something paid is given back"),
        "voucher": _T("消费券", "a voucher"),
        "deduction": _T("从税基中扣除,不发钱", "taken off a tax base; nothing is paid"),
        "service": _T("服务", "a service"),
        "qualification": _T("资格", "a qualification"),
    },
    ("BenefitShape", "monotone"): {
        "rising": _T("它越大,金额只会更多或不变", "the larger it is, the larger the amount, or the same"),
        "falling": _T("它越大,金额只会更少或不变", "the larger it is, the smaller the amount, or the same"),
    },
    ("JudgementShape", "kind"): {
        "discretionary": _T("由机关个案裁量", "an authority weighs the single case"),
        "competitive": _T("评审择优,名额有限", "some are chosen out of many"),
        "assessment": _T("须先经专业评定或验收", "somebody has to examine it first"),
    },
    ("ExclusiveShape", "choose"): {
        "first": _T("得 rank 最小的一项", "the one of the smallest rank is granted"),
        "highest": _T("得金额最高的一项", "the largest is granted"),
    },
    ("UnitExpectation", "eligible"): _SURE,
    ("Expectation", "eligible"): _SURE,
}


def words_of(shape: str, key: str) -> Mapping[str, _T]:
    """Return what each word of a closed choice means; empty for keys that have none."""
    return CHOICES.get((shape, key), {})
