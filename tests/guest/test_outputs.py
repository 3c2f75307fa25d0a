"""Reports that cannot be written, and saved reports that are not what they should be, end in a message and a status."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent.parent / "src" / "gradcheck_freeze"
PROGRAM = """
import torch
net = torch.nn.Linear(2, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(2):
    opt.zero_grad(); net(torch.randn(3, 2)).sum().backward(); opt.step()
print("trained")
"""


def tool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gradcheck_freeze", *arguments],
        cwd=folder,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_files_that_cannot_be_written_are_told_and_the_others_and_the_printed_report_are_there(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(PROGRAM)
    (tmp_path / "file").write_text("in the way")
    outputs = ("-o", "file/r.json", "-o", "absent/r.html", "-o", "good.json")
    if Path("/dev/full").exists():
        outputs = (*outputs, "--format", "json", "-o", "/dev/full")
    done = tool(tmp_path, "run", *outputs, "p.py")
    assert done.stdout == "trained\n"
    assert done.returncode == 2, done.stderr
    assert "every parameter learns" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "good.json").read_text())["findings"] == []
    for path in ("file/r.json", "absent/r.html", *(["/dev/full"] if Path("/dev/full").exists() else [])):
        assert path in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == [
        "file",
        "good.json",
        "p.py",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"schema_version": "__import__(\'os\')._exit(9)"}',
        "[" * 100_000,
        '{"schema_version": 1, "findings": ' + "9" * 5000 + "}",
        '{"schema_version": 1, "parameters": [{"__reduce__": ["os._exit", [9]]}], "losses": [], "findings": []}',
        "\0",
        "cos\n_exit\n(I9\ntR.",
    ],
)
def test_a_saved_report_that_is_none_is_refused_in_words(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(text)
    done = tool(tmp_path, "report", "r.json")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("gradcheck-freeze: ")
    assert "Traceback" not in done.stderr


def test_nothing_of_ours_can_run_code_out_of_a_file() -> None:
    banned = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not banned & {name.partition(".")[0] for name in names}, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ({"eval"} if path.name == "program.py" else {"eval", "exec"}), path
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                pytest.fail(f"torch.load in {path}")
