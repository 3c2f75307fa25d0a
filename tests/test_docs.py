"""The generated pages are as the rules say now."""

import importlib.util
from pathlib import Path

GENERATOR = Path(__file__).resolve().parent.parent / "docs" / "generate.py"


def test_the_rule_pages_are_not_stale() -> None:
    spec = importlib.util.spec_from_file_location("generate", GENERATOR)
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for path, text in generate.pages().items():
        assert path.read_text("utf-8") == text, f"{path.name} is stale: run make docs"
