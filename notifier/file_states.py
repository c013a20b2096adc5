"""Whether files have changed on disk: what a watcher compares."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

# Modification time (ns), size (bytes) and inode.
FileState = tuple[int, int, int]
FileStates = dict[Path, FileState]


def states_of(files: Iterable[Path]) -> FileStates:
    """Return modification time, size and inode of files; one that vanishes meanwhile is left out."""
    found: FileStates = {}
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue
        found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found
