"""The rooms keep their order: errors → trace → flow → rules → report → doors; only trace and plugins import torch."""

import ast
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src" / "gradcheck_freeze"
ORDER = (
    "errors",
    "trace",
    "flow",
    "rules",
    "report",
    "ranks",
    "comment",
    "settings",
    "conclusion",
    "api",
    "plugins",
    "cli",
    "__main__",
    "__init__",
)


def imports(tree: ast.Module) -> list[str]:
    """Return the modules that a file imports when it runs, inside functions too, but not for type checking only."""
    found = []
    hidden = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def wrong_arrows(source: Path) -> list[str]:
    """Return every import of a later room, and every import of torch outside trace and plugins."""
    wrong = []
    for path in sorted(source.rglob("*.py")):
        room = path.relative_to(source).parts[0].removesuffix(".py")
        for name in imports(ast.parse(path.read_text("utf-8"))):
            if name.partition(".")[0] == "torch" and room not in ("trace", "plugins"):
                wrong.append(f"{path.name} imports {name}")
            if name.startswith("gradcheck_freeze."):
                target = name.split(".")[1]
                allowed = room in ("__main__", "__init__", "cli") and target in ORDER
                if not allowed and (target not in ORDER or ORDER.index(target) > ORDER.index(room)):
                    wrong.append(f"{path.name} imports {name}")
    return wrong


def test_no_room_imports_a_later_one_and_only_trace_and_plugins_import_torch() -> None:
    assert wrong_arrows(SOURCE) == []


def test_the_check_finds_an_arrow_that_points_the_wrong_way(tmp_path: Path) -> None:
    (tmp_path / "flow").mkdir()
    (tmp_path / "flow" / "bad.py").write_text("import torch\nfrom gradcheck_freeze.rules.finding import Finding\n")
    assert len(wrong_arrows(tmp_path)) == 2


def test_reports_rules_and_help_load_no_torch() -> None:
    code = (
        "import sys, gradcheck_freeze, gradcheck_freeze.cli, gradcheck_freeze.rules.table, gradcheck_freeze.report.files;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
