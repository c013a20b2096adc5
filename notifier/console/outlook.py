"""What lies ahead of a decision, as branches of the tree that `mianshen explain` prints."""

from __future__ import annotations

from rich.markup import escape
from rich.tree import Tree

from notifier.outlook import ChangedDatum, Coming, MissingFact, Outlook, Shortfall, Way
from policies.text import Bilingual, Language

_BY = {
    "somebody": Bilingual("", ""),
    "time": Bilingual("只能等时间到", "only time will bring it"),
    "nobody": Bilingual("谁也改变不了", "nobody can change it"),
}


def add_outlook(tree: Tree, outlook: Outlook, language: Language) -> None:
    """Add what would settle the decision, what would change it, and what time will bring."""
    _Telling(tree, language).all(outlook)


class _Telling:
    def __init__(self, tree: Tree, language: Language) -> None:
        self.tree = tree
        self.language = language

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def of(self, text: Bilingual) -> str:
        return escape(text.in_language(self.language))

    def all(self, outlook: Outlook) -> None:
        self._settling(outlook)
        if outlook.nearest:
            branch = self.tree.add(f"[yellow]{self.say('最接近的改变', 'the nearest change')}[/yellow]")
            for way in outlook.nearest:
                self._way(branch, way, outlook.nearest)
        if outlook.upcoming is not None:
            self._coming(outlook.upcoming, self.say("其他不变,将符合于", "if nothing else changes, eligible from"))
        if outlook.ending is not None and outlook.ending.known:
            words = self.say("其他不变,将不再符合于", "if nothing else changes, no longer eligible from")
            self._coming(outlook.ending, words)
        elif outlook.ending is not None:
            self._coming(outlook.ending, self.say("尚不能判定的日子,始于", "cannot be told yet from"))

    def _settling(self, outlook: Outlook) -> None:
        if len(outlook.settled_by) == 1 and not outlook.more:
            words = self.say("补齐即可能符合", "could be a yes once this is known")
            if outlook.surely == outlook.settled_by:
                words = self.say("补齐这些数据即可判定", "would be settled by")
            self.tree.add(f"[yellow]{words}: {self._facts(outlook.settled_by[0])}[/yellow]")
        elif outlook.settled_by:
            words = self.say("补齐其中任何一组,就可能符合", "could be a yes once any of these is known")
            branch = self.tree.add(f"[yellow]{words}[/yellow]")
            for one in outlook.settled_by:
                branch.add(self._facts(one))
            if outlook.more:
                branch.add(f"[dim]{self.say('可能还有别的组合', 'there may be others')}[/dim]")
        if outlook.surely and outlook.surely != outlook.settled_by:
            words = self.say("补齐以下全部,一定能判定", "settled either way once all of these are known")
            for one in outlook.surely:
                self.tree.add(f"[yellow]{words}: {self._facts(one)}[/yellow]")

    def _facts(self, facts: tuple[MissingFact, ...]) -> str:
        told = []
        for one in facts:
            agency = "" if one.agency is None else f" ({self.of(one.agency)})"
            told.append(self.of(one.title) + agency)
        return self.say(" 和 ", " and ").join(told)

    def _way(self, branch: Tree, way: Way, all_ways: tuple[Way, ...]) -> None:
        here = branch if len(all_ways) == 1 else branch.add(self.say("一种办法", "one way") + self._amount(way.amount))
        if len(all_ways) == 1 and way.amount is not None:
            branch.label = f"{branch.label}{self._amount(way.amount)}"
        for change in way.changes:
            here.add(self._change(change))
        for short in way.conditions:
            self._shortfall(here, short, {change.name for change in way.changes})
        if not way.smallest:
            here.add(f"[dim]{self.say('可能有改变更少的办法', 'a way with fewer changes may exist')}[/dim]")

    def _change(self, change: ChangedDatum) -> str:
        by = self.of(_BY[change.by])
        words = self.say(
            f"现为 {self.of(change.now)},需要 {self.of(change.needed)}",
            f"now {self.of(change.now)}, needs {self.of(change.needed)}",
        )
        return f"{self.of(change.title)}: {words}" + (f"  [dim]{by}[/dim]" if by else "")

    def _coming(self, coming: Coming, words: str) -> None:
        branch = self.tree.add(f"[cyan]{words} {coming.on}[/cyan]{self._amount(coming.amount)}")
        for short in coming.conditions:
            self._shortfall(branch, short, set())

    def _shortfall(self, branch: Tree, short: Shortfall, told: set[str]) -> None:
        clause = f"  〔{escape(short.clause)}〕" if short.clause else ""
        line = branch.add(f"[dim]{self.of(short.words)}{clause}[/dim]")
        for one in short.values:
            if one.name not in told:
                line.add(f"[dim]{self.of(one.title)}: {self.of(one.now)} → {self.of(one.then)}[/dim]")

    def _amount(self, fen: int | None) -> str:
        if fen is None:
            return ""
        return f"  {fen // 100:,}.{fen % 100:02d} {self.say('元', 'yuan')}"
