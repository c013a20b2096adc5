"""What can be wrong with a rule file as a file, before its content is looked at."""

from __future__ import annotations

from policies.errors import Diagnostic, Place, PolicyError
from policies.text import Bilingual


def shortened(text: str, limit: int = 40) -> str:
    """Return `text` on one line and at most `limit` characters long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def fail(place: Place, code: str, zh: str, en: str, help_zh: str, help_en: str) -> PolicyError:
    """Return an error at a place of the document."""
    return PolicyError(Diagnostic(code, Bilingual(zh, en), Bilingual(help_zh, help_en), place))


def _error(code: str, place: Place, zh: str, en: str, help_zh: str, help_en: str) -> Diagnostic:
    return Diagnostic(code, Bilingual(zh, en), Bilingual(help_zh, help_en), place)


def too_large(place: Place, size: int, limit: int) -> Diagnostic:
    """The file is larger than a rule file may be."""
    return _error(
        "file-too-large",
        place,
        f"规则文件有 {size:,} 字节，上限为 {limit:,} 字节",
        f"the rule file has {size:,} bytes; at most {limit:,} are read",
        "一个文件只写一项政策；大表请改用指标或拆分",
        "write one policy per file; split large tables or make them an indicator",
    )


def not_utf8(place: Place, byte: int) -> Diagnostic:
    """The file is not UTF-8."""
    saved = "UTF-16" if byte in (0xFE, 0xFF) else "GBK / GB18030"
    return _error(
        "not-utf8",
        place,
        f"文件不是 UTF-8 编码：此处字节为 0x{byte:02X}",
        f"the file is not UTF-8: found the byte 0x{byte:02X} here",
        f"请用 UTF-8 重新保存文件（常见原因：以 {saved} 保存）",
        f"save the file as UTF-8 again (it was probably saved as {saved})",
    )


def invisible_character(place: Place, character: int) -> Diagnostic:
    """The file holds a character that nobody can see."""
    return _error(
        "invisible-character",
        place,
        f"此处有不可见字符 U+{character:04X}，会使所见与所写不一致",
        f"there is an invisible character U+{character:04X} here; the line says something else than it shows",
        "改成普通空格" if chr(character).isspace() else "删除该字符",
        "write a plain space instead" if chr(character).isspace() else "delete the character",
    )


def broken_yaml(place: Place, problem: str, remedy: Bilingual | None = None) -> Diagnostic:
    """The file is not YAML; `remedy` says what to write, if it is seen."""
    return _error(
        "not-yaml",
        place,
        f"不是有效的 YAML：{shortened(problem, 120)}",
        f"this is not valid YAML: {shortened(problem, 120)}",
        remedy.zh if remedy else "检查此处与上一行的缩进、冒号、引号和括号",
        remedy.en if remedy else "look at indentation, colons, quotes and brackets here and on the line before",
    )


def too_deep(place: Place, limit: int) -> Diagnostic:
    """The file nests deeper than a rule file may."""
    return _error(
        "too-deep",
        place,
        f"嵌套超过 {limit} 层",
        f"nested more than {limit} levels deep",
        "把内层条件移到 `definitions`",
        "move inner conditions to `definitions`",
    )


def alias_refused(place: Place, text: str) -> Diagnostic:
    """The file uses a YAML anchor or alias."""
    return _error(
        "alias-not-allowed",
        place,
        f"规则文件不使用 YAML 锚点和别名：`{shortened(text)}`",
        f"rule files take no YAML anchors or aliases: `{shortened(text)}`",
        "把内容写全，或用 `definitions` 命名后引用；文字以 & 或 * 开头时请加引号",
        "write it out, or name it under `definitions`; put quotes around a text that starts with & or *",
    )


def tag_refused(place: Place, text: str) -> Diagnostic:
    """The file uses a YAML tag or directive."""
    return _error(
        "tag-not-allowed",
        place,
        f"规则文件不使用 YAML 标签和指令：`{shortened(text)}`",
        f"rule files take no YAML tags or directives: `{shortened(text)}`",
        "删除标签；文字以 ! 开头时请加引号",
        "delete the tag; put quotes around a text that starts with !",
    )


def several_documents(place: Place) -> Diagnostic:
    """The file holds a second YAML document."""
    return _error(
        "several-documents",
        place,
        "一个文件只能有一项政策：此处开始了第二个 YAML 文档",
        "one file holds one policy: a second YAML document starts here",
        "把第二项政策移到另一个文件",
        "move the second policy to a file of its own",
    )


def empty_file(place: Place) -> Diagnostic:
    """There is nothing in the file."""
    return _error(
        "empty-file",
        place,
        "文件是空的",
        "the file is empty",
        "从一个现有规则文件开始，或见 policy.schema.json",
        "start from an existing rule file, or see policy.schema.json",
    )


def key_not_plain(place: Place) -> Diagnostic:
    """A key is a list or a mapping."""
    return _error(
        "wrong-type",
        place,
        "键必须是文字、数字或日期",
        "a key must be a text, a number or a date",
        "检查此处的括号和冒号",
        "look at the brackets and colons here",
    )


def duplicate_key(place: Place, key: str, first: Place, is_date: bool) -> Diagnostic:
    """A key stands twice in one mapping."""
    where = f"{first.line}:{first.column}"
    if is_date:
        return _error(
            "overlapping-dates",
            place,
            f"`{shortened(key)}` 起的值写了两次（另一处在 {where}）",
            f"the value from `{shortened(key)}` on is given twice (also at {where})",
            "每个日期只留一个值",
            "keep one value for each date",
        )
    return _error(
        "duplicate-key",
        place,
        f"键 `{shortened(key)}` 重复（另一处在 {where}）",
        f"the key `{shortened(key)}` stands here twice (also at {where})",
        "删除其中一个",
        "delete one of the two",
    )


def number_too_long(place: Place, text: str, limit: int) -> Diagnostic:
    """A number has more digits than any amount needs."""
    return _error(
        "number-too-long",
        place,
        f"数字 `{shortened(text)}` 超过 {limit} 位",
        f"the number `{shortened(text)}` has more than {limit} digits",
        "代码和编号请加引号",
        "put quotes around codes and identifiers",
    )
