"""What a step would cost that was tried on tensors without memory: bytes by dtype, work, and how much of it nobody uses."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.rules.diagnosis import Amount, Plan
from gradcheck_freeze.trace.record import Trace, WatchedTensor


def plan_of(flow: FlowGraph) -> Plan | None:
    """Return the plan of a trial on tensors without memory, None for any other run."""
    trace = flow.trace
    if trace.cost is None:
        return None
    unused = unused_gradients(flow)
    return Plan(
        _amounts((trace.tensors[t].dtype, weight_bytes(trace.tensors[t])) for t in sorted(trace.without_memory)),
        _amounts((trace.tensors[t].dtype, size) for t, size in trace.gradient_bytes.items()),
        _amounts((trace.tensors[t].dtype, trace.gradient_bytes[t]) for t in unused),
        tuple(Amount(dtype, 0, size) for dtype, size in sorted(trace.cost.states.items())),
        trace.cost.work,
        None if trace.cost.needed is None or trace.cost.work is None else trace.cost.work - trace.cost.needed,
    )


def unused_gradients(flow: FlowGraph) -> list[int]:
    """Return the tensors that a planned step would give gradient and that no optimizer holds; none without an optimizer."""
    trace = flow.trace
    if trace.cost is None or not trace.optimizers:
        return []
    return [t for t in sorted(trace.gradient_bytes) if flow.tensors[t].received and not flow.tensors[t].optimizers]


def priced(trace: Trace, tensors: Iterable[int]) -> str:
    """Return how much memory the gradients of these tensors take, in words; nothing where it was not seen."""
    size = sum(trace.gradient_bytes.get(t, 0) for t in tensors)
    return in_words(size) if size and trace.cost is not None else ""


def in_words(size: int) -> str:
    """Return a number of bytes in three digits: 141 GB, 65.5 MB."""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.3g} {units[0]}"


def weight_bytes(tensor: WatchedTensor) -> int:
    """Return the size of a dense tensor: a dtype has its bits in its name."""
    bits = re.search(r"[0-9]+", tensor.dtype)
    return tensor.numel * (int(bits.group()) if bits else 8) // 8


def _amounts(sizes: Iterable[tuple[str, int]]) -> tuple[Amount, ...]:
    found: dict[str, list[int]] = {}
    for dtype, size in sizes:
        found.setdefault(dtype, []).append(size)
    return tuple(Amount(dtype, len(held), sum(held)) for dtype, held in sorted(found.items()))
