"""GF222."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE


@rule("GF222", kind="blockage", severity=Severity.ERROR)
def optimizer_holds_a_buffer(case: Case) -> Iterator[Finding]:
    """An optimizer was given a buffer, which never gets a gradient.

    Why it matters: `register_buffer` is for what does not learn. The optimizer takes the tensor without a word and passes over
    it in every step.

    Found:

        self.register_buffer("log_temperature", torch.tensor(0.0))
        optimizer = Adam([*model.towers.parameters(), model.log_temperature])

    Left alone: buffers that the program moves itself, and buffers that require grad.

    Instead: `self.log_temperature = nn.Parameter(torch.tensor(0.0))`.
    """
    trace = case.flow.trace
    for tensor, record in enumerate(trace.tensors):
        seen = case.flow.tensors[tensor]
        if record.kind != "buffer" or record.requires_grad or not seen.optimizers or seen.changed or seen.written:
            continue
        optimizer = trace.optimizers[seen.optimizers[0][0]]
        built = place(trace, optimizer.built, "optimizer")
        registered = place(trace, record.declared, "register_buffer") if record.declared != NONE else None
        yield optimizer_holds_a_buffer.finding(
            case.flow,
            (tensor,),
            f"{{where}} is a buffer, so no gradient ever comes to it, though {optimizer.name} holds it.",
            registered or built,
            trail=tuple(p for p in (built, registered) if p),
            fix="Make it a parameter: nn.Parameter(...) in place of register_buffer().",
        )
