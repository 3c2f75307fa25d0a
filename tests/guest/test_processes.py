"""`python x.py` and `python -m gradcheck_freeze run x.py`, each in a process of its own that has imported nothing before."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TRAININGS = Path(__file__).resolve().parent / "trainings"
THREADS = """import os; os.environ["OMP_NUM_THREADS"] = "3"
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Linear(64, 64)
opt = torch.optim.Adam(net.parameters())
for _ in range(3):
    loss = net(torch.randn(32, 64)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
print(torch.get_num_threads(), net.weight.double().sum().item())
torch.save(opt.state_dict(), "end.pt")
"""
PROGRAMS = {
    "loader with spawned workers": (TRAININGS / "loader_spawn.py").read_text()
    + "torch.save(net.state_dict(), 'end.pt')\n",
    "number of threads on the first line": THREADS,
    "raises": (TRAININGS / "raises.py").read_text(),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_in_a_process_of_its_own_ends_to_the_byte_as_without_us(name: str, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    folders = [tmp_path / "plain" / "work", tmp_path / "ours" / "work"]
    tools: list[list[str]] = [[], ["-m", "gradcheck_freeze", "run", "--fail-on", "never"]]
    running = []
    for folder, tool in zip(folders, tools, strict=True):
        folder.mkdir(parents=True)
        (folder / "program.py").write_text(PROGRAMS[name])
        command = [sys.executable, *tool, "program.py"]
        running.append(subprocess.Popen(command, cwd=folder, env=environment, stdout=-1, stderr=-1, text=True))
    (out, err), (our_out, our_err) = (process.communicate(timeout=200) for process in running)
    assert (running[1].returncode, our_out) == (running[0].returncode, out), our_err
    assert out
    shown = [re.sub(r"^gradcheck-freeze: .*", "", text, flags=re.S | re.M) for text in (err, our_err)]
    assert shown[1].replace(str(folders[1]), "") == shown[0].replace(str(folders[0]), "")
    files = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert files[1] == files[0]
