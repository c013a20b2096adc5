"""`policies check` names what durable-rules cannot express exactly; the other engines decide such a policy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_checking_a_file_names_the_construct_that_durable_rules_refuses(tmp_path: Path) -> None:
    text = (ROOT / "policies" / "cn-31" / "elderly-allowance.yaml").read_text(encoding="utf-8")
    names = ("dibao", "tekun", "orphan")
    pairs = " and ".join(
        f"({' or '.join(f'({name} and age != {10 * number + place})' for place, name in enumerate(names))})"
        for number in range(8)
    )
    file = tmp_path / "many-alternatives.yaml"
    file.write_text(text.replace("- when: alive", f"- when: alive and ({pairs})").replace("{when: alive,", f"{{when: 'alive and ({pairs})',"), encoding="utf-8")  # fmt: skip
    assert pairs in file.read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "cli.py", "--lang", "en", "policies", "check", str(file), "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = json.dumps(json.loads(done.stdout))
    assert done.returncode == 0, done.stderr
    assert "not-expressible" in told
    assert "alternatives" in told
    words = subprocess.run(
        [sys.executable, "cli.py", "--lang", "en", "policies", "check", str(file)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "durable-rules cannot express exactly" in words.stdout + words.stderr
