"""Reads off the source which of the run's parameters an expression stands for: `self.encoder.parameters()`, `net.blocks[:2]`."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from gradcheck_freeze.rules.syntax import Function, around, called, calls_in, files, function_around, tree_of
from gradcheck_freeze.trace.record import Trace

_GIVING = {
    "parameters",
    "named_parameters",
    "modules",
    "named_modules",
    "children",
    "named_children",
    "values",
    "items",
    "requires_grad_",
    "get_submodule",
}
_DEEP = 6  # names followed one after the other
_MOST = 2000  # expressions looked at for one


def denoted(trace: Trace, path: str, node: ast.expr, bound: Mapping[str, set[str]] | None = None) -> set[int]:
    """Return the parameters below what an expression names; none where that cannot be told."""
    names = _Names(trace).of(path, node, dict(bound or {}), _DEEP)
    return {
        t
        for t, record in enumerate(trace.tensors)
        if record.kind == "parameter"
        and any(name == known or name.startswith(known + ".") for known in names for name in record.names)
    }


class _Names:
    """The names of a run's modules and tensors, and what the expressions of its sources say of them."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.left = _MOST
        self.modules = {name for module in trace.modules for name in (module.name, *module.aliases)}
        self.all = self.modules | {name for tensor in trace.tensors for name in tensor.names if name}

    def of(self, path: str, node: ast.expr, bound: dict[str, set[str]], depth: int) -> set[str]:
        """Return the names that an expression stands for."""
        self.left -= 1
        if not depth or self.left < 0:
            return set()
        if isinstance(node, ast.Name):
            return bound[node.id] if node.id in bound else self._of_name(path, node, bound, depth - 1)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(path, node, bound, depth)
        if isinstance(node, ast.Subscript):
            return self._of_item(self.of(path, node.value, bound, depth), node.slice)
        if isinstance(node, (ast.GeneratorExp, ast.ListComp)):
            inner = dict(bound)
            for part in node.generators:
                found = self.of(path, part.iter, inner, depth)
                inner.update({n.id: found for n in ast.walk(part.target) if isinstance(n, ast.Name)})
            return self.of(path, node.elt, inner, depth)
        if isinstance(node, ast.Starred):
            return self.of(path, node.value, bound, depth)
        if isinstance(node, (ast.List, ast.Tuple)):
            return set().union(*(self.of(path, part, bound, depth) for part in node.elts))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.of(path, node.left, bound, depth) | self.of(path, node.right, bound, depth)
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in _GIVING:
                return self.of(path, node.func.value, bound, depth)
            return set().union(*(self.of(path, part, bound, depth) for part in node.args))
        return set()

    def _of_name(self, path: str, node: ast.Name, bound: dict[str, set[str]], depth: int) -> set[str]:
        inside = around(path, node.lineno)
        start = max((i for i, held in enumerate(inside) if isinstance(held, Function)), default=-1)
        for held in reversed(inside[start + 1 :]):
            if isinstance(held, ast.For) and held.lineno <= node.lineno:
                targets = [n for n in ast.walk(held.target) if isinstance(n, ast.Name) and n.id == node.id]
                if targets and not any(n is node for n in ast.walk(held.iter)):
                    return self.of(path, held.iter, bound, depth)
        if start >= 0 and isinstance(function := inside[start], Function):
            handed = self._handed(path, function, node.id, depth)
            if handed:
                return handed
        for within in (function_around(path, node.lineno), tree_of(path)):
            made = [
                n
                for n in ast.walk(within)
                if isinstance(n, ast.Assign)
                and any(isinstance(target, ast.Name) and target.id == node.id for target in n.targets)
                and (n.lineno < node.lineno or within is tree_of(path))
            ]
            if made and not isinstance(made[-1].value, (ast.Constant, ast.Call)):
                return self.of(path, made[-1].value, bound, depth)
            if made and isinstance(call := made[-1].value, ast.Call) and node.id not in self.modules:
                return self.of(path, call, bound, depth)
        return {node.id} & self.all

    def _handed(self, path: str, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, depth: int) -> set[str]:
        """Return what the calls of a function in the run's files hand over for a parameter of it."""
        given = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        if name not in given:
            return set()
        own = given.index(name) - (given[0] in ("self", "cls"))
        found: set[str] = set()
        for where in dict.fromkeys((path, *files(self.trace))):
            for call in calls_in(tree_of(where)):
                if called(call) != function.name:
                    continue
                value = next((k.value for k in call.keywords if k.arg == name), None)
                if value is None and 0 <= own < len(call.args):
                    value = call.args[own]
                if value is not None:
                    found |= self.of(where, value, {}, depth)
        return found

    def _of_attribute(self, path: str, node: ast.Attribute, bound: dict[str, set[str]], depth: int) -> set[str]:
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            classes = [held for held in around(path, node.lineno) if isinstance(held, ast.ClassDef)]
            kind = classes[-1].name if classes else ""
            holders = {m.name for m in self.trace.modules if m.type_name == kind}
            found = {f"{holder}.{node.attr}" for holder in holders} & self.all
            return found or self._ending(node.attr)
        base = self.of(path, node.value, bound, depth)
        if node.attr in ("data", "module") and base:
            return base
        return {f"{name}.{node.attr}" for name in base} & self.all

    def _ending(self, attribute: str) -> set[str]:
        """Return the shortest names that end in an attribute, as an object that is no module keeps it."""
        found = {name for name in self.all if name == attribute or name.endswith("." + attribute)}
        least = min((name.count(".") for name in found), default=0)
        return {name for name in found if name.count(".") == least}

    def _of_item(self, base: set[str], index: ast.expr) -> set[str]:
        """Return the children of modules that a constant index or slice picks, all of them for any other index."""
        children = {name: [m.name for m in self.trace.modules if m.name.rpartition(".")[0] == name] for name in base}
        try:
            if isinstance(index, ast.Slice):
                parts = [
                    None if part is None else ast.literal_eval(part) for part in (index.lower, index.upper, index.step)
                ]
                return {child for below in children.values() for child in below[slice(*parts)]}
            key = ast.literal_eval(index)
            if isinstance(key, str):
                return {f"{name}.{key}" for name in base} & self.all
            return {below[key] for below in children.values() if -len(below) <= key < len(below)}
        except (ValueError, TypeError):
            return base
