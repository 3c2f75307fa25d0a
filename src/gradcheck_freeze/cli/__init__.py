"""The command line: `run` watches a program; `report`, `merge`, `diff` and `comment` work on saved reports; `explain`
shows a rule."""

from gradcheck_freeze.cli.group import command as command
