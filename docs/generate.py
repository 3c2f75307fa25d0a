"""Writes the generated pages: one per rule, their index, and the pictures of the story."""

from pathlib import Path

from gradcheck_freeze.rules.table import RULES

DOCS = Path(__file__).resolve().parent


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    rows = [
        f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.kind} | {rule.severity.word} | {rule.summary} |"
        for rule in RULES
    ]
    head = ["# The rules", "", "| code | name | kind | severity | what it says |", "|---|---|---|---|---|"]
    found = {DOCS / "rules" / "index.md": "\n".join([*head, *rows, ""])}
    for rule in RULES:
        title = f"# {rule.code} {rule.name}\n\nKind: {rule.kind}. Severity: {rule.severity.word}.\n\n"
        found[DOCS / "rules" / f"{rule.code}.md"] = title + rule.page + "\n"
    return found


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
