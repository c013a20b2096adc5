"""The commands by group: parse, call, print, exit code. `cli.py` puts them together.

Everything heavy is imported inside the commands, so that `--help` answers at once.
"""
