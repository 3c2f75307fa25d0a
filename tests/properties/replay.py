"""Replays random programs by seed: `python tests/properties/replay.py SEED [END]` prints what disagrees.

With one seed the source is printed too, with its line numbers, and what the tool says of the program.
"""

import sys
import tempfile
from pathlib import Path

from conftest import load


def main(first: int, end: int) -> int:
    programs, oracle, compare = load("programs"), load("oracle"), load("compare")
    failed = 0
    for seed in range(first, end):
        source = programs.program(seed)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"program{seed}.py"
            try:
                found = compare.disagreements(source, path, oracle)
            except Exception as error:
                found = [f"raised {type(error).__name__}: {error}"]
            if end == first + 1:
                _show(source, compare.with_the_tool(source, path, oracle)[0])
        failed += bool(found)
        for text in found:
            print(f"seed {seed}: {text}")
    print(f"{failed} of {end - first} programs disagree", file=sys.stderr)
    return int(failed > 0)


def _show(source: str, diagnosis: object) -> None:
    for number, line in enumerate(source.splitlines(), 1):
        print(f"{number:4} {line}")
    for finding in diagnosis.findings:
        line = finding.cause.line if finding.cause else None
        print(f"{finding.rule} line {line}: {finding.message.format(where=finding.where)} {finding.parameters}")


if __name__ == "__main__":
    start = int(sys.argv[1])
    sys.exit(main(start, int(sys.argv[2]) if len(sys.argv) > 2 else start + 1))
