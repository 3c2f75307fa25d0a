"""Lines for a terminal: wrapped, cropped and set in columns, measured in cells and without trailing space."""

from __future__ import annotations

import io
from collections.abc import Container, Sequence

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

Cell = tuple[str, str]  # text and style
_LEAST_CELLS = 6  # a column is not squeezed below this
_GAP = "  "


def wrap(text: Text, width: int, indent: str = "  ", first: Text | None = None) -> list[Text]:
    """Return text as lines of at most `width` cells behind an indent, in whose place the first line may have its own."""
    # rich asks for a console here and does not look at it.
    console = Console(file=io.StringIO(), color_system=None)
    lines: list[Text] = []
    for line in text.wrap(console, max(_LEAST_CELLS, width - cell_len(indent))):
        line.rstrip()
        # A sum of two texts would carry the style of the first one over the second.
        lines.append(Text.assemble(Text(indent) if first is None or lines else first, line))
    return lines


def crop(text: str, cells: int) -> str:
    """Return the beginning of a text, with an ellipsis where something is missing."""
    if cell_len(text) <= cells:
        return text
    cropped = Text(text)
    cropped.truncate(max(1, cells), overflow="ellipsis")
    return cropped.plain.rstrip()


def squeeze(text: str, cells: int) -> str:
    """Return both ends of a name, with an ellipsis between them where it is too long: the last part tells most."""
    if cell_len(text) <= cells:
        return text
    head, tail = text[: max(1, cells // 3)], ""
    for character in reversed(text):
        if cell_len(head) + 1 + cell_len(character + tail) > cells:
            break
        tail = character + tail
    return f"{head}…{tail}"


def fold(text: str, cells: int) -> list[str]:
    """Return the rows of a line of source, broken after a space where one is near; joined they are the line."""
    rows = []
    while cell_len(text) > cells:
        row = chop_cells(text, cells)[0]
        space = row.rstrip().rfind(" ") + 1
        rows.append(row[:space] if space > len(row) // 2 else row)
        text = text[len(rows[-1]) :]
    return [*rows, text]


def columns(
    head: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    width: int,
    right: Container[int] = (),
    fixed: Container[int] = (),
) -> list[Text]:
    """Return a table as lines: columns in `right` are set flush right; the widest that is not `fixed` gives way."""
    cells: list[list[Cell]] = [[(title, "bold") for title in head], *(list(row) for row in rows)]
    widths = [max(cell_len(row[index][0]) for row in cells) for index in range(len(head))]
    room = width - len(_GAP) * len(head)
    yielding = [index for index in range(len(head)) if index not in fixed]
    while sum(widths) > room and widths[widest := max(yielding, key=widths.__getitem__)] > _LEAST_CELLS:
        widths[widest] -= 1
    return [_row(row, widths, right) for row in cells]


def _row(row: Sequence[Cell], widths: Sequence[int], right: Container[int]) -> Text:
    line = Text()
    for index, ((text, style), width) in enumerate(zip(row, widths, strict=True)):
        short = squeeze(text, width)
        space = " " * (width - cell_len(short))
        line.append(_GAP)
        line.append(space if index in right else "")
        line.append(short, style)
        line.append("" if index in right else space)
    line.rstrip()
    return line
