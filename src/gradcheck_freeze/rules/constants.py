"""Reads off the source which strings a name, an option or an entry of a configuration holds: the patterns of a freeze, say."""

from __future__ import annotations

import ast
import re

from gradcheck_freeze.rules.syntax import Function, around, called, calls_in, files, tree_of
from gradcheck_freeze.trace.record import Trace

_DEEP = 3  # names followed one after the other
_CALLS = 8  # calls of one function that are looked into


def strings_of(trace: Trace, path: str, node: ast.expr | None, depth: int = _DEEP) -> list[str]:
    """Return the strings that an expression may stand for, by whatever gives them; none where that cannot be told."""
    if node is None or not depth:
        return []
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return [text for part in node.elts for text in strings_of(trace, path, part, depth)]
    if isinstance(node, ast.Lambda):
        return strings_of(trace, path, node.body, depth)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "split":
        return [
            part for text in strings_of(trace, path, node.func.value, depth) for part in re.findall(r"[\w.]+", text)
        ]
    if isinstance(node, ast.Call) and called(node) in ("field", "tuple", "list", "set", "frozenset"):
        given = [*node.args, *(k.value for k in node.keywords if k.arg in ("default", "default_factory"))]
        return [text for part in given for text in strings_of(trace, path, part, depth)]
    if isinstance(node, ast.Name):
        return _of_name(trace, path, node, depth - 1)
    if isinstance(node, ast.Attribute):
        return _given(trace, node.attr, depth - 1)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return _given(trace, node.slice.value, depth - 1)
    return []


def _of_name(trace: Trace, path: str, node: ast.Name, depth: int) -> list[str]:
    functions = [held for held in around(path, node.lineno) if isinstance(held, Function)]
    arguments = functions[-1].args if functions else None
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)] if arguments else []
    if functions and arguments and node.id in names:
        given = [*arguments.posonlyargs, *arguments.args]
        defaults = dict(
            zip([a.arg for a in given[len(given) - len(arguments.defaults) :]], arguments.defaults, strict=True)
        )
        defaults |= {
            a.arg: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None
        }
        own = names.index(node.id) - (names[0] in ("self", "cls"))
        found: list[str] = []
        for where in files(trace):
            calls = [call for call in calls_in(tree_of(where)) if called(call) == functions[-1].name]
            for call in calls[:_CALLS]:
                value = next((k.value for k in call.keywords if k.arg == node.id), None)
                value = value or (call.args[own] if 0 <= own < len(call.args) else defaults.get(node.id))
                found += strings_of(trace, where, value, depth)
        return found
    for within in (*functions[-1:], tree_of(path)):
        for made in ast.walk(within):
            if isinstance(made, ast.Assign) and any(isinstance(t, ast.Name) and t.id == node.id for t in made.targets):
                return strings_of(trace, path, made.value, depth)
    return []


def _given(trace: Trace, name: str, depth: int) -> list[str]:
    """Return what an option, a field, a keyword or an entry of this name is given in the run's files."""
    spelt = {"--" + name, "--" + name.replace("_", "-")}
    if trace.script and any(argument.partition("=")[0] in spelt for argument in trace.script.arguments):
        return []
    found: list[str] = []
    for path in files(trace):
        values: list[ast.expr | None] = []
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and called(node) == "add_argument":
                if any(isinstance(a, ast.Constant) and a.value in spelt | {name} for a in node.args):
                    values += [k.value for k in node.keywords if k.arg == "default"]
            elif isinstance(node, ast.keyword) and node.arg == name:
                values.append(node.value)
            elif isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                values += [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == name]
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                ends = [
                    t.attr if isinstance(t, ast.Attribute) else t.id if isinstance(t, ast.Name) else "" for t in targets
                ]
                values += [node.value] if name in ends else []
        found += [text for value in values for text in strings_of(trace, path, value, depth)]
    return list(dict.fromkeys(found))
