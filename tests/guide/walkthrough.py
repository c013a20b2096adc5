"""The authoring guide as something that can be walked: its files are written, its commands run, its outputs compared.

A fence ```` ```yaml name.yaml ```` (or `csv`) is a file that the reader writes, `diff` the file `allowance.yaml` with lines
changed; a fence ```` ```console ```` holds commands after
`$ ` and what they answer. `python tests/guide/walkthrough.py` writes the present answers into the guide.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "policies" / "guide"
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A version is the hash of the file, the same for everybody; a run, a moment and a pseudonym are not.
_VARIES = (
    (re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?\S*"), "TIME"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "ID"),
)


def languages() -> list[str]:
    """The languages in which there is a guide."""
    return sorted(path.name.split(".")[1] for path in GUIDE.glob("authoring.*.md"))


def answers(text: str, language: str, folder: Path) -> list[tuple[re.Match[str], str]]:
    """Write the files of the guide into `folder`, run its commands there; return each console with its new text."""
    consoles = []
    for fence in FENCE.finditer(text):
        kind, name, content = fence.groups()
        if kind == "console":
            consoles.append((fence, [line[2:] for line in content.splitlines() if line.startswith("$ ")]))
        elif name is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(_changed(content, folder) if kind == "diff" else content, encoding="utf-8")
    told = iter(_run([command for _, commands in consoles for command in commands], language, folder))
    return [(fence, "".join(f"$ {command}\n{next(told)}" for command in commands)) for fence, commands in consoles]


def _changed(content: str, folder: Path) -> str:
    """The file `allowance.yaml` with the lines after `-` replaced by those after `+`."""
    text = (folder / "allowance.yaml").read_text(encoding="utf-8")
    before, after = (re.findall(rf"^[{sign}](.*\n)", content, re.MULTILINE) for sign in "-+")
    for one, other in zip(before, after, strict=True):
        assert one in text, one
        text = text.replace(one, other)
    return text


def _run(commands: list[str], language: str, folder: Path) -> list[str]:
    assert all(command.startswith("mianshen ") for command in commands), commands
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MIANSHEN_")}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("one_process.py"))],
        cwd=folder,
        env=kept | {"MIANSHEN_LANG": language, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"},
        input=json.dumps([command.split()[1:] for command in commands]),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [_without_empty_lines(one) for one in json.loads(done.stdout)]


def _without_empty_lines(output: str) -> str:
    assert "Traceback" not in output, output
    lines = [line.rstrip() for line in output.splitlines()]
    return "".join(f"{line}\n" for line in lines if line)


def settled(text: str) -> str:
    """Return `text` with what differs from run to run taken out."""
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return text


def refresh() -> None:
    """Write the present answers of all commands into the guide."""
    for language in languages():
        path = GUIDE / f"authoring.{language}.md"
        text = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            for fence, now in reversed(answers(text, language, Path(folder))):
                text = f"{text[: fence.start(3)]}{now}{text[fence.end(3) :]}"
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    refresh()
