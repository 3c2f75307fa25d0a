"""The generated pages are as the code says now, and what the documents tell the reader to do is what is done."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = generator()


def test_the_generated_pages_are_not_stale() -> None:
    for path, text in GENERATE.pages().items():
        assert path.read_text("utf-8") == text, f"{path.name} is stale: run make docs"


def test_no_page_is_left_of_a_rule_that_is_gone() -> None:
    kept = {path for path in GENERATE.pages() if path.parent.name == "rules"}
    assert set((ROOT / "docs" / "rules").iterdir()) == kept


@pytest.mark.parametrize("name", sorted(GENERATE.RUNS))
def test_the_report_beside_an_example_is_the_one_it_gives(name: str, tmp_path: Path) -> None:
    GENERATE.write_report(name, (".txt",), tmp_path)
    kept = GENERATE.REPORTS / f"{name}.txt"
    assert (tmp_path / kept.name).read_text("utf-8") == kept.read_text("utf-8"), f"{kept.name} is stale: run make docs"
    assert kept.with_suffix(".svg").is_file()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = re.findall(r"^    (.*-m pytest .*)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert len(commands) == 1
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert commands[0] in [line.strip() for line in lines]


@pytest.mark.parametrize(
    "page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_link_between_files_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []
