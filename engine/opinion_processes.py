"""Idle cores take a share of the second opinion.

Deciding with the interpreter and with durable-rules is work for one core; a process of its own on each of the others
decides its share of the subjects. It opens the same pinned profiles, is told what the batch answered, and says by
policy how many it has found in agreement. Everything else stays with the process that asked: a policy with a
difference, or one that could not be decided again, is decided there once more, and so is the whole share of a process
that died. So it takes longer then, and the opinion is the same.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.child_process import ChildProcess, Gone
from engine.matching import Profiles
from engine.opinion_deciding import Noted, Opinion, Share
from engine.past_grants import reads_grants
from policies.policy import FixedPolicy
from policies.vocabulary import Vocabulary
from profiles.snapshot import Snapshot

_MOST = 7  # processes; each takes some 200 MB
_WORTH_STARTING = 1_000  # subjects that a run decides: less is done before a process has started
_WORTH_SHARING = 2_000  # decisions: less is done before an answer is back
_PATIENCE = 120.0  # seconds for an answer, beside ten times what the asking process took for a share of that size


@dataclass(slots=True)
class Asked:
    """A share that another process decides."""

    share: Share
    _child: ChildProcess
    _since: float

    def answer(self) -> Mapping[str, Opinion]:
        """Wait for the answer: of each policy found in full agreement how many; none of a process that is gone."""
        now = time.monotonic()
        try:
            found = pickle.loads(self._child.receive(now + _PATIENCE + 10 * (now - self._since)))
        except Gone:
            self._child.end()
            return {}
        assert isinstance(found, dict)
        return found


@dataclass(slots=True)
class OpinionProcesses:
    """The processes of one run; none until they are started, and where there is no idle core."""

    _children: list[ChildProcess] = field(default_factory=list)
    _ready: list[ChildProcess] = field(default_factory=list)
    _here: frozenset[str] = frozenset()

    def start(
        self,
        fixed: Sequence[FixedPolicy],
        vocabulary: Vocabulary,
        profiles: Profiles,
        subjects: int,
        folder: Path,
    ) -> None:
        """Start a process for each idle core, and do not wait for them; see `SecondOpinion.prepare`."""
        number = min(idle_cores(), _MOST)
        if number < 1 or subjects < _WORTH_STARTING or not isinstance(profiles, Snapshot) or profiles.home is None:
            return
        # The ledger is read by one process.
        self._here = frozenset(one.policy.id for one in fixed if reads_grants(one.policy))
        away = tuple(one for one in fixed if one.policy.id not in self._here)
        work = (away, vocabulary, profiles.catalog, profiles.home, profiles.on, profiles.versions)
        file = folder / "second-opinion"
        file.write_bytes(pickle.dumps(work, protocol=pickle.HIGHEST_PROTOCOL))
        for _ in range(number):
            try:
                # Its reads are small: threads of its own would only take the cores of the others.
                environment = {"POLARS_MAX_THREADS": "1"}
                self._children.append(ChildProcess("engine.opinion_child", str(file), environment=environment))
            except OSError:
                break

    def share_out(self, noted: Share) -> tuple[Share, list[Asked]]:
        """Hand out shares to the processes that are ready; return what is left for this one, and what was asked."""
        if sum(len(one.subjects) for each in noted.values() for one in each.values()) < _WORTH_SHARING:
            return noted, []
        ready = self.ready()
        if not ready:
            return noted, []
        own, *others = shares(noted, 1 + len(ready), self._here)
        asked = []
        for child, share in zip(ready, others, strict=True):
            now = time.monotonic()
            try:
                child.send(pickle.dumps(share, protocol=pickle.HIGHEST_PROTOCOL), now + _PATIENCE)
            except Gone:
                child.end()
            asked.append(Asked(share, child, now))
        return own, asked

    def ready(self) -> list[ChildProcess]:
        """Return the processes that have said so and still live."""
        for child in self._children:
            if child not in self._ready and child.pid is not None and child.says_something():
                try:
                    child.receive(time.monotonic() + 1)
                    self._ready.append(child)
                except Gone:
                    child.end()
        return [child for child in self._ready if child.pid is not None]

    def close(self) -> None:
        """End them all."""
        for child in self._children:
            child.end()
        self._children, self._ready = [], []


def shares(noted: Share, number: int, here: frozenset[str]) -> list[Share]:
    """Divide by subjects, so that what is read of one is read once; the first share has all of the policies `here`."""
    divided: list[Share] = [{} for _ in range(number)]
    for space, by_policy in noted.items():
        everybody = sorted({subject for one in by_policy.values() for subject in one.subjects})
        place = {subject: number * rank // len(everybody) for rank, subject in enumerate(everybody)}
        for name, one in by_policy.items():
            parts = [Noted(told_apart=one.told_apart) for _ in range(number)]
            for subject in one.subjects:
                parts[0 if name in here else place[subject]].subjects.append(subject)
            for (subject, unit), answer in one.given.items():
                parts[0 if name in here else place[subject]].given[subject, unit] = answer
            for share, part in zip(divided, parts, strict=True):
                if part.subjects:
                    share.setdefault(space, {})[name] = part
    return divided


def idle_cores() -> int:
    """Return how many cores this process may use beside its own."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return usable - 1
