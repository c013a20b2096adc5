"""The secret key of an installation: one file, for its owner's eyes only; all keys are derived from it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from hashlib import blake2b
from typing import Literal

from policies.errors import StoreError
from profiles.home import Home

Purpose = Literal["pseudonym", "vault", "contact", "pages", "event", "event-token"]
KEY_BYTES = 32


def secret_key(home: Home) -> bytes:
    """Return the 32 secret bytes of `home`, made (mode 0600) on first use.

    Raises:
        StoreError: the file is damaged, or it is gone although the store or the vault was built with it.
    """
    try:
        text = home.key.read_text("ascii").strip()
    except FileNotFoundError:
        _make(home)
        text = home.key.read_text("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    except OSError as problem:
        raise StoreError.of(
            "key-unreadable",
            f"无法读取密钥文件 `{home.key}`",
            f"the key file `{home.key}` cannot be read",
            help_zh="请用创建它的用户运行",
            help_en="run as the user who made it",
        ) from problem
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise StoreError.of(
            "key-damaged",
            f"密钥文件 `{home.key}` 已损坏",
            f"the key file `{home.key}` is damaged",
            help_zh="请从备份恢复密钥文件；没有它，密库无法打开",
            help_en="restore the key file from a backup; without it the vault cannot be opened",
        )
    return key


def _make(home: Home) -> None:
    manifest = home.store / "manifest.json"
    if manifest.exists() or home.vault.exists():
        # A new key would give every person a new pseudonym and make the vault unreadable for ever.
        raise StoreError.of(
            "key-missing",
            f"存储已存在，但密钥文件 `{home.key}` 不见了",
            f"the store exists but its key file `{home.key}` is gone",
            help_zh="请从备份恢复密钥文件",
            help_en="restore the key file from a backup",
        )
    home.path.mkdir(parents=True, exist_ok=True)
    draft = home.path / f".secret.{os.getpid()}.{secrets.token_hex(4)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A hard link fails if another process was first: both then read the same key.
        with suppress(FileExistsError):
            os.link(draft, home.key)
    finally:
        draft.unlink(missing_ok=True)


def derived_key(secret: bytes, purpose: Purpose) -> bytes:
    """Return the 32-byte key for one purpose; keys of different purposes say nothing about each other."""
    return blake2b(purpose.encode(), key=secret, digest_size=KEY_BYTES, person=b"mianshen").digest()


def key_fingerprint(secret: bytes) -> str:
    """Return 16 hexadecimal digits that tell two secrets apart without giving either away."""
    return blake2b(b"fingerprint", key=secret, digest_size=8, person=b"mianshen").hexdigest()
