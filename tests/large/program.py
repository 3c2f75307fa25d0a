"""A training step of very many ops, one after the other or side by side, with a blockage and a leak planted.

program.py SHAPE OPS DOOR END [REPORT...]: SHAPE is deep, list or tree; DOOR is run (this is the program that is run), watch
or diagnose; END is how the graph of the loss ends: dropped, thread (dropped by another thread) or exit (kept to the end).
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from typing import Any

import torch
from torch import nn

torch.manual_seed(0)
lost, leaking, learning = (nn.Linear(4, 4) for _ in range(3))


def deep(ops: int) -> torch.Tensor:
    """Return a loss at the end of a chain that is cut in its middle."""
    y = lost(torch.ones(1, 4))
    for _ in range(ops // 2):
        y = y * 1.0
    y = learning(leaking(y.detach()))
    for _ in range(ops // 2):
        y = y + 0.0
    return y.sum()


def _branches(ops: int) -> list[torch.Tensor]:
    cut = lost(torch.ones(1, 4)).detach()
    y = learning(leaking(torch.ones(1, 4)))
    return [y * 1.0 if number % 2 else cut * y for number in range(ops)]


def of_list(ops: int) -> torch.Tensor:
    """Return the sum of branches that lie side by side, added up by one op."""
    return torch.stack(_branches(ops)).sum()


def of_tree(ops: int) -> torch.Tensor:
    """Return the sum of branches that lie side by side, added up two by two."""
    found = _branches(ops // 2)
    while len(found) > 1:
        pairs = [a + b for a, b in zip(found[::2], found[1::2], strict=False)]
        found = pairs + found[2 * len(pairs) :]
    return found[0].sum()


def end(holder: list[Any], how: str) -> None:
    """Let go of the loss as asked."""
    if how == "exit":
        sys.modules["__main__"].__dict__["kept_to_the_end"] = list(holder)
    if how == "thread":
        dropper = threading.Thread(target=holder.clear)
        dropper.start()
        dropper.join()
    holder.clear()


def main(shape: str, ops: int, door: str, how: str, *reports: str) -> None:
    compute = {"deep": deep, "list": of_list, "tree": of_tree}[shape]
    optimizer = torch.optim.SGD([*lost.parameters(), *leaking.parameters(), *learning.parameters()], lr=1e-3)
    models = {"lost": lost, "leaking": leaking, "learning": learning}
    start = time.perf_counter()
    diagnosis = None
    if door == "diagnose":
        from gradcheck_freeze import diagnose

        holder = [compute(ops)] if how == "exit" else []  # a loss made beforehand, and one that is made under watch
        if holder:
            assert [f.where for f in diagnose(models, holder[0], optimizer, frozen=["leaking"]).findings] == [
                "leaking",
                "lost",
            ]
            holder[0].backward()
        diagnosis = diagnose(models, lambda: keep(holder, compute(ops)), optimizer, frozen=["leaking"])
    elif door == "watch":
        from gradcheck_freeze import watch

        with watch(models, optimizer, frozen=["leaking"]) as flow:
            holder = step(compute, ops, optimizer)
        end(holder, how)
        diagnosis = flow.diagnosis
    else:
        holder = step(compute, ops, optimizer)
    end(holder, how)
    seconds = time.perf_counter() - start
    if diagnosis is not None:
        times = {"diagnosed": seconds}
        for report in reports:
            start = time.perf_counter()
            diagnosis.save(report)
            times[report.rpartition(".")[2]] = time.perf_counter() - start
        start = time.perf_counter()
        lines = str(diagnosis).count("\n")
        times["text"] = time.perf_counter() - start
        findings = sorted((f.rule, f.where) for f in diagnosis.findings)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            json.dumps(
                {"findings": findings, "lines": lines, "times": times, "peak": peak, "ops": diagnosis.window.ops}
            )
        )


def keep(holder: list[Any], loss: torch.Tensor) -> torch.Tensor:
    holder.append(loss)
    return loss


def step(compute: Any, ops: int, optimizer: torch.optim.Optimizer) -> list[Any]:
    """Make one training step and return what still holds its loss."""
    holder = [compute(ops)]
    holder[0].backward(retain_graph=True)  # so that there is a whole graph left to free
    optimizer.step()
    return holder


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
