"""The web pages: what somebody was granted, and why. No script, readable on a phone, printable."""

from notifier.pages.application import create_app
from notifier.pages.login import login_link

__all__ = ["create_app", "login_link"]
