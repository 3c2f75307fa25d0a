"""The recorder: opens the window, closes it, and gives the `Trace`.

The window closes when every optimizer seen has made `steps` steps, when `max_ops` ops have been recorded, or when the
program ends. An optimizer that has not stepped by the time another has made ten times `steps` is not waited for. A failure
of the recorder itself never reaches the program: it is noted as a gap.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from gradcheck_freeze.trace.assemble import assemble
from gradcheck_freeze.trace.gradients import GradientWatch
from gradcheck_freeze.trace.installed import Patches, answer_as_if_absent, push_to_bottom, remove_mode
from gradcheck_freeze.trace.inventory import Inventory
from gradcheck_freeze.trace.names import namespaces_of
from gradcheck_freeze.trace.ops import OpRecorder, collect
from gradcheck_freeze.trace.record import NONE, Gap, ModuleCall, Trace
from gradcheck_freeze.trace.sites import Sites
from gradcheck_freeze.trace.steps import StepWatch
from gradcheck_freeze.trace.tensors import flags_of

_PATIENCE = 10  # times `steps`, until an optimizer that does not step is no longer waited for
_SEARCHES = 12  # searches of the user's variables in one window


class Recorder:
    """Watches one window; `open` and `close` may be called once each, `trace` at any time after."""

    def __init__(self, steps: int = 3, max_ops: int = 5_000_000, names: Mapping[str, Any] | None = None) -> None:
        """Watch at most this many steps of every optimizer; `names` are the variables to name things by, if given."""
        self.steps_wanted = steps
        self.sites = Sites()
        self.ops = OpRecorder(self.sites, max_ops, self._full, self._fail)
        self.inventory = Inventory(self.ops)
        self.gradients = GradientWatch(self.ops)
        self.stepping = StepWatch(self.ops, self.gradients, self.inventory.slots)
        self.calls: list[ModuleCall] = []
        self.raw_declarations: list[tuple[str, bool, int, int, int]] = []  # kind, value, slot, site, after
        self.gaps: list[Gap] = []
        self.closed: str | None = None
        self._patches = Patches()
        self._open = False
        self._thread = threading.get_ident()
        self._searched: set[int] = set()
        self._trace: Trace | None = None
        self._stance: Any = None
        self._names = names
        self.loss_names: dict[int, str] = {}  # backward → the name its loss was handed over under

    # The window

    def open(self) -> None:
        """Install everything. Torch must have been imported by the program."""
        if self._open or self.closed is not None:
            return
        self._open = True
        self._thread = threading.get_ident()
        ops = self.ops
        ops.on_slot_written = self.stepping.slot_written
        for func in (torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad):
            ops.specials[func] = self.gradients.backward
        ops.specials[torch._C._set_grad_enabled] = self._grad_mode
        ops.specials[torch.Tensor.requires_grad_] = self._requires_grad
        ops.setters = {"grad": self.gradients.grad_set, "requires_grad": self._requires_grad, "data": self._data_set}
        push_to_bottom(ops)
        modules = torch.nn.modules.module
        keep = self._patches.keep
        keep(modules.register_module_forward_pre_hook(self._enter_module))
        keep(modules.register_module_forward_hook(self._leave_module, always_call=True))
        keep(modules.register_module_parameter_registration_hook(self._registered))
        keep(modules.register_module_module_registration_hook(self._module_registered))
        keep(register_optimizer_step_pre_hook(self._before_step))
        keep(register_optimizer_step_post_hook(self._after_step))
        self._patches.replace(torch.overrides, "has_torch_function", answer_as_if_absent(ops))
        self._patches.replace(torch.optim.Optimizer, "add_param_group", self._watch_construction)
        self._patches.replace(torch.optim.Optimizer, "zero_grad", self._watch_zero_grad)
        self._patches.replace(torch.autograd.Function, "apply", self._watch_function)
        self._patches.replace(torch.nn.Parameter, "__new__", self._watch_parameter)
        self._patches.replace(torch.inference_mode, "__enter__", self._watch_inference)
        self._patches.replace(torch.utils, "swap_tensors", self._forgetting)
        self._patches.replace(torch, "compile", self._watch_compile)
        if "torch._dynamo" in sys.modules:
            torch.compiler.set_stance("force_eager")
            self._stance = "force_eager"

    def close(self, reason: str) -> None:
        """Take everything out of torch; what was seen is kept."""
        if self.closed is not None:
            return
        self.closed = reason
        if not self._open:
            return
        self._open = False
        self.ops.asleep += 1  # stays so where the mode is not on the stack now, as inside a backward
        try:
            with torch._C.DisableTorchFunction():
                self._search(sys._getframe(1), final=True)
                self.stepping.note_writes()
                self.gradients.see(slot for slot, _ in self.gradients.leaves())
                self._trace = assemble(self)
        except Exception as error:
            self._fail(error)
        self._uninstall()
        self.ops.tensors.close()

    def _uninstall(self) -> None:
        self._patches.undo()
        remove_mode(self.ops)
        if self._stance is not None:
            torch.compiler.set_stance("default")
            self._stance = None

    def abandon(self) -> None:
        """Drop everything silently: this process is a forked child."""
        if self._open:
            self._open = False
            self.closed = "the process was forked"
            self.ops.asleep += 1
            self._uninstall()

    def trace(self) -> Trace:
        """Return what was seen, closing the window if it is open."""
        self.close("the program ended")
        if self._trace is None:
            self._trace = Trace(gaps=list(self.gaps), closed=self.closed or "", root=str(Path.cwd()))
        return self._trace

    def name_last_loss(self, name: str) -> None:
        """Call the loss of the last backward by this name instead of by what its line says."""
        self.loss_names[len(self.gradients.backwards) - 1] = name

    def gave(self, tensor: torch.Tensor) -> None:
        """Note that the gradient the last backward returned for a leaf was put into its `.grad`."""
        slot = self.ops.tensors.slot(tensor)
        if slot != NONE:
            self.gradients.contributors.setdefault(slot, []).append(len(self.gradients.backwards) - 1)

    def _full(self) -> None:
        self.gaps.append(Gap(f"the window was closed after {len(self.ops.ops):,} ops; raise --max-ops to see more"))
        self.close("the limit of ops was reached")

    def _fail(self, error: BaseException) -> None:
        """Note a failure of the recorder's own; the program goes on."""
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        where = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "?"
        gap = Gap(f"the recorder failed at {where} ({type(error).__name__}: {error}); what happened there was not seen")
        if gap not in self.gaps:
            self.gaps.append(gap)

    def _watch_compile(self, original: Any) -> Any:
        """Let compiled functions run eagerly while the window is open, so that their ops are seen."""
        recorder = self

        @functools.wraps(original)
        def compile(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            try:
                if recorder._open and recorder._stance is None:
                    torch.compiler.set_stance("force_eager")
                    recorder._stance = "force_eager"
                if recorder._open:
                    recorder.gap("torch.compile was set aside while watching: compiled functions ran eagerly")
            except Exception as error:
                recorder._fail(error)
            return result

        return compile

    def gap(self, what: str) -> None:
        """State once that something could not be seen."""
        if Gap(what) not in self.gaps:
            self.gaps.append(Gap(what))

    # Modules

    def _here(self) -> bool:
        return (
            self._open
            and not self.ops.asleep
            and threading.get_ident() == self._thread
            and torch._C._current_graph_task_id() == -1
        )

    def _enter_module(self, module: torch.nn.Module, args: Any) -> None:
        if not self._here():
            return
        try:
            number = self.inventory.number(module)
            frame = sys._getframe(1)
            if number not in self.inventory.called:
                self.inventory.called.add(number)
                self._name_local(module, number, frame)
            self.calls.append(ModuleCall(number, self.ops.call, self.sites.here(frame), module.training))
            self.ops.call = len(self.calls) - 1
        except Exception as error:
            self._fail(error)

    def _leave_module(self, module: torch.nn.Module, args: Any, output: Any) -> None:
        if not self._here():
            return
        call = self.ops.call
        number = self.inventory.numbers.get(id(module))
        while call != NONE and self.calls[call].module != number:
            call = self.calls[call].parent
        if call != NONE:
            self.ops.call = self.calls[call].parent

    def _name_local(self, module: torch.nn.Module, number: int, frame: Any) -> None:
        """Name a module that a forward holds in a local variable only."""
        if self.ops.call == NONE:
            return
        parent = self.calls[self.ops.call].module
        above = self.inventory.modules[parent]()
        user = self.sites.user_frame(frame)
        if above is None or user is None or any(module is child for child in above.modules()):
            return
        local = next((name for name, value in user.f_locals.items() if value is module), None)
        if local is not None and user.f_locals.get("self") is above:
            self.inventory.local[number] = (parent, local)
            self._keep_local(module, number, parent, local)

    def _keep_local(self, module: torch.nn.Module, number: int, parent: int, local: str) -> None:
        """Give the parameters of a short-lived module their slots while it lives."""
        for name, tensor in module.named_parameters():
            self.ops.value_of(tensor)
            slot = self.ops.tensors.slot(tensor)
            if slot != NONE:
                self.inventory.short_lived.append(
                    (slot, parent, f"{local}.{name}", tuple(tensor.shape), str(tensor.dtype))
                )

    def _registered(self, module: torch.nn.Module, name: str, parameter: Any) -> None:
        """Note where a parameter was put under a name; returning None leaves it as it is."""
        if not self._here() or parameter is None:
            return
        try:
            with torch._C.DisableTorchFunction():
                self.ops.value_of(parameter)
            slot = self.ops.tensors.slot(parameter)
            site = self.sites.here(sys._getframe(1))
            if slot != NONE:
                self.inventory.tensor_declared[slot] = site
                self.inventory.tensor_built.setdefault(slot, self.sites.construction(sys._getframe(1)))
                replaced = module._parameters.get(name) is not None
                self.raw_declarations.append(
                    ("replaced" if replaced else "registered", True, slot, site, len(self.ops.ops))
                )
        except Exception as error:
            self._fail(error)

    def _module_registered(self, module: torch.nn.Module, name: str, child: Any) -> None:
        if not self._here() or child is None:
            return
        try:
            site = self.sites.here(sys._getframe(1))
            self.inventory.declared[self.inventory.number(child)] = site
            if module._modules.get(name) is not None:
                for parameter in child.parameters():
                    self.ops.value_of(parameter)
                    slot = self.ops.tensors.slot(parameter)
                    if slot != NONE:
                        self.inventory.tensor_declared[slot] = site
                        self.raw_declarations.append(("replaced", True, slot, site, len(self.ops.ops)))
        except Exception as error:
            self._fail(error)

    def _watch_parameter(self, original: Any) -> Any:
        """Record `nn.Parameter(t)` as an op from t: it is invisible to a function mode."""
        recorder = self
        plain = original.__func__ if isinstance(original, staticmethod) else original

        def __new__(cls: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            parameter = plain(cls, *args, **kwargs)
            try:
                if recorder._here() and type(parameter) is torch.nn.Parameter:
                    given = args[0] if args else kwargs.get("data")
                    ops = recorder.ops
                    frame = sys._getframe(1)
                    with torch._C.DisableTorchFunction():
                        read = [ops.value_of(given)] if isinstance(given, torch.Tensor) else []
                        op = ops.write_op(ops.number("nn.Parameter"), read, [parameter], (), frame)
                        slot = ops.tensors.adopt(parameter)
                    if slot != NONE:
                        recorder.inventory.tensor_declared.setdefault(slot, ops.ops.site[op])
            except Exception as error:
                recorder._fail(error)
            return parameter

        return staticmethod(__new__)

    # Declarations and modes

    def _requires_grad(self, func: Any, args: Any, kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        try:
            tensor = args[0]
            self.ops.value_of(tensor)
            slot = self.ops.tensors.slot(tensor)
            if slot != NONE:
                self.ops.tensors.add(tensor, NONE, flags_of(tensor), slot, len(self.ops.ops))
                site = self.sites.here(sys._getframe(2))
                self.raw_declarations.append(
                    ("requires_grad", bool(tensor.requires_grad), slot, site, len(self.ops.ops))
                )
        except Exception as error:
            self._fail(error)
        return result

    def _data_set(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Record `tensor.data = value` as an op without gradient."""
        result = func(*args, **kwargs)
        try:
            tensor, value = args[0], args[1]
            ops = self.ops
            read = [ops.value_of(value)]
            slot = ops.tensors.slot(tensor)
            ops.tensors.hold(tensor, ops.tensors.known(tensor) or ops.value_of(tensor))
            op = ops.write_op(ops.number("data"), read, [], [tensor], sys._getframe(2))
            if slot != NONE:
                self.stepping.slot_written(slot, op)
        except Exception as error:
            self._fail(error)
        return result

    def _grad_mode(self, func: Any, args: Any, kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        try:
            self.ops.mode_site = NONE if args and args[0] else self.sites.here(sys._getframe(2))
        except Exception as error:
            self._fail(error)
        return result

    def _watch_inference(self, original: Any) -> Any:
        recorder = self

        def __enter__(context: Any) -> Any:  # noqa: N807
            if recorder._here():
                recorder.ops.mode_site = recorder.sites.here(sys._getframe(1))
            return original(context)

        return __enter__

    def _watch_function(self, original: Any) -> Any:
        """Record a custom autograd.Function as one op over what its forward computed."""
        recorder = self
        plain = original.__func__

        def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
            if not recorder._here():
                return plain(cls, *args, **kwargs)
            return recorder._apply(cls, plain, args, kwargs)

        return classmethod(apply)

    def _apply(self, cls: Any, plain: Any, args: Any, kwargs: Any) -> Any:
        ops = self.ops
        inputs: list[torch.Tensor] = []
        read: list[int] = []
        try:
            with torch._C.DisableTorchFunction():  # a user's own mode must not see what we look at
                collect((*args, *kwargs.values()), inputs)
                read = [ops.value_of(tensor) for tensor in inputs]
        except Exception as error:
            self._fail(error)
        ops.function_depth += 1
        try:
            result = plain(cls, *args, **kwargs)
        finally:
            ops.function_depth -= 1
        try:
            results: list[torch.Tensor] = []
            collect((result,), results)
            fresh = [r for r in results if not any(r is i for i in inputs)]
            inner = [value for r in fresh if (value := ops.tensors.known(r)) is not None]
            frame = sys._getframe(2)
            with torch._C.DisableTorchFunction():
                ops.write_op(ops.number(cls.__name__), [*read, *inner], fresh, (), frame)
        except Exception as error:
            self._fail(error)
        return result

    def _forgetting(self, original: Any) -> Any:
        """Let go of two tensors before they are swapped: torch refuses to swap what has weak references."""
        recorder = self

        def swap_tensors(first: Any, second: Any) -> Any:
            for tensor in (first, second):
                recorder.ops.tensors.forget(tensor)
            return original(first, second)

        return swap_tensors

    # Optimizers

    def _watch_construction(self, original: Any) -> Any:
        recorder = self

        def add_param_group(optimizer: torch.optim.Optimizer, param_group: Any) -> Any:
            result = original(optimizer, param_group)
            try:
                if recorder._here():
                    recorder.stepping.number(optimizer, recorder.sites.here(sys._getframe(1)))
                    recorder._search(sys._getframe(1))
            except Exception as error:
                recorder._fail(error)
            return result

        return add_param_group

    def _watch_zero_grad(self, original: Any) -> Any:
        recorder = self

        @functools.wraps(original)
        def zero_grad(optimizer: torch.optim.Optimizer, set_to_none: bool = True) -> Any:
            if not set_to_none or not recorder._here():
                return original(optimizer, set_to_none)
            frame = sys._getframe(1)
            return recorder.gradients.zero_grad(optimizer, lambda: original(optimizer, set_to_none), frame)

        return zero_grad

    def _before_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
        if not self._open or threading.get_ident() != self._thread:
            return None
        try:
            frame = sys._getframe(1)
            with torch._C.DisableTorchFunction():
                self._search(frame)
                site = self.sites.here(frame)
                return self.stepping.before(optimizer, args, kwargs, site)
        except Exception as error:
            self._fail(error)
            return None
        finally:
            self.ops.pause()

    def _after_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if not self._open or threading.get_ident() != self._thread:
            return
        try:
            self.stepping.after(optimizer)
            if self._done():
                self.close(f"every optimizer had made {self.steps_wanted} steps")
        except Exception as error:
            self._fail(error)

    def _done(self) -> bool:
        stepping = self.stepping
        alive = [count for count, held in zip(stepping.counts, stepping.optimizers, strict=True) if held() is not None]
        if max(alive, default=0) >= _PATIENCE * self.steps_wanted:
            alive = [count for count in alive if count]
        return bool(alive) and min(alive) >= self.steps_wanted

    # Names

    def _search(self, frame: Any, final: bool = False) -> None:
        """Search the user's variables for names, at most a few times at one place."""
        user = self.sites.user_frames(frame)
        key = self.sites.of(user[-1]) if user else NONE
        if not final and (key in self._searched or len(self._searched) >= _SEARCHES):
            return
        self._searched.add(key)
        main = getattr(sys.modules.get("__main__"), "__dict__", None)
        self.ops.asleep += 1
        try:
            with torch._C.DisableTorchFunction():
                self.inventory.search(namespaces_of(user, main) if self._names is None else [self._names], final)
        finally:
            self.ops.asleep -= 1
