"""What an operator or author sees in the terminal: texts, tables and the demo, in Chinese and English.

Everything that prints lives here, in `notifier.commands` or in cli.py; the rest of the project returns values and raises errors.
"""
