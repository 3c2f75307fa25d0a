"""GF106."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradcheck_freeze.flow.frontier import cuts
from gradcheck_freeze.rules.average_never_follows import added_to_itself
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.source import assignment_of
from gradcheck_freeze.trace.record import NONE

_ROLES = {
    "target",
    "teacher",
    "ema",
    "reference",
    "ref",
    "old",
    "frozen",
    "momentum",
    "anchor",
    "slow",
    "lagged",
    "prev",
}
_PLAIN = {"module", "model", "net", "network", "shadow"}  # what wrappers call what they hold


@rule("GF106", kind="leak", severity=Severity.ERROR)
def target_is_alias(case: Case) -> Iterator[Finding]:
    """A target, teacher or reference network is the trained network itself under another name.

    Why it matters: `target = online` copies nothing. Every step moves both, so the target chases itself and there is no
    fixed reference any more.

    Found:

        target_net = policy_net
        with torch.no_grad():
            expected = reward + gamma * target_net(next_state).max(1).values

    Left alone: `copy.deepcopy`, a network built anew and loaded, and two plain names for one network.

    Instead: `target_net = copy.deepcopy(policy_net).requires_grad_(False)`.
    """
    trace = case.flow.trace
    groups: dict[tuple[str, str], list[int]] = {}
    for tensor, record in enumerate(trace.tensors):
        if record.kind == "parameter" and case.flow.tensors[tensor].changed:
            pair = _roots(record.names)
            if pair is not None:
                groups.setdefault(pair, []).append(tensor)
    for (role, plain), tensors in groups.items():
        if not _is_whole(case, role, plain):
            continue  # a part is shared: only a contract says whether it must stay
        if not cuts(case.flow, tensors) and any(added_to_itself(case, t) == NONE for t in tensors):
            continue  # nothing tells it from the other, not even an update: the name means something else
        step = trace.steps[case.flow.tensors[tensors[0]].changed[0]]
        cause = assignment_of(trace, role, {plain})
        moved = place(trace, step.site, "step")
        found = target_is_alias.finding(
            case.flow,
            tensors,
            f"{role} is {plain} itself, not a copy: {trace.optimizers[step.optimizer].name}.step() moves both.",
            cause or moved,
            trail=tuple(p for p in (moved, cause) if p),
            fix=f"Make a copy: {role} = copy.deepcopy({plain}).requires_grad_(False).",
        )
        yield found.called(
            tuple(next(n for n in trace.tensors[t].names if n.startswith(role + ".")) for t in tensors), role
        )


def _is_whole(case: Case, role: str, plain: str) -> bool:
    """Return whether every parameter of one module is a parameter of the other too."""
    parameters = [record.names for record in case.flow.trace.tensors if record.kind == "parameter" and record.alive]
    return all(
        any(name.startswith(plain + ".") for name in names)
        for names in parameters
        if any(name.startswith(role + ".") for name in names)
    )


def _roots(names: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the module names, one of a role and one plain, under which a parameter stands with the same rest."""
    for role in names:
        for plain in names:
            ours, theirs = role.split("."), plain.split(".")
            while len(ours) > 1 and len(theirs) > 1 and ours[-1] == theirs[-1]:
                del ours[-1], theirs[-1]
            if ours != theirs and len(role.split(".")) > len(ours) and _is_role(ours) and not _is_role(theirs):
                return ".".join(ours), ".".join(theirs)
    return None


def _is_role(path: list[str]) -> bool:
    """Return whether the last part of a name that says something says that it is a reference: `ema` of `ema.module`."""
    told = [part for part in path if part not in _PLAIN] or path
    return bool({part.lower() for part in re.findall(r"[A-Za-z][a-z]*", told[-1])} & _ROLES)
