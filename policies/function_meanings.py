"""What every function of the rule language means, said once: the reference and editors show it.

Each comes with a condition that holds; a test lets the checker and an engine say so, and fails when a function has
none.
"""

from __future__ import annotations

from collections.abc import Mapping

# Name: in Chinese, in English, a condition that shows it.
FUNCTION_MEANINGS: Mapping[str, tuple[str, str, str]] = {
    "date": ("写一个日期", "a day of the calendar", "date(2025, 1, 1) < on"),
    "year": ("日期的年", "the year of a day", "year(date(2025, 3, 9)) == 2025"),
    "month": ("日期的月", "the month of a day", "month(date(2025, 3, 9)) == 3"),
    "day": ("日期的日", "the day of the month", "day(date(2025, 3, 9)) == 9"),
    "years_between": ("满几周年", "full years", "years_between(birth_date, on) == 66"),
    "months_between": ("满几个月", "full months", "months_between(date(2025, 1, 31), date(2025, 3, 30)) == 1"),
    "calendar_months": (
        "跨几个自然月",
        "months of the calendar between",
        "calendar_months(date(2025, 1, 31), date(2025, 3, 1)) == calendar_months(date(2025, 1, 1), date(2025, 3, 31))",
    ),
    "days_between": ("相隔几天", "days between", "days_between(date(2025, 1, 1), date(2025, 1, 31)) == 30"),
    "add_years": ("几年以后", "years later", "add_years(date(2024, 2, 29), 1) == date(2025, 2, 28)"),
    "add_months": ("几个月以后", "months later", "add_months(date(2025, 1, 31), 1) == date(2025, 2, 28)"),
    "add_days": ("几天以后", "days later", "add_days(date(2025, 1, 31), 1) == date(2025, 2, 1)"),
    "month_start": ("当月第一天", "the first day of the month", "month_start(date(2025, 3, 9)) == date(2025, 3, 1)"),
    "month_end": ("当月最后一天", "the last day of the month", "month_end(date(2025, 2, 9)) == date(2025, 2, 28)"),
    "min": ("取小;也可取集合里最小", "the smaller; or the smallest of a collection", "min(3, 5) == 3"),
    "max": ("取大;也可取集合里最大", "the larger; or the largest of a collection", "max(3, 5) == 5"),
    "round_half_up": ("四舍五入到几位小数", "round half up to places", "round_half_up(2.345, 2) == 2.35"),
    "round_down": ("舍去尾数", "round down", "round_down(2.349, 2) == 2.34"),
    "round_up": ("进位", "round up", "round_up(2.341, 2) == 2.35"),
    "round_to": ("取到某数的倍数", "round to a multiple", 'round_to(124, 50, "half_up") == 100'),
    "yuan": ("把数当作元", "a number as yuan", "yuan(3) > yuan(2)"),
    "within": ("区划、行业在某范围内", "a region or an industry lies within", 'within(hukou_region, "31")'),
    "progressive": ("按分段表累进", "by brackets, each part its rate", "progressive(rates, yuan(150)) == yuan(20)"),
    "value_on": ("参数在某天的值", "the value of a parameter on a day", "value_on(minimum, date(2020, 6, 1)) == 60"),
    "count": ("集合里有几项", "how many items", "count(certificates) == 2"),
    "sum": ("集合求和", "the sum over a collection", "sum(certificates, level) == 7"),
    "any": ("集合里有任何一项满足", "one of them is so", "any(certificates, issued_on >= date(2020, 1, 1))"),
    "all": ("集合里每项都满足", "every one is so", "all(certificates, issued_on >= date(2020, 1, 1))"),
}
