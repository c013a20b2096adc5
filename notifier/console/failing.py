"""How a failure looks in the terminal, and which exit code it has."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from notifier.console.speech import Speech
from policies.errors import MianshenError, StoreError
from policies.text import Bilingual

P = ParamSpec("P")
R = TypeVar("R")

# A run that finished, but in which at least one policy was held or failed, needs a person.
EXIT_NEEDS_A_PERSON = 10
EXIT_INTERRUPTED = 130

_RIGHTS = Bilingual("检查文件和目录的权限", "check the permissions of the file and its folder")
_SPACE = Bilingual("腾出磁盘空间后再试", "free some disk space and try again")
_REMEDIES = {
    errno.ENOENT: Bilingual("检查路径:没有这个文件或目录", "check the path: there is no such file or folder"),
    errno.EISDIR: Bilingual("给出文件,而不是目录", "name a file, not a folder"),
    errno.ENOTDIR: Bilingual("给出目录:路径中有一段是文件", "check the path: a part of it is a file, not a folder"),
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
}
_OTHER_REMEDY = Bilingual("检查路径、权限和磁盘空间", "check the path, the permissions and the free disk space")

EXIT_CODES = (
    (0, "完成", "done"),
    (1, "检查或测试有不通过的项", "a check or an example did not pass"),
    (
        2,
        "命令、选项或设置有误,或没有这项政策",
        "the command, an option or a setting is wrong, or there is no such policy",
    ),
    (3, "规则文件有误", "a rule file is wrong"),
    (4, "目录文件有误", "a catalog file is wrong"),
    (5, "数据文件被整体拒收", "an extract file was refused as a whole"),
    (6, "画像库或密库打不开、被占用或损坏", "the profile store or the vault is missing, locked or damaged"),
    (7, "账本规则不允许,或账本打不开", "the ledger does not allow it, or cannot be opened"),
    (8, "批次无法计划或继续", "a run cannot be planned or continued"),
    (9, "通知渠道未配置或拒绝发送", "a channel is not configured, or refuses for good"),
    (
        EXIT_NEEDS_A_PERSON,
        "批次完成,但有政策被暂停或失败,需人工处理",
        "the run finished, but a policy was held or failed",
    ),
    (11, "有事件被拒收", "a life event was refused"),
    (
        12,
        "durable-rules 不能表达该政策,或其进程无法维持",
        "durable-rules cannot express a policy, or cannot be kept running",
    ),
    (EXIT_INTERRUPTED, "被中断;再次运行会接着做", "interrupted; run again to continue"),
)


def guarded(speech: Speech) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that shows a failure as its diagnostics and leaves with its exit code.

    A failure is a `MianshenError`, or what the operating system refuses.
    """

    def decorate(command: Callable[P, R]) -> Callable[P, R]:
        @wraps(command)
        def run(*arguments: P.args, **options: P.kwargs) -> R:
            try:
                return command(*arguments, **options)
            except MianshenError as error:
                for diagnostic in error.diagnostics:
                    print(diagnostic.render(speech.language), file=sys.stderr)
                raise SystemExit(error.exit_code) from None
            except BrokenPipeError:
                raise  # the reader of the output has left; the command line ends quietly
            except OSError as error:
                refused = _refused_by_the_system(error)
                print(refused.diagnostics[0].render(speech.language), file=sys.stderr)
                raise SystemExit(refused.exit_code) from None
            except KeyboardInterrupt:
                print(speech("已中断;再次运行会接着做", "interrupted; run again to continue"), file=sys.stderr)
                raise SystemExit(EXIT_INTERRUPTED) from None

        return run

    return decorate


def _refused_by_the_system(error: OSError) -> StoreError:
    """Return what the operating system refused: a full disk, a missing right, a file where a folder should be."""
    what, where = error.strerror or str(error), error.filename or "-"
    remedy = _REMEDIES.get(error.errno or 0, _OTHER_REMEDY)
    return StoreError.of(
        "refused-by-system",
        f"操作系统拒绝了对 `{where}` 的操作:{what}",
        f"the operating system refused `{where}`: {what}",
        help_zh=f"{remedy.zh};已提交的内容不受影响",
        help_en=f"{remedy.en}; what was committed is safe",
    )
