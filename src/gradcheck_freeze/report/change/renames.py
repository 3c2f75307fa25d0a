"""Which parameter of one run is which of another: by name, by the name of a tied tensor, or with its renamed module."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gradcheck_freeze.report.rollup import natural
from gradcheck_freeze.rules.diagnosis import ParameterRecord

Records = Mapping[str, ParameterRecord]
_MOST_PAIRS = 2_500  # one suffix in 50 modules of both runs tells nothing: a longer suffix will

_ENOUGH = 5  # tensors of equal names and shapes: fewer are alike by chance, if the modules are not called alike


@dataclass(frozen=True, slots=True)
class Rename:
    """A module, or a lone tensor, that has another name now: same names and shapes below it."""

    before: str
    after: str
    parameters: tuple[str, ...]  # as they are called now


def same_parameters(base: Records, head: Records) -> tuple[dict[str, str], tuple[Rename, ...]]:
    """Return the name that each parameter of the base has in the head, where it is still there, and what was renamed."""
    found = {name: name for name in base if name in head}
    taken = set(found.values())
    for name in sorted(set(base) - set(found)):
        tied = [other for other in base[name].aliases if other in head]
        tied += [other for other in head if name in head[other].aliases] if not tied else []
        if free := [other for other in tied if other not in taken]:
            found[name] = free[0]
            taken.add(free[0])
    renames = _renames(
        {name: base[name] for name in base if name not in found},
        {name: head[name] for name in head if name not in taken},
    )
    moved = [_pairs(rename) for rename in renames]
    return {**found, **{before: after for pairs in moved for before, after in pairs}}, renames


def renamed(name: str, renames: Collection[Rename]) -> str:
    """Return a name or pattern of the base with the module it starts with as it is called now."""
    for rename in sorted(renames, key=lambda r: len(r.before), reverse=True):
        if rename.before and (name == rename.before or name.startswith(f"{rename.before}.")):
            return (rename.after + name[len(rename.before) :]).lstrip(".")
    return name


def _pairs(rename: Rename) -> list[tuple[str, str]]:
    return [(_join(rename.before, _below(rename.after, name)), name) for name in rename.parameters]


def _renames(gone: Records, new: Records) -> tuple[Rename, ...]:
    """Pair modules greedily, those that share most first; a pair must share at least half of the larger one."""
    left, right = _by_suffix(gone), _by_suffix(new)
    shared: Counter[tuple[str, str]] = Counter()
    for suffix, befores in left.items():
        afters = right.get(suffix, [])
        if len(befores) * len(afters) <= _MOST_PAIRS:
            shared.update((before, after) for before in befores for after in afters)
    gone_below, new_below = _sizes(gone), _sizes(new)
    open_gone, open_new = set(gone), set(new)
    new_in: dict[str, list[str]] = defaultdict(list)
    for name in sorted(new, key=natural):
        for prefix in _prefixes(name):
            new_in[prefix].append(name)
    found = []
    for (before, after), count in sorted(shared.items(), key=_most_first):
        if 2 * count < max(gone_below[before], new_below[after]):
            continue
        names = [
            name
            for name in new_in[after]
            if name in open_new
            and (below := _below(after, name)) is not None
            and (old := _join(before, below)) in open_gone
            and _kind(gone[old]) == _kind(new[name])
        ]
        if not names or 2 * len(names) < max(gone_below[before], new_below[after]):
            continue
        if len(names) < _ENOUGH and not _akin(before, after, whole=names == [after]):
            continue
        found.append(Rename(before, after, tuple(names)))
        for name in names:
            old = _join(before, _below(after, name))
            open_new.discard(name)
            open_gone.discard(old)
            gone_below.subtract(_prefixes(old))
            new_below.subtract(_prefixes(name))
    return tuple(found)


def _akin(before: str, after: str, whole: bool) -> bool:
    """Return whether only the last part of the name changed, or what stands before it: a word, and no tensor's own name."""
    (parent, _, last), (other_parent, _, other_last) = before.rpartition("."), after.rpartition(".")
    return parent == other_parent or (not whole and last == other_last and not last.isdigit())


def _most_first(pair: tuple[tuple[str, str], int]) -> tuple[int, int, bool, tuple[object, ...], tuple[object, ...]]:
    (before, after), count = pair
    depth = before.count(".") + after.count(".")
    return (-count, depth, before.rpartition(".")[2] != after.rpartition(".")[2], natural(before), natural(after))


def _by_suffix(records: Records) -> dict[tuple[str, object], list[str]]:
    """Return the modules that hold a tensor of this name and shape, at any depth below them."""
    found: dict[tuple[str, object], list[str]] = defaultdict(list)
    for name, record in records.items():
        for prefix in _prefixes(name):
            found[_below(prefix, name) or "", _kind(record)].append(prefix)
    return found


def _sizes(records: Records) -> Counter[str]:
    return Counter(prefix for name in records for prefix in _prefixes(name))


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return ["", *(".".join(parts[:depth]) for depth in range(1, len(parts) + 1))]


def _kind(record: ParameterRecord) -> tuple[bool, tuple[int, ...]]:
    return record.kind == "buffer", record.shape


def _below(prefix: str, name: str) -> str | None:
    """Return what follows the name of the module, "" for the tensor itself, or None where it is not below it."""
    if not prefix:
        return name
    if name == prefix:
        return ""
    return name[len(prefix) + 1 :] if name.startswith(f"{prefix}.") else None


def _join(prefix: str, suffix: str | None) -> str:
    return ".".join(filter(None, (prefix, suffix)))
