"""What every key of rule files, overlays and bundles means, in both languages.

Editors show these sentences when an author points at a key (`policies.schema` puts them into the JSON Schemas), and the
reference of the guide lists them. A test fails when a key has none.
"""

from __future__ import annotations

from collections.abc import Mapping

from policies.text import Bilingual

_T = Bilingual
_ZH = _T("中文", "in Chinese")
_EN = _T("英文", "in English")
_SAYS = _T(
    "这一条用平实的话怎么说;写在理由里给本人看", "the condition in plain words; people read it among the reasons"
)
_CLAUSE = _T("所依据的条款,如 第三条", "the clause it stands on, such as Article 3")
_UNVERIFIED = _T("尚未与发文机关核实之处", "what has not been verified with the issuing body")
_CONFIDENCE = _T("对文件内容有多大把握:high、medium、low", "how sure one is of the content: high, medium, low")
_SURE = _T("true 符合,false 不符合,unknown 缺数据判不了", "true, false, or unknown: data are missing")
_SETTLED = _T("补上哪几项数据就能判定", "the data which, once known, would settle it")

POLICY: Mapping[str, Bilingual] = {
    "id": _T("编号,全库唯一:地区在前,如 cn-31-elderly-allowance", "unique id, region first: cn-31-elderly-allowance"),
    "title": _T("名称", "title"),
    "space": _T("发给谁:citizen 个人、enterprise 企业、household 家庭", "for whom: citizen, enterprise, household"),
    "authority": _T("发文机关", "the issuing authority"),
    "author": _T("写这个文件的人;不能由本人审批", "who wrote this file; that person cannot approve it"),
    "basis": _T("法律依据:文号、日期", "legal basis: documents with number and date"),
    "region": _T("适用地区,六位区划代码;000000 为全国", "region code of six digits; 000000 is the whole country"),
    "in_force": _T("施行起止日期", "first and last day in force"),
    "delivery": _T(
        "怎样兑现:automatic 直接给,confirm 本人确认,notify 只提示,declare 申报时享受,channel 走原有渠道",
        "how it is delivered: automatic, confirm, notify, declare or channel",
    ),
    "period": _T(
        "多久一次:once 一次、month、quarter、year、event 每个事件", "how often: once, month, quarter, year, event"
    ),
    "schedule": _T("何时跑批,五段日历:分 时 日 月 星期", "when it runs: minute hour day month weekday"),
    "triggers": _T("哪些人生事件发生时立即判定", "life events upon which it is decided at once"),
    "eligibility": _T("条件:all 全部满足、any 满足其一、none 都不能有", "conditions: all, any or none of them hold"),
    "benefit": _T("给什么、给多少", "what is granted, and how much"),
    "notice": _T("发给本人的话", "what people are told"),
    "judgement": _T("为什么不能由机器决定(酌情、竞争、评审)", "why no machine may decide it alone"),
    "silence": _T("没有确认时怎么算", "what it means if nobody confirms"),
    "for_each": _T("按哪个集合逐项给,如每名新招员工", "the collection whose items are granted one by one"),
    "unit_where": _T("集合里哪些项算数", "which items of the collection count"),
    "claims": _T("同一事项全市只能用一次,如一个孩子只由一位家长领", "what may be used only once across all subjects"),
    "payee": _T("付给谁,不是本人时写", "who is paid, if not the subject"),
    "fund": _T("从哪个资金池出", "the fund it is paid from"),
    "excludes": _T("享受这些政策的人不再享受本政策", "whoever gets one of these does not get this one"),
    "exclusive": _T("同组政策只得一项", "a group of policies of which one is granted"),
    "net_of": _T("扣除已得的这些待遇,只补差额", "these are deducted; the difference is paid"),
    "order_of_need": _T("资金不够时谁先得:数值大的在前", "who comes first when a fund runs short: the largest value"),
    "guard": _T("符合人数占比的上下限;超出就停下等人看", "the share that may match; outside it a person must look"),
    "sensitive": _T("要用的敏感数据和用途", "sensitive data that is read, and for what purpose"),
    "parameters": _T("文件里的数字,每个值写明从哪天起", "numbers of the law, each with the day from which it holds"),
    "definitions": _T(
        "给一段表达式起个名字;写成 value 与 title 时,人看到的是名称",
        "names for expressions; written as value and title, people are shown the title",
    ),
    "examples": _T("例子:某天某人应得什么结果", "worked cases: what follows for whom on which day"),
    "confidence": _CONFIDENCE,
    "unverified": _UNVERIFIED,
}

_CONDITIONS: Mapping[str, Mapping[str, Bilingual]] = {
    name: {key: meaning, "says": _SAYS, "basis": _CLAUSE}
    for name, key, meaning in (
        ("AllOf", "all", _T("全部满足", "every one must hold")),
        ("AnyOf", "any", _T("满足其一", "at least one must hold")),
        ("NoneOf", "none", _T("都不能有", "none may hold")),
        ("Leaf", "when", _T("一个条件,写成表达式", "one condition, an expression")),
    )
}

MEANINGS: Mapping[str, Mapping[str, Bilingual]] = {
    "PolicyShape": POLICY,
    **_CONDITIONS,
    "BothLanguages": {"zh": _ZH, "en": _EN},
    "BasisShape": {
        "document": _T("文号或文件名", "number or name of the document"),
        "date": _T("发文日期", "its date"),
        "note": _T("说明", "a remark"),
    },
    "InForce": {"from": _T("第一天", "the first day"), "to": _T("最后一天(含)", "the last day, included")},
    "ParameterShape": {
        "values": _T("起始日: 值", "value by the day from which it holds"),
        "unit": _T(
            "单位:yuan、months、years、age(周岁)、calendar_year(年份)、people、m2……",
            "unit: yuan, months, years, age (completed years), calendar_year (its number), people, m2 …",
        ),
        "title": _T("名称", "title"),
        "review_by": _T("这天以前要复核", "to be reviewed by this day"),
        "by": _T("按哪个代码集分列,如 region", "the code set that the value depends on"),
        "by_region": _T("各地可用叠加文件填自己的值", "places may set their own value by an overlay"),
        "scale": _T(
            "分段:marginal 超额累进、stepped 落在哪段用哪段", "brackets: marginal (each part its rate) or stepped"
        ),
        "otherwise": _T("表里没有时的值", "the value for what the table does not list"),
        "each_further": _T("表外每多一个加多少", "what each further one adds"),
        "at_least": _T("各地的值不得低于", "no place may go below"),
        "at_most": _T("各地的值不得高于", "no place may go above"),
    },
    "DefinitionShape": {"value": _T("表达式", "the expression"), "title": _T("名称", "title")},
    "BenefitShape": {
        "kind": _T(
            "cash 现金、waiver 免缴、refund 返还、voucher 券、deduction 扣除、service 服务、qualification 资格",
            "cash, waiver, refund, voucher, deduction, service or qualification",
        ),
        "amount": _T("金额(元),表达式", "the amount in yuan, an expression"),
        "tiers": _T("分档:从上往下第一个符合的算数", "tiers: the first that applies counts"),
        "floor": _T("不低于", "not less than"),
        "cap": _T("不高于", "not more than"),
        "rounding": _T("取整", "rounding"),
        "monotone": _T("承诺金额随某项只升或只降;prove 会验证", "a promised rise or fall, which `prove` verifies"),
        "says": _T("不是钱的待遇用话说明", "what is granted, in words, if it is not money"),
        "instalments": _T("分几期给", "parts that are due one after the other"),
        "obligation": _T("得到以后要做的事", "what the receiver must do later"),
        "ceilings": _T("几笔兑现合计的上限", "what one receiver gets at most over several grants"),
    },
    "TierShape": {
        "amount": _T("这一档的金额(元)", "the amount of this tier in yuan"),
        "when": _T("适用条件;最后一档可不写", "when it applies; the last may do without"),
    },
    "Rounding": {
        "to": _T("取到哪一位,如 yuan、fen", "to what, such as yuan or fen"),
        "mode": _T("half_up 四舍五入、down 舍去、up 进位", "half_up, down or up"),
    },
    "InstalmentShape": {
        "share": _T("占总额多少:0.4 或 1/3", "its share of the whole: 0.4 or 1/3"),
        "when": _T("何时给这一期", "when this part is due"),
        "says": _SAYS,
        "basis": _CLAUSE,
    },
    "CeilingShape": {
        "amount": _T("几笔合计至多多少(元);对所有人一样", "the most over several grants, in yuan; one for everybody"),
        "within": _T(
            "在哪段时间内合计:period 周期、year 日历年、always 一直",
            "counted together in the period, the calendar year (year), or for good (always)",
        ),
        "measure": _T(
            "每个单位计入上限的数额,如贷款本金;不写即所兑现的金额",
            "what of each unit counts towards it, such as a loan's principal; without it the amount granted",
        ),
        "for_each": _T("单位的哪些属性相同才合计,如 bank", "what grants share that are counted together, such as bank"),
        "when": _T("哪些单位受此上限;其余不减也不计", "which units it is about; others are neither cut nor counted"),
        "says": _T("人话说明", "in plain words"),
        "basis": _CLAUSE,
    },
    "ObligationShape": {
        "says": _T("要做什么", "what must be done"),
        "due": _T("到哪天为止,日期表达式", "by which day, a date"),
        "months_after": _T("得到后几个月内", "within so many months of the grant"),
        "basis": _CLAUSE,
    },
    "JudgementShape": {
        "kind": _T("discretionary 酌情、competitive 竞争、assessment 评审", "discretionary, competitive or assessment"),
        "reason": _T("为什么", "why"),
    },
    "ClaimsShape": {
        "group": _T("组名;同组政策共用一份名额", "name of the group that shares the claim"),
        "key": _T("凭什么认定是同一事项", "what makes it the same claim"),
    },
    "ExclusiveShape": {
        "group": _T("组名", "name of the group"),
        "choose": _T("first 按 rank 取先、highest 取金额最高", "first (by rank) or highest (by amount)"),
        "rank": _T("先后,小的在前", "order, smallest first"),
    },
    "GuardShape": {
        "share_at_most": _T("符合者至多占几成,0 到 1", "at most this share may match, from 0 to 1"),
        "share_at_least": _T("符合者至少占几成,0 到 1", "at least this share must match, from 0 to 1"),
    },
    "UnitExpectation": {
        "eligible": _SURE,
        "amount": _T("金额(元)", "amount in yuan"),
        "settled_by": _SETTLED,
        "after_ceilings": _T(
            "上限之后还剩多少(元);0 为等候", "what the ceilings leave of it, in yuan; 0: nothing, it waits"
        ),
    },
    "Expectation": {
        "eligible": _SURE,
        "amount": _T("应得金额(元)", "the amount in yuan"),
        "settled_by": _SETTLED,
        "units": _T("for_each 时逐项的结果", "with for_each: the result of each item"),
        "after_ceilings": _T(
            "上限之后还剩多少(元);0 为等候", "what the ceilings leave of it, in yuan; 0: nothing, it waits"
        ),
    },
    "Given": {"indicators": _T("当时公布的指标值", "values of public series at that time")},
    "ExampleShape": {
        "name": _T("这个例子说明什么", "what the example shows"),
        "on": _T("哪一天", "on which day"),
        "profile": _T("这个对象的数据;不写的就是不知道", "data of the subject; what is left out is unknown"),
        "expect": _T("应有的结果", "what must follow"),
        "given": _T("画像以外的前提", "what is assumed beside the profile"),
    },
    "NoticeShape": {"granted": _T("兑现时说什么;可用 {amount} {period}", "the text; may hold {amount} and {period}")},
    "OverlayShape": {
        "overlays": _T("叠加在哪项政策上", "the policy it is laid over"),
        "region": _T("哪个地方,六位区划代码", "which place, region code of six digits"),
        "place": _T("地名", "name of the place"),
        "author": _T("写这个文件的人", "who wrote this file"),
        "authority": _T("当地发文机关", "the local authority"),
        "basis": _T("当地文件", "the local documents"),
        "in_force": _T("当地值的起止日期", "first and last day of the local values"),
        "parameters": _T(
            "当地的值;只能填规则用 by_region 放开的", "local values of what the rule opens with by_region"
        ),
        "confidence": _CONFIDENCE,
        "unverified": _UNVERIFIED,
        "examples": _T("当地的例子", "examples of this place"),
    },
    "BundlePolicyShape": {
        "policy": _T("政策编号", "policy id"),
        "because": _T("为什么与这件事有关", "why it follows from the event"),
        "private": _T("合并通知里只计数,不点名", "counted in the notice, but not named"),
    },
    "BundleShape": {
        "id": _T("编号", "id"),
        "title": _T("名称", "title"),
        "author": _T("写这个文件的人", "who wrote this file"),
        "events": _T("由哪些事件引起", "the life events it follows"),
        "policies": _T("一并判定哪些政策", "the policies decided together"),
        "notice": _T("一份合并通知", "the one combined notice"),
        "next": _T("接下来会怎样", "what comes next"),
        "to_do": _T("还要本人做什么", "what is left to do"),
        "within_days": _T("等几天把结果合在一起,0 到 31", "days in which results are put together, 0 to 31"),
        "quiet": _T("语气庄重(如身故)", "no congratulation (as in bereavement)"),
    },
}


def meaning_of(shape: str, key: str) -> Bilingual | None:
    """Return what `key` of the shape called `shape` means, or None if nobody has said."""
    return MEANINGS.get(shape, {}).get(key)
