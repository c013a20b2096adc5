"""What all expressions of one rule file share while they are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from policies.errors import PolicyError
from policies.operands import Operand, Quotient
from policies.periods import PeriodKind
from policies.policy import Parameter
from policies.scopes import Reads
from policies.source import Spot
from policies.tree import Aggregate, Attribute, Node, ParameterValue, children
from policies.vocabulary import Attribute as Datum
from policies.vocabulary import Vocabulary

NODE_LIMIT = 5_000
TREE_DEPTH_LIMIT = 120


@dataclass(slots=True)
class Context:
    """The vocabulary, the policy's own names, and what its expressions have used so far.

    `definition` returns the checked definition of a name; it is set by `policies.checking`, which checks
    definitions on demand so that their order is free. `broken` holds the parameters that have mistakes of
    their own: whoever uses one reports that mistake, and it is shown once.
    """

    vocabulary: Vocabulary
    period: PeriodKind
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    broken: Mapping[str, PolicyError] = field(default_factory=dict)
    definition_names: frozenset[str] = frozenset()
    definition: Callable[[str, Spot], Operand] | None = None
    sensitive: Mapping[str, str] = field(default_factory=dict)
    reads: Reads = field(default_factory=Reads)
    sensitive_used: set[str] = field(default_factory=set)
    parameters_used: set[str] = field(default_factory=set)
    derived: dict[tuple[str, str, int, tuple[str, ...], int], Node] = field(default_factory=dict)
    deriving: list[tuple[str, str]] = field(default_factory=list)
    _sizes: dict[int, tuple[int, int, Node]] = field(default_factory=dict)

    def parameter(self, name: str) -> Parameter | None:
        """Return a parameter, or None. Raises the PolicyError of one that has a mistake itself."""
        if name in self.broken:
            raise self.broken[name]
        return self.parameters.get(name)

    def read(self, owner: str, datum: Datum, spot: Spot) -> None:
        """Record that a stored attribute is read; sensitive ones must be declared with a purpose."""
        self.open(owner, datum, spot)
        self.reads.add(owner, datum.name)

    def open(self, owner: str, datum: Datum, spot: Spot) -> None:
        """Raise PolicyError `sensitive-not-declared` unless the policy may see `datum`."""
        if datum.sensitivity != "sensitive":
            return
        for key in (datum.name, f"{owner}.{datum.name}"):
            if key in self.sensitive:
                self.sensitive_used.add(key)
                return
        raise spot.error(
            "sensitive-not-declared",
            f"`{datum.name}`（{datum.title.zh}）是敏感信息，本政策没有声明用途",
            f"`{datum.name}` ({datum.title.en}) is sensitive and this policy declares no purpose for it",
            f"在 `sensitive:` 中写 `{datum.name}: 用途`",
            f"write `{datum.name}: purpose` under `sensitive:`",
        )

    def measure(self, operand: Operand, spot: Spot) -> None:
        """Raise PolicyError if the tree, definitions written out, has become too large or too deep."""
        parts = (operand.numerator, operand.denominator) if isinstance(operand, Quotient) else (operand,)
        for node in parts:
            size, depth = self._size(node)
            if size > NODE_LIMIT:
                raise too_many_nodes(spot, size)
            if depth > TREE_DEPTH_LIMIT:
                raise spot.error(
                    "too-deep",
                    f"定义层层引用，展开后深达 {depth} 层，上限 {TREE_DEPTH_LIMIT}",
                    f"definitions refer to definitions {depth} levels deep; the limit is {TREE_DEPTH_LIMIT}",
                    "减少定义之间的层层引用",
                    "shorten the chain of definitions",
                )

    def _size(self, node: Node) -> tuple[int, int]:
        known = self._sizes.get(id(node))
        if known is None:
            parts = [self._size(child) for child in children(node)]
            size = 1 + self._copies(node) * sum(size for size, _ in parts)
            depth = 1 + max((depth for _, depth in parts), default=0)
            # The node is kept, so that its id is not given to another one.
            known = self._sizes[id(node)] = (size, depth, node)
        return known[0], known[1]

    def _copies(self, node: Node) -> int:
        """Return how often the parts of `node` will stand in the tree once the policy is fixed."""
        parameter = self.parameters.get(node.name) if isinstance(node, ParameterValue) else None
        if parameter is None or not isinstance(node, ParameterValue):
            return 1
        brackets = [len(content) for _, content in parameter.dated if isinstance(content, tuple)]
        versions = len(parameter.dated) if node.at is not None else 1
        return max(brackets, default=1) * (2 if brackets else 1) * versions

    def measure_whole(self, nodes: Iterable[Node], spot: Spot) -> None:
        """Raise PolicyError if all expressions of the policy together are too large."""
        size = sum(self._size(node)[0] for node in nodes)
        if size > NODE_LIMIT:
            raise too_many_nodes(spot, size)


def too_many_nodes(spot: Spot, size: int) -> PolicyError:
    """Return the error of a policy that is too large once its definitions are written out."""
    return spot.error(
        "too-many-nodes",
        f"展开定义后有 {size:,} 个节点，上限 {NODE_LIMIT:,}",
        f"with its definitions written out it has {size:,} nodes; at most {NODE_LIMIT:,} are allowed",
        "减少重复引用，或拆分政策",
        "refer to definitions less often, or split the policy",
    )


def depends_on_data(operand: Operand) -> bool:
    """Return True if the operand looks at anybody's data."""
    if isinstance(operand, Quotient):
        return depends_on_data(operand.numerator) or depends_on_data(operand.denominator)
    if isinstance(operand, Attribute | Aggregate):
        return True
    return any(depends_on_data(child) for child in children(operand))
