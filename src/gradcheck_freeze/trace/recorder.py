"""The recorder: opens the window, closes it, and gives the `Trace`.

The window closes when every optimizer seen has made `steps` steps and a small budget of work has been watched beyond
them, when `max_ops` ops have been recorded, or when the program ends. The budget (ops recorded, bytes fingerprinted) lets a
short program be watched whole, with what happens after its third step: a freeze, a validation, a second optimizer. A long
training passes it within its first seconds. An optimizer that has not stepped by the time another has made ten times
`steps` is not waited for. A failure of the recorder itself never reaches the program: it is noted as a gap.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any

import torch
from torch._C import _current_graph_task_id
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from gradcheck_freeze.trace.assemble import assemble
from gradcheck_freeze.trace.declarations import DeclarationWatch
from gradcheck_freeze.trace.gradients import GradientWatch
from gradcheck_freeze.trace.installed import Patches, answer_as_if_absent, push_to_bottom, remove_mode
from gradcheck_freeze.trace.inventory import Inventory
from gradcheck_freeze.trace.kept import KeptWatch
from gradcheck_freeze.trace.lookups import LookupWatch
from gradcheck_freeze.trace.masks import MaskWatch
from gradcheck_freeze.trace.modules import ModuleWatch
from gradcheck_freeze.trace.names import namespaces_of
from gradcheck_freeze.trace.ops import OpRecorder
from gradcheck_freeze.trace.optimizing import OptimizerWatch, in_a_step
from gradcheck_freeze.trace.placement import Placement
from gradcheck_freeze.trace.record import NONE, Gap, Trace
from gradcheck_freeze.trace.sites import Sites
from gradcheck_freeze.trace.steps import StepWatch
from gradcheck_freeze.trace.unseen import Unseen, transforms

_PATIENCE = 10  # times `steps`, until an optimizer that does not step is no longer waited for
_PLACES = 12  # places from which the user's variables are searched in one window
BYTES_BEYOND = 2_000_000_000
_OPEN: list[Recorder] = []  # the recorders whose windows are open


class Recorder:
    """Watches one window; `open` and `close` may be called once each, `trace` at any time after."""

    def __init__(self, placement: Placement | None = None, names: Mapping[str, Any] | None = None) -> None:
        """Watch what the placement says; `names` are the variables to name things by, if given."""
        self.placement = placement or Placement()
        self.sites = Sites()
        self.ops = OpRecorder(self.sites, self.placement.max_ops, self._full, self.fail)
        self.inventory = Inventory(self.ops)
        self.gradients = GradientWatch(self.ops)
        self.masks = MaskWatch(self)
        self.gradients.on_received = self.masks.backward_done
        self.lookups = LookupWatch(self)
        self.stepping = StepWatch(self.ops, self.gradients, self.masks, self._watched)
        self.optimizing = OptimizerWatch(self)
        self.modules = ModuleWatch(self)
        self.declaring = DeclarationWatch(self)
        self.unseen = Unseen(self)
        self.kept = KeptWatch(self)
        self.gaps: list[Gap] = []
        self.closed: str | None = None
        self._patches = Patches()
        self._open = False
        self._thread = get_ident()
        self._visits: dict[int, int] = {}
        self._watched_now: tuple[Any, list[int], Any] = None, [], None
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
        _OPEN.append(self)
        self._thread = get_ident()
        ops = self.ops
        ops.on_slot_written = self.stepping.slot_written
        for func in (torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad):
            ops.specials[func] = self.gradients.backward
        ops.specials[torch._C._set_grad_enabled] = self.unseen.grad_mode
        ops.specials[torch.Tensor.requires_grad_] = self.declaring.requires_grad
        ops.setters = {
            "grad": self.gradients.grad_set,
            "requires_grad": self.declaring.requires_grad,
            "data": self.unseen.data_set,
        }
        ops.specials[torch.Tensor.register_hook] = self.masks.register_hook
        ops.observers[torch.nn.functional.embedding] = self.lookups.look
        push_to_bottom(ops)
        modules = torch.nn.modules.module
        keep = self._patches.keep
        keep(modules.register_module_parameter_registration_hook(self.declaring.parameter_registered))
        keep(modules.register_module_buffer_registration_hook(self.declaring.buffer_registered))
        keep(modules.register_module_module_registration_hook(self.declaring.module_registered))
        keep(register_optimizer_step_pre_hook(self.optimizing.before_step))
        keep(register_optimizer_step_post_hook(self.optimizing.after_step))
        replace = self._patches.replace
        replace(torch.overrides, "has_torch_function", answer_as_if_absent(ops))
        replace(torch.optim.Optimizer, "add_param_group", self.optimizing.watch_construction)
        replace(torch.optim.Optimizer, "load_state_dict", self.unseen.optimizer_load)
        replace(torch.optim.lr_scheduler.LRScheduler, "__init__", self.unseen.scheduler_init)
        replace(torch.optim.Optimizer, "zero_grad", self.optimizing.watch_zero_grad)
        replace(torch.autograd.Function, "apply", self.unseen.function_apply)
        replace(torch.nn.Parameter, "__new__", self.unseen.parameter_new)
        replace(torch.nn.Module, "named_parameters", self.declaring.watch_walk)
        replace(torch.nn.Module, "train", self.modules.watch_train)
        replace(torch.nn.Module, "__call__", self.modules.watch_call)
        replace(torch.inference_mode, "__enter__", self.unseen.inference_enter)
        replace(torch.amp.GradScaler, "step", self.unseen.scaler_step)
        replace(torch.utils, "swap_tensors", self.unseen.swap_tensors)
        replace(torch, "compile", self.unseen.compile)
        for owner, name in transforms():
            replace(owner, name, self.unseen.transform)
        if "torch._dynamo" in sys.modules:
            torch.compiler.set_stance("force_eager")
            self._stance = "force_eager"

    def watches(self) -> bool:
        """Return whether the window is open, in the thread in which it was opened."""
        return self._open and get_ident() == self._thread

    def here(self) -> bool:
        """Return whether the user's own code is running under watch: this thread, not inside a backward or a step."""
        if not self._open or get_ident() != self._thread or _current_graph_task_id() != -1:
            return False
        if not self.ops.asleep:
            return True
        if self.stepping.running and not in_a_step(sys._getframe(1)):
            self.stepping.broken_off()
        return not self.ops.asleep

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
                self.search(sys._getframe(1), final=True)
                self.stepping.note_writes()
                self.gradients.close()
                self._trace = assemble(self)
        except Exception as error:
            self.fail(error)
        self._uninstall()
        self.ops.tensors.close()

    def _uninstall(self) -> None:
        if self in _OPEN:
            _OPEN.remove(self)
        self._patches.undo()
        self.masks.close()
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

    @contextmanager
    def aside(self) -> Iterator[None]:
        """See nothing for a while, if this thread is watched at all."""
        if not self.here():
            yield
            return
        self._open = False
        self.ops.pause()
        try:
            yield
        finally:
            self.ops.resume()
            self._open = True

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

    def _watched(self) -> list[int]:
        """Return the slots to fingerprint: those that have a name, and all that an optimizer holds, whoever else does."""
        named = self.inventory.kept, self.inventory.loose  # nothing is ever taken out of either
        held = [group.tensors for groups in self.stepping.groups for group in groups]
        key = (len(named[0]), len(named[1]), *map(id, held))
        if key != self._watched_now[0]:
            self._watched_now = key, sorted(set().union(*named, *held)), held
        return self._watched_now[1]

    def _full(self) -> None:
        self.gaps.append(Gap(f"the window was closed after {len(self.ops.ops):,} ops; raise --max-ops to see more"))
        self.close("the limit of ops was reached")

    def fail(self, error: BaseException) -> None:
        """Note a failure of the recorder's own; the program goes on."""
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        where = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "?"
        gap = Gap(f"the recorder failed at {where} ({type(error).__name__}: {error}); what happened there was not seen")
        if gap not in self.gaps:
            self.gaps.append(gap)

    def run_compiled_eagerly(self) -> None:
        """Set compilation aside for the rest of the window, and say so."""
        if not self._open:
            return
        if self._stance is None:
            torch.compiler.set_stance("force_eager")
            self._stance = "force_eager"
        self.gap("torch.compile was set aside while watching: compiled functions ran eagerly")

    def gap(self, what: str) -> None:
        """State once that something could not be seen."""
        if Gap(what) not in self.gaps:
            self.gaps.append(Gap(what))

    def close_when_done(self) -> None:
        """Close the window if every optimizer has made its steps and the budget beyond them is spent."""
        if self._done():
            beyond = " and the budget beyond them was spent" if self.placement.ops_beyond else ""
            self.close(f"every optimizer had made {self.placement.steps} steps{beyond}")

    def _done(self) -> bool:
        stepping = self.stepping
        if len(self.ops.ops) < self.placement.ops_beyond and stepping.bytes_read < BYTES_BEYOND:
            return False
        alive = [count for count, held in zip(stepping.counts, stepping.optimizers, strict=True) if held() is not None]
        if max(alive, default=0) >= _PATIENCE * self.placement.steps:
            alive = [count for count in alive if count]
        return bool(alive) and min(alive) >= self.placement.steps

    # Names

    def search(self, frame: Any, final: bool = False) -> None:
        """Search the user's variables for names: at one place at the first visit, the second, the fourth, the eighth…"""
        user = self.sites.user_frames(frame)
        key = self.sites.of(user[-1]) if user else NONE
        self._visits[key] = visits = self._visits.get(key, 0) + 1
        if not final and (visits & (visits - 1) or len(self._visits) > _PLACES):
            return
        main: Any = sys.modules.get("__main__")
        file = getattr(main, "__file__", None)
        main = getattr(main, "__dict__", None) if file is None or self.sites.is_user(file) else None
        self.ops.asleep += 1
        try:
            with torch._C.DisableTorchFunction():
                self.inventory.search(namespaces_of(user, main) if self._names is None else [self._names], final)
                self.stepping.name(self.inventory.optimizer_names.values())
        finally:
            self.ops.asleep -= 1


@contextmanager
def unseen() -> Iterator[None]:
    """Let no open window see what is tried out and undone again."""
    with ExitStack() as stack:
        for recorder in list(_OPEN):
            stack.enter_context(recorder.aside())
        yield
