"""What stands in torch while a window is open, and the little that stands there between two windows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch

from gradcheck_freeze.trace.installed import Patches, answer_as_if_absent, push_to_bottom
from gradcheck_freeze.trace.transformed import transforms

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder


def install(recorder: Recorder, patches: Patches) -> None:
    """Put in everything by which a window is watched, but the hooks on steps."""
    _install_mode(recorder)
    modules = torch.nn.modules.module
    keep = patches.keep
    keep(modules.register_module_parameter_registration_hook(recorder.declaring.parameter_registered))
    keep(modules.register_module_buffer_registration_hook(recorder.declaring.buffer_registered))
    keep(modules.register_module_module_registration_hook(recorder.declaring.module_registered))
    replace = patches.replace
    replace(torch.overrides, "has_torch_function", answer_as_if_absent(recorder.ops))
    replace(torch.optim.Optimizer, "add_param_group", recorder.optimizing.watch_construction)
    replace(torch.optim.Optimizer, "load_state_dict", recorder.unseen.optimizer_load)
    replace(torch.optim.lr_scheduler.LRScheduler, "__init__", recorder.unseen.scheduler_init)
    replace(torch.optim.Optimizer, "zero_grad", recorder.optimizing.watch_zero_grad)
    replace(torch.autograd.Function, "apply", recorder.unseen.function_apply)
    replace(torch.nn.Parameter, "__new__", recorder.unseen.parameter_new)
    replace(torch.nn.Module, "named_parameters", recorder.declaring.watch_walk)
    replace(torch.nn.Module, "train", recorder.modules.watch_train)
    replace(torch.nn.Module, "__call__", recorder.modules.watch_call)
    replace(torch.inference_mode, "__enter__", recorder.unseen.inference_enter)
    replace(torch.amp.GradScaler, "step", recorder.unseen.scaler_step)
    replace(torch.utils, "swap_tensors", recorder.unseen.swap_tensors)
    replace(torch, "compile", recorder.unseen.compile)
    replace(torch._C.ScriptMethod, "__call__", recorder.scripted.watch_call)
    replace(torch.jit.ScriptFunction, "__call__", recorder.scripted.watch_call)
    replace(warnings, "warn", recorder.warned.watch_warn)
    replace(warnings, "_showwarnmsg", recorder.warned.watch_shown)
    for owner, name in transforms():
        replace(owner, name, recorder.transformed.watch_call)


def _install_mode(recorder: Recorder) -> None:
    ops = recorder.ops
    for func in (torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad):
        ops.specials[func] = recorder.backwards.backward
    ops.specials[torch._C._set_grad_enabled] = recorder.unseen.grad_mode
    ops.specials[torch.Tensor.requires_grad_] = recorder.declaring.requires_grad
    ops.setters = {
        "grad": recorder.gradients.grad_set,
        "requires_grad": recorder.declaring.requires_grad,
        "data": recorder.unseen.data_set,
    }
    ops.specials[torch.Tensor.register_hook] = recorder.masks.register_hook
    ops.observe([(torch.nn.functional.embedding, recorder.lookups.look), *recorder.singular.observers()])
    push_to_bottom(ops)


def install_between(recorder: Recorder, patches: Patches) -> None:
    """Put in what stays between windows: three functions that a training loop does not call.

    The lines by which flags are set and optimizers are built are what later causes point at. And torch does not swap a tensor
    that has weak references, as ours have.
    """
    patches.replace(torch.Tensor, "requires_grad_", recorder.guard.watch_switch)
    patches.replace(torch.optim.Optimizer, "add_param_group", recorder.pace.watch_construction)
    patches.replace(torch.utils, "swap_tensors", recorder.unseen.swap_tensors)
