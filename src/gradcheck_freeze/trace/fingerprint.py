"""Tells by value whether a tensor changed: a hash of its bytes, at the speed of one plain read and without a copy.

`Tensor._version` cannot tell: fused optimizers, writes through `.data` and BatchNorm statistics do not bump it on
torch 2.13, and a step with lr = 0 does. xxh3_128 over the memory of a CPU tensor can, at about 11 GB/s.
"""

from __future__ import annotations

import ctypes
import functools

import torch
import xxhash

from gradcheck_freeze.trace.memory import PLAIN, has_memory, held_by


def fingerprint(tensor: torch.Tensor) -> int:
    """Return a 128-bit hash of the tensor's elements, of any shape, dtype and device.

    A tensor that is not dense CPU memory is copied to where it can be read, a wrapper stands for the tensors that it holds.
    One without memory gives its version counter: what would be written into it is told by nothing else.
    """
    if type(tensor) not in PLAIN:
        if not has_memory(tensor):  # a fake tensor says that it is on the CPU
            return _version(tensor)
        if (parts := held_by(tensor)) and parts[0] is not tensor:
            prints = [fingerprint(part) for part in parts]
            return prints[0] if len(prints) == 1 else hash(tuple(prints))
    if not (
        tensor.is_cpu
        and tensor.layout is torch.strided
        and tensor.is_contiguous()
        and not (tensor.is_conj() or tensor.is_neg())
    ):
        if tensor.is_meta:
            return _version(tensor)
        if tensor.numel() == 0:
            return 0
        tensor = _in_memory(tensor.detach())
    size, address = tensor.nbytes, tensor.data_ptr()
    digest: int = xxhash.xxh3_128_intdigest(_bytes(size).from_address(address)) if size and address else 0
    return digest


def _version(tensor: torch.Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


@functools.cache
def _bytes(size: int) -> type[ctypes.Array[ctypes.c_char]]:
    """Return the type of this many bytes: making it costs more than the hash of a small tensor."""
    return ctypes.c_char * size


def _in_memory(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor, or a copy of it, as one dense stretch of CPU memory."""
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense() if tensor.layout != torch.jagged else tensor.values()
    if not tensor.is_cpu:
        tensor = tensor.cpu()
    if not _is_dense(tensor) or tensor.is_conj() or tensor.is_neg():
        tensor = tensor.resolve_conj().resolve_neg().contiguous()
    return tensor


def _is_dense(tensor: torch.Tensor) -> bool:
    """Return whether the elements fill one stretch of memory without holes or overlap."""
    if tensor.is_contiguous():
        return True
    span = 1 + sum((length - 1) * stride for length, stride in zip(tensor.shape, tensor.stride(), strict=True))
    # A stretch as long as the tensor has elements is filled without holes, and so without overlap, unless a stride is 0.
    return span == tensor.numel() and 0 not in tensor.stride()
