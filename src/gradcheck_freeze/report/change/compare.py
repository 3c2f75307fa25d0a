"""Compares two diagnoses: what a change of the code did to the gradient flow, by module, as a plain value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gradcheck_freeze.report.change.findings import compare_findings
from gradcheck_freeze.report.change.renames import Rename, same_parameters
from gradcheck_freeze.report.change.value import KINDS, MODES, Change, Count, Shift, Totals
from gradcheck_freeze.report.rollup import by_module, natural
from gradcheck_freeze.rules.diagnosis import Diagnosis, LossRecord, OptimizerRecord, ParameterRecord


@dataclass(frozen=True, slots=True)
class _Pair:
    """One parameter in both runs; the losses and optimizers of the base as the head calls them."""

    base: ParameterRecord
    head: ParameterRecord
    before: str
    after: str
    losses_before: frozenset[str]
    optimizers_before: frozenset[str]

    @property
    def rerouted(self) -> bool:
        return (self.losses_before, self.optimizers_before) != (_losses(self.head), _optimizers(self.head))


def compare(base: Diagnosis, head: Diagnosis) -> Change:
    """Return what is different in the head."""
    names, renames = same_parameters(base.parameters, head.parameters)
    losses = _successors(_members(base.losses), _members(head.losses), names)
    optimizers = _successors(_members(base.optimizers), _members(head.optimizers), names)
    pairs = {
        after: _pair(base, head, before, after, losses, optimizers) for before, after in names.items()
    }  # by the name in the head
    findings = compare_findings(base, head, names, renames)
    shifts = [
        *_moved(head, pairs),
        *_rerouted(head, pairs),
        *_come_and_gone(base, head, names),
        *(_rename_shift(rename, head) for rename in renames),
        *_replaced("loss", losses, _members(head.losses), head),
        *_replaced("optimizer", optimizers, _members(head.optimizers), head),
    ]
    return Change(
        tuple(sorted(shifts, key=lambda shift: (KINDS.index(shift.kind), natural(shift.name), shift.parameters))),
        findings.new,
        findings.gone,
        findings.kept,
        findings.accepted,
        _totals(base),
        _totals(head),
        _caveats(base, head),
    )


def mode(record: ParameterRecord, stepped: bool = True) -> str:
    """Return what happens to a parameter; `stepped` says whether the run made any optimizer step at all."""
    held = bool(record.optimizers)
    if record.state == "BLOCKED":
        return "blocked"
    if record.updated:
        return "trained" if held or record.losses else "written"
    if record.losses and (record.state == "LEAK" or (record.state == "learning" and stepped and not held)):
        return "fed"
    if record.state == "learning":
        return "trained"
    return "frozen" if record.state in ("frozen", "LEAK") or not record.requires_grad else "unused"


def _pair(
    base: Diagnosis, head: Diagnosis, before: str, after: str, losses: Mapping[str, str], optimizers: Mapping[str, str]
) -> _Pair:
    old, now = base.parameters[before], head.parameters[after]
    return _Pair(
        old,
        now,
        mode(old, base.window.steps > 0),
        mode(now, head.window.steps > 0),
        frozenset(losses.get(name, name) for name in old.losses),
        frozenset(optimizers.get(name, name) for name in _optimizers(old)),
    )


def _moved(head: Diagnosis, pairs: Mapping[str, _Pair]) -> Iterable[Shift]:
    """Return the parameters to which something else happens now, and the buffers that move now or move no longer."""

    def key(record: ParameterRecord) -> str:
        pair = pairs.get(record.name)
        if pair is None:
            return ""
        if record.kind == "buffer":
            return "" if pair.base.updated == record.updated else "moving" if record.updated else "still"
        if pair.before != pair.after:
            return pair.after
        return "trainable" if record.requires_grad and not pair.base.requires_grad and pair.after == "frozen" else ""

    for is_buffer in (False, True):
        records = [record for record in head.parameters.values() if (record.kind == "buffer") == is_buffer]
        for kind, name, members in _rows(records, key):
            yield _shift(kind, name, members, pairs)


def _rerouted(head: Diagnosis, pairs: Mapping[str, _Pair]) -> Iterable[Shift]:
    def key(record: ParameterRecord) -> str:
        pair = pairs.get(record.name)
        if pair is None or record.kind == "buffer" or pair.before != pair.after or not pair.rerouted:
            return ""
        # Rows are of those that change alike: the words are never shown.
        ends = (pair.losses_before, _losses(record), pair.optimizers_before, _optimizers(record))
        return repr([sorted(end) for end in ends])

    for _, name, members in _rows(head.parameters.values(), key):
        yield _shift("rerouted", name, members, pairs)


def _come_and_gone(base: Diagnosis, head: Diagnosis, names: Mapping[str, str]) -> Iterable[Shift]:
    here = set(names.values())
    was_alias = {alias for record in base.parameters.values() for alias in record.aliases}
    is_alias = {alias for record in head.parameters.values() for alias in record.aliases}

    def come(record: ParameterRecord) -> str:
        if record.kind == "buffer" or record.name in here:
            return ""
        return "untied" if record.name in was_alias else f"new {mode(record, head.window.steps > 0)}"

    def gone(record: ParameterRecord) -> str:
        if record.kind == "buffer" or record.name in names:
            return ""
        return "tied" if record.name in is_alias else f"gone {mode(record, base.window.steps > 0)}"

    for word, name, members in _rows(head.parameters.values(), come):
        kind, _, now = word.partition(" ")
        yield replace(_shift(kind, name, members, {}), after=(now,) if now else ())
    for word, name, members in _rows(base.parameters.values(), gone):
        kind, _, was = word.partition(" ")
        shift = _shift(kind, name, members, {})
        yield replace(
            shift, before=(was,) if was else (),
            losses_before=shift.losses_after, losses_after=(),
            optimizers_before=shift.optimizers_after, optimizers_after=(),
        )  # fmt: skip


def _rename_shift(rename: Rename, head: Diagnosis) -> Shift:
    elements = sum(head.parameters[name].numel for name in rename.parameters)
    return Shift(
        "renamed", rename.after or "(top)", rename.parameters, elements, called_before=rename.before or "(top)"
    )


def _replaced(
    kind: str, successors: Mapping[str, str], members: Mapping[str, Sequence[str]], head: Diagnosis
) -> Iterable[Shift]:
    for before, after in successors.items():
        known = [head.parameters[name].numel for name in members[after] if name in head.parameters]
        yield Shift(kind, after, tuple(sorted(members[after])), sum(known), called_before=before)


def _rows(
    records: Iterable[ParameterRecord], key: Callable[[ParameterRecord], str]
) -> Iterable[tuple[str, str, list[ParameterRecord]]]:
    """Return key, module and members, of the modules whose parameters all have one key that is not ""."""
    originals = {record.name: record for record in records}
    marked = [replace(record, state=key(record)) for record in originals.values()]
    if not any(record.state for record in marked):
        return
    for row in by_module(marked):
        if row.state:
            yield row.state, row.name, [originals[record.name] for record in row.records]


def _shift(kind: str, name: str, members: Sequence[ParameterRecord], pairs: Mapping[str, _Pair]) -> Shift:
    known = [pairs[record.name] for record in members if record.name in pairs]
    return Shift(
        kind,
        name,
        tuple(sorted((record.name for record in members), key=natural)),
        sum(record.numel for record in members),
        tuple(word for word in MODES if any(pair.before == word for pair in known)),
        tuple(word for word in MODES if any(pair.after == word for pair in known)),
        tuple(sorted({name for pair in known for name in pair.losses_before}, key=natural)),
        _sorted(members, _losses),
        tuple(sorted({name for pair in known for name in pair.optimizers_before}, key=natural)),
        _sorted(members, _optimizers),
    )


def _successors(
    base: Mapping[str, Sequence[str]], head: Mapping[str, Sequence[str]], names: Mapping[str, str]
) -> dict[str, str]:
    """Return which new loss or optimizer takes the place of which that is gone: one for most of the same parameters."""
    kept = set(names.values())
    gone = {name: {names[p] for p in members if p in names} for name, members in base.items() if name not in head}
    new = {name: kept.intersection(members) for name, members in head.items() if name not in base}
    shares = {
        (before, after): len(old & now) / len(old | now)
        for before, old in gone.items()
        for after, now in new.items()
        if old & now
    }
    found: dict[str, str] = {}
    for (before, after), share in sorted(shares.items(), key=lambda item: (-item[1], item[0])):
        if share >= 0.5 and before not in found and after not in found.values():
            found[before] = after
    return found


def _members(records: Iterable[LossRecord | OptimizerRecord]) -> dict[str, tuple[str, ...]]:
    """Return the parameters of each loss or optimizer; two of one name count as one."""
    found: dict[str, set[str]] = defaultdict(set)
    for record in records:
        found[record.name].update(record.parameters)
    return {name: tuple(sorted(members)) for name, members in found.items()}


def _totals(diagnosis: Diagnosis) -> Totals:
    stepped = diagnosis.window.steps > 0
    parts: dict[str, list[int]] = defaultdict(list)
    for record in diagnosis.parameters.values():
        if record.kind == "buffer":
            continue
        parts["all"].append(record.numel)
        if record.requires_grad:
            parts["trainable"].append(record.numel)
        if mode(record, stepped) == "trained":
            parts["trained"].append(record.numel)
    counts = {key: Count(len(numbers), sum(numbers)) for key, numbers in parts.items()}
    return Totals(*(counts.get(key, Count(0, 0)) for key in ("all", "trainable", "trained")))


def _caveats(base: Diagnosis, head: Diagnosis) -> tuple[str, ...]:
    found = []
    for word, diagnosis in (("base", base), ("head", head)):
        if not diagnosis.losses:
            found.append(f"the {word} saw no backward pass, so nothing was judged in it")
        if diagnosis.script and diagnosis.script.exit_status:
            found.append(f"the program of the {word} ended with status {diagnosis.script.exit_status}")
    if base.torch_version != head.torch_version and base.torch_version and head.torch_version:
        found.append(f"the base ran with torch {base.torch_version}, the head with torch {head.torch_version}")
    found += [f"not seen in the head: {gap}" for gap in sorted(set(head.gaps) - set(base.gaps), key=natural)]
    return tuple(found)


def _losses(record: ParameterRecord) -> frozenset[str]:
    return frozenset(record.losses)


def _optimizers(record: ParameterRecord) -> frozenset[str]:
    return frozenset(membership.name for membership in record.optimizers)


def _sorted(members: Iterable[ParameterRecord], names: Callable[[ParameterRecord], frozenset[str]]) -> tuple[str, ...]:
    return tuple(sorted({name for record in members for name in names(record)}, key=natural))
