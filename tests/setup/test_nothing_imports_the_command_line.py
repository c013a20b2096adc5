"""The arrows between the folders are kept by import-linter; cli.py is a module, so its arrow is kept here."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_imports_the_command_line() -> None:
    for folder in ("policies", "profiles", "engine", "notifier"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert "cli" not in names, f"{file} imports cli.py"
