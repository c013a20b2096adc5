"""The reference of the guide, drawn from the code: keys, functions, operators, commands, errors.

`python tests/guide/reference.py` writes it; a test fails when the file and the code differ.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "policies" / "guide" / "reference.md"
sys.path.insert(0, str(ROOT))
_IN_ENGLISH = "--commands-in-english"
# The reference is Chinese first, wherever it is made; commands have the language of their process.
os.environ["MIANSHEN_LANG"] = "en" if _IN_ENGLISH in sys.argv else "zh"

from policies.bundle_model import BundleShape  # noqa: E402
from policies.functions import FUNCTIONS  # noqa: E402
from policies.key_meanings import MEANINGS  # noqa: E402
from policies.model import OverlayShape, PolicyShape, Shape  # noqa: E402
from tests.guide.functions_shown import SHOWN  # noqa: E402

_CODE = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)+$")
_SEVERITIES = ("error", "warning", "note", "")
_FOLDERS = ("policies", "profiles", "engine", "notifier")
_SHAPES = {
    "AllOf": "eligibility: all", "AnyOf": "eligibility: any", "NoneOf": "eligibility: none", "Leaf": "eligibility: when",
    "BothLanguages": "title / says / reason / granted", "BasisShape": "basis", "InForce": "in_force",
    "ParameterShape": "parameters", "DefinitionShape": "definitions", "BenefitShape": "benefit", "TierShape": "benefit.tiers", "Rounding": "benefit.rounding",
    "InstalmentShape": "benefit.instalments", "ObligationShape": "benefit.obligation", "CeilingShape": "benefit.ceilings",
    "JudgementShape": "judgement",
    "ClaimsShape": "claims", "ExclusiveShape": "exclusive", "GuardShape": "guard", "ExampleShape": "examples",
    "Expectation": "examples.expect", "UnitExpectation": "examples.expect.units", "Given": "examples.given",
    "NoticeShape": "notice", "BundlePolicyShape": "policies (bundle)",
    "PolicyShape": "规则文件 · rule files", "OverlayShape": "叠加文件 · overlays", "BundleShape": "事件包 · bundles",
}  # fmt: skip
OPERATORS = (
    ("and or not", "是非", "conditions", "alive and not dibao"),
    ("< <= > >= == !=", "比较数、日期、代码", "comparison", "60 <= age < 70"),
    ("in, not in", "是不是其中之一", "one of several", 'sex in ["1", "2"]'),
    ("+ - * /", "算术;除法的结果要写明怎样取整", "arithmetic; a quotient must be rounded", "age + 1 > 66"),
    ("a if c else b", "二选一", "one of two values", "(1 if alive else 2) == 1"),
    ("parameter[key]", "查表", "an entry of a table", 'by_place[hukou_region] == 5'),
)  # fmt: skip


def keys() -> Iterator[tuple[str, list[tuple[str, str, str, str]]]]:
    """Yield every shape with its keys: name, whether it must be there, meaning in both languages."""
    first = [PolicyShape, OverlayShape, BundleShape]
    for shape in [*first, *(one for one in Shape.__subclasses__() if one not in first)]:
        rows = []
        for name, field in shape.model_fields.items():
            key = field.alias or name
            meaning = MEANINGS[shape.__name__][key]
            rows.append((key, "是 yes" if field.is_required() else "", meaning.zh, meaning.en))
        yield _SHAPES[shape.__name__], rows


def commands() -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Yield every command: its words, its help, and its arguments and options with theirs."""
    from typer.main import get_command

    import cli

    def below(command: object, words: str) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            options = []
            for one in command.params:  # type: ignore[attr-defined]
                if one.name != "help":
                    label = (
                        ", ".join(one.opts) if one.param_type_name == "option" else (one.metavar or one.name.upper())
                    )
                    options.append((label, str(getattr(one, "help", "") or "")))
            yield words, str(command.help or ""), options  # type: ignore[attr-defined]
            return
        for name in sorted(inner):
            yield from below(inner[name], f"{words} {name}")

    yield from below(get_command(cli.app), "mianshen")


def commands_in_english() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return the same commands in the same order with English help, asked of a process that speaks English."""
    asked = [sys.executable, str(Path(__file__).resolve()), _IN_ENGLISH]
    told = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=ROOT)
    return [
        (words, text, [(label, meaning) for label, meaning in options])
        for words, text, options in json.loads(told.stdout)
    ]


@dataclass(frozen=True)
class Cause:
    """Why an error is told, and what to do about it, in both languages."""

    zh: str
    en: str
    remedy_zh: str
    remedy_en: str


def errors() -> dict[str, Cause]:
    """Return every error code with its cause and its remedy, as the code has them."""
    found: dict[str, Cause] = {}
    for folder in _FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    _note(node, found)
    return dict(sorted(found.items()))


def _note(node: ast.Call, found: dict[str, Cause]) -> None:
    for position, argument in enumerate(node.args):
        if (
            not isinstance(argument, ast.Constant)
            or not isinstance(argument.value, str)
            or not _CODE.match(argument.value)
        ):
            continue
        texts = [text for one in node.args[position + 1 :] for text in _texts(one)]
        chinese = [text for text in texts if _is_chinese(text)]
        english = [text for text in texts if not _is_chinese(text) and text not in _SEVERITIES]
        if chinese:
            before = found.get(argument.value)
            if before is None or not before.remedy_zh:
                found[argument.value] = Cause(
                    chinese[0], *english[:1] or [""],
                    _help(node, "help_zh") or "".join(chinese[1:2]), _help(node, "help_en") or "".join(english[1:2]),
                )  # fmt: skip
        return


def _is_chinese(text: str) -> bool:
    return re.search(r"[\u4e00-\u9fff]", text) is not None


def _help(node: ast.Call, name: str) -> str:
    return next((text for one in node.keywords if one.arg == name for text in _texts(one.value)), "")


def _texts(node: ast.AST) -> list[str]:
    """The texts that an argument may be, with … for what is filled in."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        parts = (str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values)
        return ["".join(parts)]
    if isinstance(node, ast.IfExp):
        return _texts(node.body) or _texts(node.orelse)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Bilingual":
        return [text for one in node.args for text in _texts(one)]
    return []


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def reference_text() -> str:
    """Return the reference as it is published."""
    lines = [
        "# 参考 · Reference", "",
        "由代码生成,测试保证不漏。怎样写见 [authoring.zh.md](authoring.zh.md)。",
        "Drawn from the code; a test keeps it complete. How to write: [authoring.en.md](authoring.en.md).", "",
        "## 键 · Keys", "",
    ]  # fmt: skip
    for title, rows in keys():
        lines += [f"### {title}", "", "| 键 key | 必填 | 含义 | meaning |", "|---|---|---|---|"]
        lines += [_row(f"`{key}`", required, zh, en) for key, required, zh, en in rows] + [""]
    lines += [
        "## 函数 · Functions",
        "",
        "| 写法 form | 含义 | meaning | 例(成立) example that holds |",
        "|---|---|---|---|",
    ]
    lines += [
        _row(f"`{one.form}`", SHOWN[name][0], SHOWN[name][1], f"`{SHOWN[name][2]}`") for name, one in FUNCTIONS.items()
    ]
    lines += ["", "## 运算 · Operators", "", "| 写法 | 含义 | meaning | 例 example |", "|---|---|---|---|"]
    lines += [_row(f"`{form}`", zh, en, f"`{example}`") for form, zh, en, example in OPERATORS]
    lines += ["", "缺数据时结果是“不知道”:`unknown and false` 是否,`unknown or true` 是是,其余不知道。",
              "With missing data the result is unknown, except `unknown and false` (no) and `unknown or true` (yes).", "",
              "## 命令 · Commands", "", "每个命令的 `--help` 有中文和英文(`--lang en`)。", ""]  # fmt: skip
    for (words, text, options), (_, text_en, options_en) in zip(commands(), commands_in_english(), strict=True):
        lines += [f"### `{words}`", "", text, "", text_en, ""]
        told = zip(options, options_en, strict=True)
        lines += [f"- `{label}` {' · '.join(filter(None, (zh, en)))}".rstrip() for (label, zh), (_, en) in told]
        lines += [""] if options else []
    lines += ["## 错误码 · Error codes", "", "每条错误都写明位置和办法;`…` 处是具体内容。",
              "Every error names its place and what to do; `…` stands for what is filled in.", "",
              "| 代码 code | 原因 | 办法 | cause | what to do |", "|---|---|---|---|---|"]  # fmt: skip
    lines += [_row(f"`{code}`", one.zh, one.remedy_zh, one.en, one.remedy_en) for code, one in errors().items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__" and _IN_ENGLISH in sys.argv:
    print(json.dumps(list(commands())))
elif __name__ == "__main__":
    REFERENCE.write_text(reference_text(), encoding="utf-8")
