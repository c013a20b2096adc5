"""Life-event bundles: one event, several policies, one combined notice.

A bundle decides nothing. It says which grants belong together once an event of its kinds has happened, and in
which words they are told. Its version is the SHA-256 of its text, as that of a rule file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from policies.bundle_model import BundleShape
from policies.document import Document, read_bytes, read_document
from policies.errors import Diagnostic, Place, PolicyError
from policies.model import BothLanguages
from policies.model_errors import did_you_mean, read_as
from policies.text import Bilingual

SUFFIX = ".bundle.yaml"
PLACEHOLDERS = ("count", "policies", "total")
_BRACES = re.compile(r"\{([^{}]*)\}")
_GLAD = re.compile(r"恭喜|祝贺|贺喜|喜迎|congratulat|we are happy|delighted|good news", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EventReach:
    """What a bundle file may count on of a kind of event: the spaces it changes, and whether a life ends by it."""

    spaces: frozenset[str]
    ends_life: bool = False


@dataclass(frozen=True, slots=True)
class BundlePolicy:
    """One policy of a bundle, with the one sentence why it follows from the event."""

    policy: str
    because: Bilingual
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle.

    events       the kinds of event after which it is told
    policies     in the order in which they are told
    notice       the opening sentence, with {policies}, {count} and {total} (yuan)
    next         what happens next
    to_do        what the receiver may still have to do
    within_days  so many days after the event was recorded its notice is sent, with all that was granted until then
    is_quiet     about a death or a loss: nothing of it stands on a lock screen
    version      SHA-256 of `text`
    """

    id: str
    title: Bilingual
    author: str
    events: tuple[str, ...]
    policies: tuple[BundlePolicy, ...]
    notice: Bilingual
    next: Bilingual
    to_do: Bilingual | None
    within_days: int
    is_quiet: bool
    version: str
    text: str = field(repr=False)
    file: str = field(default="-", compare=False)

    @property
    def names(self) -> frozenset[str]:
        """The ids of its policies."""
        return frozenset(one.policy for one in self.policies)

    def line_of(self, policy: str) -> BundlePolicy:
        """Return the line of one of its policies. Raises KeyError for another."""
        return {one.policy: one for one in self.policies}[policy]


@dataclass(frozen=True, slots=True)
class Bundles:
    """Checked bundles by id, in the order of their ids, and one error for each file that has mistakes."""

    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    errors: tuple[PolicyError, ...] = ()


def is_bundle(path: Path) -> bool:
    """Return whether a path is that of a bundle file."""
    return path.name.endswith(SUFFIX)


def bundle_files(folder: Path) -> list[Path]:
    """Return the bundle files below `folder`, in order."""
    return sorted(path for path in folder.rglob(f"*{SUFFIX}") if path.is_file())


def read_bundle_text(text: str, file: str = "-") -> Bundle:
    """Return the bundle of a text of the right shape; what it names is not looked up. Raises PolicyError."""
    return _bundle(_read(text, file)[1], text.removeprefix("\ufeff"), file)


def read_bundle(
    path: Path, events: Mapping[str, EventReach], spaces: Mapping[str, str], *, text: str | None = None
) -> Bundle:
    """Return the checked bundle of a file.

    Args:
        path: the file.
        events: the kinds of event that there are.
        spaces: the space of every policy of the library, by id.
        text: stands for the file's content if given: what an editor has not saved yet.

    Raises:
        PolicyError: with every finding, each with line, column and remedy.
    """
    text = (_text_of(path) if text is None else _as_read(text, path)).removeprefix("\ufeff")
    document, shape = _read(text, str(path))
    findings = list(_findings(document, shape, events, spaces))
    if findings:
        raise PolicyError(sorted(findings, key=lambda one: (one.place.line or 0, one.place.column or 0)))
    return _bundle(shape, text, str(path))


def read_bundles(folder: Path, events: Mapping[str, EventReach], spaces: Mapping[str, str]) -> Bundles:
    """Return all bundles below `folder`; a bad file is reported and does not hide the others."""
    found: dict[str, Bundle] = {}
    errors: list[PolicyError] = []
    for path in bundle_files(folder):
        try:
            bundle = read_bundle(path, events, spaces)
        except PolicyError as error:
            errors.append(error)
            continue
        if bundle.id in found:
            errors.append(_twice(bundle, found[bundle.id]))
        else:
            found[bundle.id] = bundle
    return Bundles({name: found[name] for name in sorted(found)}, tuple(errors))


def _text_of(path: Path) -> str:
    try:
        return read_bytes(path.read_bytes(), str(path))
    except OSError as error:
        raise PolicyError.of(
            "cannot-read", f"无法读取 `{path}`", f"cannot read `{path}` ({error.strerror or 'unreadable'})",
            help_zh="检查路径和权限", help_en="look at the path and its permissions", place=Place(str(path)),
        ) from None  # fmt: skip


def _as_read(text: str, path: Path) -> str:
    """Return the text as it would be read from the file, with the same limits. Raises PolicyError."""
    return read_bytes(text.encode("utf-8", "surrogatepass"), str(path))


def _read(text: str, file: str) -> tuple[Document, BundleShape]:
    document = read_document(text.removeprefix("\ufeff"), file)
    return document, read_as(document, BundleShape)


def _bundle(shape: BundleShape, text: str, file: str) -> Bundle:
    return Bundle(
        shape.id,
        _both(shape.title),
        shape.author,
        tuple(shape.events),
        tuple(BundlePolicy(one.policy, _both(one.because), one.private) for one in shape.policies),
        _both(shape.notice),
        _both(shape.next),
        _both(shape.to_do) if shape.to_do else None,
        shape.within_days,
        shape.quiet,
        sha256(text.encode()).hexdigest(),
        text,
        file,
    )


def _both(words: BothLanguages) -> Bilingual:
    return Bilingual(words.zh, words.en)


def _findings(
    document: Document, shape: BundleShape, events: Mapping[str, EventReach], spaces: Mapping[str, str]
) -> Iterator[Diagnostic]:
    yield from _events(document, shape, events)
    yield from _policies(document, shape, events, spaces)
    yield from _words(document, shape)
    ends_life = any(name in events and events[name].ends_life for name in shape.events)
    if ends_life and not shape.quiet:
        yield Diagnostic(
            "not-quiet",
            Bilingual("随死亡而来的通知必须低调", "what follows a death is told quietly"),
            Bilingual("加上 `quiet: true`", "add `quiet: true`"),
            document.place(("events",)),
        )
    if len(shape.policies) < 2:
        yield Diagnostic(
            "nothing-to-combine",
            Bilingual("只有一项政策，没有什么可以合并", "there is one policy only, and nothing to combine"),
            Bilingual(
                "再加一项政策；单独一项由它自己的通知告知", "add a policy; a single one is told by its own notice"
            ),
            document.key_place(("policies",)),
        )


def _events(document: Document, shape: BundleShape, events: Mapping[str, EventReach]) -> Iterator[Diagnostic]:
    for number, name in enumerate(shape.events):
        place = document.place(("events", number))
        if name in shape.events[:number]:
            yield _repeated(f"事件 `{name}`", f"the event `{name}`", place)
        elif name not in events:
            yield _unknown("event", f"没有名为 `{name}` 的事件", f"there is no event `{name}`", name, events, place)


def _policies(
    document: Document, shape: BundleShape, events: Mapping[str, EventReach], spaces: Mapping[str, str]
) -> Iterator[Diagnostic]:
    reached: frozenset[str] = frozenset().union(*(events[name].spaces for name in shape.events if name in events))
    seen: set[str] = set()
    for number, one in enumerate(shape.policies):
        place = document.place(("policies", number, "policy"))
        if one.policy in seen:
            yield _repeated(f"政策 `{one.policy}`", f"the policy `{one.policy}`", place)
        elif one.policy not in spaces:
            zh, en = f"没有政策 `{one.policy}`", f"there is no policy `{one.policy}`"
            yield _unknown("policy", zh, en, one.policy, spaces, place)
        elif reached and spaces[one.policy] not in reached:
            yield Diagnostic(
                "policy-of-another-space",
                Bilingual(
                    f"政策 `{one.policy}` 面向 `{spaces[one.policy]}`，这些事件不涉及它",
                    f"the policy `{one.policy}` is about `{spaces[one.policy]}`, which these events do not change",
                ),
                Bilingual(
                    f"选面向 {'、'.join(sorted(reached))} 的政策，或换一种事件",
                    f"name policies about {', '.join(sorted(reached))}, or another event",
                ),
                place,
            )
        seen.add(one.policy)


def _words(document: Document, shape: BundleShape) -> Iterator[Diagnostic]:
    for language, text in (("zh", shape.notice.zh), ("en", shape.notice.en)):
        place = document.place(("notice", language))
        names = _BRACES.findall(text)
        for name in dict.fromkeys(names):
            if name not in PLACEHOLDERS:
                zh, en = f"通知里的 `{{{name}}}` 没有含义", f"`{{{name}}}` means nothing in a combined notice"
                yield _unknown("placeholder", zh, en, name, PLACEHOLDERS, place)
        if "policies" not in names:
            yield Diagnostic(
                "policies-not-named",
                Bilingual("通知没有列出各项待遇", "the notice does not name what was granted"),
                Bilingual("在句中写上 `{policies}`", "write `{policies}` where they are to stand"),
                place,
            )
    if not shape.quiet:
        return
    texts = {"title": shape.title, "notice": shape.notice, "next": shape.next, "to_do": shape.to_do}
    for key, words in texts.items():
        for language, text in (("zh", words.zh), ("en", words.en)) if words else ():
            found = _GLAD.search(text)
            if found:
                yield Diagnostic(
                    "glad-words",
                    Bilingual(f"低调的通知里不能有“{found[0]}”", f"a quiet notice cannot say `{found[0]}`"),
                    Bilingual("改用平实的说法", "say it in plain words"),
                    document.place((key, language)),
                )


def _unknown(what: str, zh: str, en: str, name: str, known: Collection[str], place: Place) -> Diagnostic:
    suggestion = did_you_mean(name, known)
    if suggestion:
        remedy = Bilingual(f"是否想写 `{suggestion}`？", f"did you mean `{suggestion}`?")
    elif len(known) <= 30:
        remedy = Bilingual(f"可用的有：{'、'.join(sorted(known))}", f"there are: {', '.join(sorted(known))}")
    else:
        remedy = Bilingual("写规则文件里的 id", "write the id that stands in the rule file")
    return Diagnostic(f"unknown-{what}", Bilingual(zh, en), remedy, place)


def _repeated(zh: str, en: str, place: Place) -> Diagnostic:
    return Diagnostic(
        "duplicate", Bilingual(f"{zh} 写了两次", f"{en} stands here twice"),
        Bilingual("删去其中一处", "delete one of them"), place,
    )  # fmt: skip


def _twice(bundle: Bundle, first: Bundle) -> PolicyError:
    return PolicyError.of(
        "duplicate-bundle", f"组合 `{bundle.id}` 已在 `{first.file}` 中", f"the bundle `{bundle.id}` already stands in `{first.file}`",
        help_zh="给其中一个换 id，或删除一个文件", help_en="give one of them another id, or delete one file",
        place=Place(bundle.file, 1, 1),
    )  # fmt: skip
