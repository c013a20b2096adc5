"""Invented names of people and firms, put together from common characters."""

from __future__ import annotations

import numpy as np
import polars as pl

from profiles.sample_city.chance import Flags, Numbers, drawn, happens, words

_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏"
    "钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_MALE = "伟强磊军洋勇杰涛明超平刚辉鹏华飞斌波宇浩凯健俊帆帅旭宁龙林欢阳建亮成畅博豪睿轩然昊天宏志远泽"
_FEMALE = "芳娜敏静秀英丽艳娟霞玲桂兰红梅燕倩雪琳颖洁婷玉萍慧欣怡佳雨薇晨悦涵梦瑶诗琪思妍心语彤萱菲"
_PLACES = (
    "申江",
    "浦泽",
    "虹川",
    "松茂",
    "嘉澄",
    "青湾",
    "奉贤岸",
    "临港湾",
    "沪东",
    "江桥",
    "云间",
    "崇明岛",
    "静和",
    "徐汇源",
)
_MARKS = (
    "恒",
    "盛",
    "瑞",
    "华",
    "信",
    "达",
    "嘉",
    "泰",
    "凯",
    "鼎",
    "诚",
    "源",
    "博",
    "越",
    "星",
    "辰",
    "禾",
    "岳",
    "朗",
    "帆",
)
_ENDINGS = {
    "enterprise": "有限公司",
    "individual": "商行",
    "social_organisation": "服务中心",
    "foundation": "基金会",
    "law_firm": "律师事务所",
    "accounting_firm": "会计师事务所",
    "cooperative": "专业合作社",
    "public_institution": "事务中心",
    "government": "办公室",
}


def people_names(chance: np.random.Generator, male: Flags, families: Numbers) -> pl.Series:
    """Return names; people of one family (a number) mostly share the surname of that number."""
    count = len(male)
    weights = 1.0 / (np.arange(len(_SURNAMES)) + 4.0)
    own = drawn(chance, weights, count)
    by_family = drawn(chance, weights, int(families.max()) + 1 if count else 1)
    surname = np.where(happens(chance, 0.45, count), own, by_family[families])
    first = np.where(male, chance.integers(0, len(_MALE), count), chance.integers(0, len(_FEMALE), count))
    second = np.where(male, chance.integers(0, len(_MALE), count), chance.integers(0, len(_FEMALE), count))
    second[happens(chance, 0.15, count)] = -1
    given = tuple(_MALE) + tuple(_FEMALE) + ("",)
    offset = np.where(male, 0, len(_MALE))
    last = np.where(second < 0, len(given) - 1, second + offset)
    frame = pl.DataFrame(
        [
            words(_SURNAMES, surname).alias("a"),
            words(given, first + offset).alias("b"),
            words(given, last).alias("c"),
        ]
    )
    return frame.select(pl.concat_str(pl.all()).alias("name"))["name"]


def firm_names(chance: np.random.Generator, kinds: pl.Series) -> pl.Series:
    """Return names of organisations of `kinds` (codes of enterprise_kind)."""
    count = kinds.len()
    frame = pl.DataFrame(
        [
            words(_PLACES, chance.integers(0, len(_PLACES), count)).alias("place"),
            words(_MARKS, chance.integers(0, len(_MARKS), count)).alias("first"),
            words(_MARKS, chance.integers(0, len(_MARKS), count)).alias("second"),
            pl.Series("number", np.arange(1, count + 1)).cast(pl.String),
            kinds.replace_strict(_ENDINGS, return_dtype=pl.String).alias("ending"),
        ]
    )
    return frame.select(pl.concat_str("place", "first", "second", "number", pl.lit("号"), "ending").alias("name"))[
        "name"
    ]
