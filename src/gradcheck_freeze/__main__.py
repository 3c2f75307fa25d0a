"""The entry of the command. What it imports before the program runs is put aside, so that the program finds its own."""

from __future__ import annotations

import sys

_AT_START = frozenset(sys.modules)


def main() -> None:
    """Run the command line and leave with its status."""
    first = sys.path.pop(0)  # the program's folder, or ours: what we import must not come from there
    try:
        from gradcheck_freeze.cli import command
    finally:
        sys.path.insert(0, first)
    command.main(prog_name="gradcheck-freeze")


def put_aside(folder: str) -> dict[str, object]:
    """Take out of `sys.modules` what we imported and the program may hold under the same name; return it.

    That is everything from outside the standard library, and of the standard library what a file beside the script shadows.
    """
    from pathlib import Path

    beside = {path.stem for path in Path(folder).iterdir()} if Path(folder).is_dir() else set()
    ours: dict[str, object] = {}
    for name in [name for name in sys.modules if name not in _AT_START]:
        top = name.partition(".")[0]
        if top != "gradcheck_freeze" and (top not in sys.stdlib_module_names or top in beside):
            ours[name] = sys.modules.pop(name)
    return ours


if __name__ == "__main__":
    main()
