"""What the catalog declares of life events: their data, and what each kind changes in the profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from policies.text import Bilingual
from policies.types import Type, Value

# Two words that a patch may use beside the names of the event's data.
SUBJECT, OCCURRED_ON = "subject", "occurred_on"

# register  a subject that the register did not know
# set       data of a subject
# add       an item of a collection of a subject, whole
# remove    an item that is no more
PatchEffect = Literal["register", "set", "add", "remove"]


@dataclass(frozen=True, slots=True)
class EventField:
    """One datum that comes with an event.

    type      what the value must be; `Text()` for identity numbers, contacts and numbers of items
    identity  the space whose identity number it is, else None; it becomes a pseudonym at once
    contact   the word under which the vault keeps it, else None
    required  an event without it is refused
    default   what counts if it is not given (None: then nothing is said)
    """

    name: str
    title: Bilingual
    type: Type
    identity: str | None = None
    contact: str | None = None
    required: bool = False
    default: Value = None


@dataclass(frozen=True, slots=True)
class PatchValue:
    """One datum that a patch sets: `name` of `source` becomes the datum `given` of the event, or `constant`.

    `given` is the name of a data field, `subject` or `occurred_on`; None: the constant counts (None: unknown).
    """

    name: str
    source: str
    given: str | None = None
    constant: Value = None


@dataclass(frozen=True, slots=True)
class EventPatch:
    """One change that an event makes.

    of          whose data: `subject`, or the data field that names another subject
    space       the space of that subject
    source      the register or the collection's source, for `register`, `add` and `remove`
    collection  the collection, for `add` and `remove`
    item        the data field with the item's number; None where `member` says which item it is
    member      `subject` or the data field with the member, for collections of members
    values      what becomes of which datum; those whose datum is not given are left alone
    contacts    word of the vault -> data field
    """

    effect: PatchEffect
    of: str
    space: str
    source: str = ""
    collection: str | None = None
    item: str | None = None
    member: str | None = None
    values: tuple[PatchValue, ...] = ()
    contacts: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """`space`, or `space.collection`."""
        return self.space if self.collection is None else f"{self.space}.{self.collection}"


@dataclass(frozen=True, slots=True)
class EventKind:
    """One kind of life event.

    space     the space of its subject
    data      name -> field, in the order declared
    patches   what it changes
    requires  `subject` or data field -> a yes-or-no attribute: known to be no before that day, the event
              contradicts what is known
    """

    name: str
    title: Bilingual
    agency: Bilingual
    space: str
    data: Mapping[str, EventField]
    patches: tuple[EventPatch, ...]
    requires: Mapping[str, str] = field(default_factory=dict)

    @property
    def registers_subject(self) -> bool:
        """Whether its own subject is new by it (the foundation of a company)."""
        return any(patch.effect == "register" and patch.of == SUBJECT for patch in self.patches)
