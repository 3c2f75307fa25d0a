"""The entry of the command."""

from __future__ import annotations

import sys

_AT_START = frozenset(sys.modules)


def main() -> None:
    """Run the command line and leave with its status."""
    sys.path.pop(0)  # our folder, or the program's, which gets it back when it runs: we must not import from there
    from gradcheck_freeze.cli import command

    command.main(prog_name="gradcheck-freeze", obj=_AT_START)


if __name__ == "__main__":
    main()
