"""Reads what a gradient holds: only zeros, finite numbers, or some that are not finite."""

from __future__ import annotations

import math

import torch

from gradcheck_freeze.trace.memory import PLAIN, has_memory, held_by
from gradcheck_freeze.trace.training import GradientState


def state_of(gradients: list[torch.Tensor]) -> list[GradientState]:
    """Return what each gradient holds; a norm that underflows to 0 is looked at again, element by element."""
    for gradient in gradients:
        if not (
            type(gradient) is torch.Tensor
            and gradient.is_cpu
            and gradient.layout is torch.strided
            and not gradient.requires_grad
        ):
            held = [_elements(gradient) for gradient in gradients]
            norms = [_norm(values) for values in held]
            break
    else:  # as nearly always; in one call
        held = gradients
        norms = [float(norm) for norm in torch._foreach_norm(held)] if held else []
    return [
        GradientState("finite", norm)
        if norm is not None and 0.0 < norm < math.inf
        else _state_at(norm, gradient, values)
        for gradient, values, norm in zip(gradients, held, norms, strict=True)
    ]


def _state_at(norm: float | None, gradient: torch.Tensor, values: torch.Tensor) -> GradientState:
    """Return what a gradient holds of which the norm does not tell."""
    if norm is None:  # a gradient would be there; what it would hold cannot be known
        return GradientState("finite")
    if not values.numel() and gradient.numel():  # other ranks hold all of it, and nothing here says that it is zero
        return GradientState("finite")
    if norm != 0.0:
        return GradientState("finite" if bool(torch.isfinite(values).all()) else "nonfinite")
    return GradientState("finite", norm) if bool(values.any()) else GradientState("zero", 0.0)


def _elements(gradient: torch.Tensor) -> torch.Tensor:
    """Return a dense tensor of the elements that a gradient holds in this process."""
    if type(gradient) not in PLAIN:
        parts = held_by(gradient)
        if len(parts) > 1:  # the offsets of a nested tensor are no gradient
            return torch.cat([_elements(part).reshape(-1) for part in parts if part.is_floating_point()])
        gradient = parts[0] if parts else gradient
    values = gradient.detach()
    if values.layout is torch.strided:
        return values
    return values.coalesce().values() if values.layout is torch.sparse_coo else values.to_dense()


def _norm(values: torch.Tensor) -> float | None:
    """Return the norm of a tensor, 0 where there is nothing to add up and None where there is no memory."""
    if not has_memory(values):
        return None
    return float(torch.linalg.vector_norm(values)) if values.numel() else 0.0
