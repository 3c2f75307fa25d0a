"""Writes a script the other ways in which people write it: in a function, in a method, as a trainer.

What a script calls at its top level stays what it was, word for word; only its variables move: they become locals of
`main()`, or attributes of `self`. Functions that use them move along, as functions inside `main()` or as methods;
imports, classes and all other functions stay where they are. Comments go with their lines, and the names in the marks and
options of the script follow its variables.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_MARKS = re.compile(r"^(# (?:options|expect|expect-note): )(.*)$", re.M)
_LOOPS = (ast.For, ast.While)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FIXED = (ast.Import, ast.ImportFrom, ast.ClassDef)


@dataclass(frozen=True)
class Part:
    """One statement at the top level, with the comments above it."""

    node: ast.stmt
    lines: tuple[str, ...]


def as_function(text: str) -> str:
    """Return the script with everything that uses its variables inside `main()`."""
    head, parts = _parts(text)
    moving = _moving(parts)
    body = _block([part.lines for part in moving])
    return _joined(head, _fixed(parts, moving), ["def main():", *body], ["main()"])


def as_method(text: str) -> str:
    """Return the script as one method of an object in a variable, which keeps the script's variables as attributes."""
    return _as_class(
        text,
        "Experiment",
        lambda parts: [("run", parts)],
        "experiment",
        ["experiment = Experiment()", "experiment.run()"],
    )


def as_trainer(text: str) -> str:
    """Return the script as a trainer in no variable: `__init__` sets up, `train()` holds the last loop and what follows it."""

    def methods(parts: list[Part]) -> list[tuple[str, list[Part]]]:
        last = max(number for number, part in enumerate(parts) if isinstance(part.node, _LOOPS))
        return [("__init__", parts[:last]), ("train", parts[last:])]

    return _as_class(text, "Trainer", methods, "self", ["Trainer().train()"])


FORMS: dict[str, Callable[[str], str]] = {
    "script": str,
    "function": as_function,
    "method": as_method,
    "trainer": as_trainer,
}


def _as_class(
    text: str, name: str, methods: Callable[[list[Part]], list[tuple[str, list[Part]]]], known_as: str, call: list[str]
) -> str:
    """`known_as` is what the object is called where the program ends, which is how its attributes are named."""
    head, parts = _parts(text)
    moving = _moving(parts)
    functions = [part for part in moving if isinstance(part.node, _FUNCTIONS)]
    kept = {part.node.name for part in functions} | _kept(parts, functions)
    renamed = {id(part): Part(part.node, tuple(_through_self(text, part, kept))) for part in moving}
    body: list[str] = []
    for part in functions:
        opened = re.compile(rf"(def {part.node.name}\()(?=(\))?)")
        lines = [opened.sub(lambda m: m[1] + ("self" if m[2] else "self, "), line) for line in renamed[id(part)].lines]
        body += [*_block([lines]), ""]
    for method, its in methods([part for part in moving if part not in functions]):
        body += [f"    def {method}(self):"]
        body += [*_indented(_block([renamed[id(part)].lines for part in its])), ""]
    return _joined(_marks_through(known_as, head, kept), _fixed(parts, moving), [f"class {name}:", *body], call)


def _parts(text: str) -> tuple[list[str], list[Part]]:
    """Return the marks above the first statement, and the statements."""
    lines = text.splitlines()
    nodes = ast.parse(text).body
    starts = [min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) for node in nodes]
    ends = [node.end_lineno or 0 for node in nodes]
    parts = [
        Part(node, tuple(lines[before:end]))
        for node, before, end in zip(nodes, [starts[0] - 1, *ends[:-1]], ends, strict=True)
    ]
    return lines[: starts[0] - 1], parts


def _kept(parts: Iterable[Part], functions: Iterable[Part]) -> set[str]:
    """Return the variables that are more than a loop's own: set outside every loop, or used by a function."""
    outside = {
        name
        for part in parts
        if not isinstance(part.node, (*_LOOPS, *_FUNCTIONS, *_FIXED))
        for name, stored in _names(part.node)
        if stored
    }
    inside = {name for part in parts if isinstance(part.node, _LOOPS) for name, stored in _names(part.node) if stored}
    return outside | inside & {name for part in functions for name, _ in _names(part.node)}


def _moving(parts: list[Part]) -> list[Part]:
    """Return the statements, and the functions that use the script's variables, by themselves or by another one."""
    moving = [part for part in parts if not isinstance(part.node, (*_FUNCTIONS, *_FIXED))]
    bound = {name for part in moving for name, stored in _names(part.node) if stored}
    functions = [part for part in parts if isinstance(part.node, _FUNCTIONS)]
    while more := [p for p in functions if p not in moving and bound & {name for name, _ in _names(p.node)}]:
        moving += more
        bound |= {part.node.name for part in more}
    for part in parts:
        if isinstance(part.node, ast.ClassDef) and bound & {name for name, _ in _names(part.node)}:
            raise ValueError(f"class {part.node.name} uses a variable of the script, so it cannot stay outside")
    return [part for part in parts if part in moving]


def _fixed(parts: Iterable[Part], moving: list[Part]) -> list[str]:
    return [line for part in parts if part not in moving for line in part.lines]


def _names(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """Yield the names of the module's scope in a statement, each with whether it is set there."""
    for name in _global_names(node, frozenset()):
        yield name.id, isinstance(name.ctx, ast.Store)


def _global_names(node: ast.AST, hidden: frozenset[str]) -> Iterator[ast.Name]:
    """Yield every name below a node but those that a function, lambda or comprehension has for itself."""
    if isinstance(node, ast.Name):
        if node.id not in hidden:
            yield node
        return
    if isinstance(node, _SCOPES):
        own = {argument.arg for argument in ast.walk(node) if isinstance(argument, ast.arg)}
        own |= {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
        hidden |= own
    for child in ast.iter_child_nodes(node):
        yield from _global_names(child, hidden)


def _through_self(text: str, part: Part, kept: set[str]) -> list[str]:
    """Return the lines of a statement with the variables written as attributes of `self`."""
    lines = [line.encode() for line in text.splitlines()]
    for name in sorted(_global_names(part.node, frozenset()), key=lambda n: (n.lineno, n.col_offset), reverse=True):
        if name.id in kept:
            line, at = lines[name.lineno - 1], name.col_offset
            if line[at : at + len(name.id)] != name.id.encode():
                raise ValueError(f"{name.id} at line {name.lineno} has no position, as inside an f-string")
            lines[name.lineno - 1] = line[:at] + b"self." + line[at:]
    end = part.node.end_lineno or 0
    return [line.decode() for line in lines[end - len(part.lines) : end]]


def _marks_through(known_as: str, head: Iterable[str], kept: set[str]) -> list[str]:
    """Return the lines above the script with its variables, but not the losses, named through an object."""
    names = re.compile(rf"(?<![\w.*@])({'|'.join(sorted(kept))})(?!\w)")
    return [_MARKS.sub(lambda m: m[1] + names.sub(rf"{known_as}.\1", m[2]), line) for line in head]


def _block(parts: Iterable[Iterable[str]]) -> list[str]:
    """Return the statements one level deeper, without blank lines before the first."""
    lines = [line for part in parts for line in _indented(part)]
    return lines[next((number for number, line in enumerate(lines) if line), 0) :]


def _indented(lines: Iterable[str]) -> list[str]:
    """Return the lines one level deeper, but those inside a string."""
    lines = list(lines)
    inside: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
        if token.type == tokenize.STRING:
            inside.update(range(token.start[0], token.end[0]))
    return [f"    {line}" if line and number not in inside else line for number, line in enumerate(lines)]


def _joined(head: Iterable[str], fixed: Iterable[str], body: list[str], call: Iterable[str]) -> str:
    while not body[-1]:
        del body[-1]
    return "\n".join(
        [*head, *fixed, "", "", *body, "", "", 'if __name__ == "__main__":', *(f"    {line}" for line in call), ""]
    )


if __name__ == "__main__":
    path, form = sys.argv[1:]
    print(FORMS[form](Path(path).read_text("utf-8")), end="")
