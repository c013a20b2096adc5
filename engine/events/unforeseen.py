"""What nobody has foreseen, told like any other trouble: one event must not stop the service of all."""

from __future__ import annotations

from policies.errors import MianshenError, RunError


def as_trouble(problem: Exception) -> MianshenError:
    """Return the problem as one that can be told, with itself as cause.

    Of an unforeseen one only the kind is named, because its text may name somebody.
    """
    if isinstance(problem, MianshenError):
        return problem
    kind = type(problem).__name__
    error = RunError.of(
        "event-service-failed",
        f"事件服务出现意外错误（{kind}）",
        f"the event service met an unforeseen error ({kind})",
        help_zh="稍后用同一个 key 重报；若仍出现，请上报这一错误",
        help_en="post the event again with the same key in a moment; if it comes again, report it",
    )
    error.__cause__ = problem
    return error
