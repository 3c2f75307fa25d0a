"""The end of every training of the suite: writes down, to the byte, what a program holds."""

import hashlib
import random
import sys
from pathlib import Path
from typing import Any


def state_of(space: dict[str, Any]) -> str:
    """Return one line for each variable that holds tensors, and one for each random generator."""
    import numpy
    import torch

    lines = [f"{name} {_digest(space[name])}" for name in sorted(space) if not name.startswith("_")]
    lines.append(f"torch {_digest(torch.get_rng_state())}")
    lines.append(f"numpy {hashlib.sha256(repr(numpy.random.get_state()).encode()).hexdigest()}")
    lines.append(f"python {hashlib.sha256(repr(random.getstate()).encode()).hexdigest()}")
    return "\n".join(lines)


def _digest(value: Any) -> str:
    digest = hashlib.sha256()
    _take(value, digest)
    return digest.hexdigest()[:24]


def _take(value: Any, digest: Any) -> None:
    import torch

    if isinstance(value, torch.Tensor):
        held = value.detach().to_dense().contiguous().view(-1) if not value.is_meta else value
        digest.update(f"{value.dtype}{tuple(value.shape)}{value.requires_grad}".encode())
        if held.numel() and not held.is_meta:
            digest.update(held.view(torch.uint8).numpy().tobytes())
        _take(value.grad if value.is_leaf else None, digest)
    elif isinstance(value, (torch.nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler)):
        _take(value.state_dict(), digest)
        if isinstance(value, torch.nn.Module):
            _take([(n, p.requires_grad, p.grad) for n, p in value.named_parameters()], digest)
    elif isinstance(value, dict):
        for key, item in value.items():
            digest.update(repr(key).encode() if isinstance(key, (str, int)) else b"key")
            _take(item, digest)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _take(item, digest)
    elif value is None or isinstance(value, (bool, int, float, str)):
        digest.update(repr(value).encode())


def write_state(path: str) -> None:
    """Write what `__main__` holds into a file."""
    Path(path).write_text(state_of(dict(vars(sys.modules["__main__"]))), "utf-8")
