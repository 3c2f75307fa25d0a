"""Random programs: what the tool says of every parameter, loss, optimizer and line is what PyTorch itself says."""

from pathlib import Path
from types import ModuleType

import pytest

PROGRAMS, CHUNK = 520, 20


@pytest.mark.parametrize("start", range(0, PROGRAMS, CHUNK))
def test_every_verdict_on_a_random_program_is_that_of_torch(
    start: int, tmp_path: Path, programs: ModuleType, oracle: ModuleType, compare: ModuleType
) -> None:
    for seed in range(start, start + CHUNK):
        found = compare.disagreements(programs.program(seed), tmp_path / f"program{seed}.py", oracle)
        assert not found, f"python tests/properties/replay.py {seed} shows the program.\n" + "\n".join(found)
