"""The recorder: opens the window, closes it, and gives the `Trace`.

A window closes when every optimizer seen has made `steps` steps and a small budget of work has been watched beyond
them, when `max_ops` ops have been recorded, or when the program ends. The budget (ops recorded, bytes fingerprinted) lets a
short program be watched whole, with what happens after its third step: a freeze, a validation, a second optimizer. A long
training passes it within its first seconds. An optimizer that has not stepped by the time another has made ten times
`steps` is not waited for. Where more is to come (another window, or the guard), it sleeps meanwhile. A failure of the recorder
itself never reaches the program: it is noted as a gap.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import get_ident
from typing import Any

import torch
from torch._C import _current_graph_task_id

from gradcheck_freeze.trace.aside import note_open
from gradcheck_freeze.trace.assemble import assemble
from gradcheck_freeze.trace.backwards import BackwardWatch
from gradcheck_freeze.trace.compiled import CompiledWatch
from gradcheck_freeze.trace.declarations import DeclarationWatch
from gradcheck_freeze.trace.elsewhere import Elsewhere
from gradcheck_freeze.trace.gradients import GradientWatch
from gradcheck_freeze.trace.guarding import Guard
from gradcheck_freeze.trace.installed import Patches, remove_mode
from gradcheck_freeze.trace.installing import install, install_between
from gradcheck_freeze.trace.inventory import Inventory
from gradcheck_freeze.trace.kept import KeptWatch
from gradcheck_freeze.trace.lookups import LookupWatch
from gradcheck_freeze.trace.masks import MaskWatch
from gradcheck_freeze.trace.modules import ModuleWatch
from gradcheck_freeze.trace.ops import OpRecorder
from gradcheck_freeze.trace.optimizers import Optimizers
from gradcheck_freeze.trace.optimizing import OptimizerWatch, in_a_step
from gradcheck_freeze.trace.pacing import Pace
from gradcheck_freeze.trace.placement import Placement
from gradcheck_freeze.trace.record import NONE, Gap, Rank, Trace
from gradcheck_freeze.trace.scripted import ScriptWatch
from gradcheck_freeze.trace.searching import NameSearch
from gradcheck_freeze.trace.singular import SingularWatch
from gradcheck_freeze.trace.sites import Sites
from gradcheck_freeze.trace.steps import StepWatch
from gradcheck_freeze.trace.transformed import TransformWatch
from gradcheck_freeze.trace.unseen import Unseen
from gradcheck_freeze.trace.warned import WarningWatch


class Recorder:
    """Watches the windows of one run; `open` and `close` may be called once each, `trace` at any time after."""

    def __init__(self, placement: Placement | None = None, names: Mapping[str, Any] | None = None) -> None:
        """Watch what the placement says; `names` are the variables to name things by, if given."""
        self.placement = placement or Placement()
        self.closed: str | None = None
        self.is_open = False
        self.asleep = False  # between two windows, or under guard after the last
        self.hooks_follow = False  # whether torch is calling the hooks of a step, and others come after ours
        self._leaving = False  # closed, and waiting for such a step to be over to take everything out
        self._lingers = False  # whether the mode is still on the stack though no window is open
        self._thread = get_ident()
        self.patches, self._between = Patches(), Patches()
        self.rank: Rank | None = None
        self.gaps: list[Gap] = []
        self._trace: Trace | None = None
        # What is watched, each thing by one: first those that others are made of.
        self.sites = Sites()
        self.ops = OpRecorder(self.sites, self.placement.max_ops, self.full, self.fail)
        self.inventory = Inventory(self.ops)
        self.optimizers = Optimizers(self.ops)
        self.gradients = GradientWatch(self.ops)
        self.backwards = BackwardWatch(self.ops, self.gradients)
        self.masks = MaskWatch(self)
        self.stepping = StepWatch(self.ops, self.inventory, self.optimizers, self.gradients, self.masks)
        self.searching = NameSearch(self, names)
        self.elsewhere = Elsewhere(self)
        self.optimizing = OptimizerWatch(self)
        self.modules = ModuleWatch(self)
        self.declaring = DeclarationWatch(self)
        self.lookups = LookupWatch(self)
        self.singular = SingularWatch(self)
        self.kept = KeptWatch(self)
        self.unseen = Unseen(self)
        self.transformed = TransformWatch(self)
        self.scripted = ScriptWatch(self)
        self.compiled = CompiledWatch(self, self.placement.compiled == "opaque")
        self.warned = WarningWatch()
        self.pace = Pace(self)
        self.guard = Guard(self)
        # What these ask of later ones.
        self.ops.stand_in = self.modules.stand_in
        self.ops.on_slot_written = self.stepping.slot_written
        self.gradients.apart = self.elsewhere.apart
        self.backwards.on_received = self.masks.backward_done
        self.backwards.before_any_step = lambda frame: None if self.stepping.steps else self.searching.search(frame)

    def open(self) -> None:
        """Install everything. Torch must have been imported by the program."""
        if self.is_open or self.asleep or self.closed is not None:
            return
        self._thread = get_ident()
        note_open(self)
        try:
            self.pace.install()
            self._install()
        except Exception as error:
            self.fail(error)
            self.close("the recorder could not start")

    def _install(self) -> None:
        self.is_open = True
        install(self, self.patches)
        self.compiled.install()
        self.warned.install()

    def suspend(self) -> None:
        """Take every stand-in and hook out, but what is there for good, until as many `resume`."""
        self.patches.suspend()
        self.pace.hooks.suspend()

    def resume(self) -> None:
        """Put in again what `suspend` took out."""
        self.pace.hooks.resume()
        self.patches.resume()

    def is_own_thread(self) -> bool:
        """Return whether this is the thread in which the window was opened."""
        return get_ident() == self._thread

    def watches(self) -> bool:
        """Return whether the window is open, in the thread in which it was opened."""
        return self.is_open and get_ident() == self._thread

    def here(self) -> bool:
        """Return whether the user's own code is running under watch: this thread, not inside a backward or a step."""
        if not self.is_open or get_ident() != self._thread or _current_graph_task_id() != -1:
            if self._leaving and get_ident() == self._thread and not in_a_step(sys._getframe(1)):
                self._uninstall()
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
        if not self.is_open and not self.asleep:
            return
        was_open, self.is_open = self.is_open, False
        self.ops.asleep += 1  # stays so where the mode is not on the stack now, as inside a backward
        try:
            self._look_last(was_open)
        except Exception as error:
            self.fail(error)
        try:
            self._leaving = self.hooks_follow
            if not self._leaving:
                self._uninstall()
            self.ops.tensors.close()
        except Exception as error:
            self.fail(error)

    def _look_last(self, was_open: bool) -> None:
        try:
            if was_open:
                self._settle()
                self._each(self.elsewhere.note_shared, partial(self.pace.window_over, last=True))
        finally:
            self._each(self._keep)
            self.asleep = False

    def _keep(self) -> None:
        self.gaps += self.pace.missed()
        self._trace = assemble(self, self.guard.end())

    def _settle(self) -> None:
        """Look at everything for the last time in this window."""
        name: Callable[[], None] = partial(self.searching.search, sys._getframe(2), final=True)
        self._each(name, self.stepping.note_writes, self.gradients.close, self.optimizers.look_at_all)

    def _each(self, *looks: Callable[[], None]) -> None:
        """Do each of these; what one cannot do is lost, and not what the others still can."""
        for look in looks:
            try:
                with torch._C.DisableTorchFunction():
                    look()
            except Exception as error:
                self.fail(error)

    def sleep(self) -> None:
        """Take everything out of torch but what counts steps, until `wake` or `close`."""
        self.is_open, self.asleep = False, True
        self.ops.asleep += 1
        self._settle()
        self.inventory.settled = True
        self._each(self.guard.begin)
        self._take_out()
        self.ops.tensors.drop_computed()
        install_between(self, self._between)

    def wake(self) -> None:
        """Open the next window: what happened since the last is neither a write nor a gradient of anybody's."""
        self._between.undo()
        remove_mode(self.ops)
        self._lingers, self.asleep = False, False
        self.ops.start_anew()
        self.pace.pauses.append(len(self.ops.ops))
        self.searching.start_anew()
        switched: Callable[[], None] = partial(self.declaring.switched_unseen, self.guard.switches)
        self._each(switched, self.stepping.start_anew, self.gradients.start_anew, self.singular.start_anew)
        self._install()

    def take_mode_out(self) -> None:
        """Take the mode out where that was not possible when the window closed, inside a call that had put it aside."""
        if self._lingers:
            self._lingers = not remove_mode(self.ops)

    def _uninstall(self) -> None:
        self._leaving = False
        self.pace.hooks.undo()
        self._between.undo()
        self._take_out()

    def _take_out(self) -> None:
        self.compiled.uninstall()
        self.warned.uninstall()
        self.patches.undo()
        self.masks.close()
        self._lingers = not remove_mode(self.ops)

    def abandon(self) -> None:
        """Drop everything silently: this process is a forked child."""
        if self.is_open or self.asleep:
            self.is_open = self.asleep = False
            self.closed = "the process was forked"
            self.ops.asleep += 1
            self._uninstall()

    def trace(self) -> Trace:
        """Return what was seen, closing the window if it is open."""
        self.close("the program ended")
        if self._trace is None:
            self._trace = Trace(gaps=list(self.gaps), closed=self.closed or "", root=str(Path.cwd()))
        self._trace.gaps += [gap for gap in self.gaps if gap not in self._trace.gaps]  # of what failed since
        return self._trace

    def full(self) -> None:
        """Close the window: as much is kept of it as may be."""
        if not self.is_open:
            return
        ops, beside = len(self.ops.ops), self.ops.rows + len(self.modules.calls)
        more = f" and {beside:,} calls and declarations beside them" if ops < self.ops.max_ops else ""
        self.gap(f"the window was closed after {ops:,} ops{more}; raise --max-ops to see more")
        if self.placement.guard:
            self.pace.window_over()
            self.pace.stop()
            self.sleep()
        else:
            self.close("the limit of ops was reached")

    def fail(self, error: BaseException) -> None:
        """Note a failure of the recorder's own; the program goes on."""
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        where = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "?"
        self.gap(f"the recorder failed at {where} ({type(error).__name__}: {error}); what happened there was not seen")

    def gap(self, what: str, site: int = NONE) -> None:
        """State once that something could not be seen, and where that was first."""
        if all(gap.what != what for gap in self.gaps):
            self.gaps.append(Gap(what, site))

    def close_when_done(self) -> None:
        """Close the window, or go to sleep, if every optimizer has made its steps and the budget beyond them is spent."""
        if self.ops.rows > self.ops.max_ops:
            self.full()
        if not self.pace.done() or (self.pace.goes_on and self.stepping.running):
            return
        if self.pace.goes_on:
            self.pace.window_over()
            self.sleep()
        else:
            beyond = " and the budget beyond them was spent" if self.placement.ops_beyond else ""
            self.close(f"every optimizer had made {self.placement.steps} steps{beyond}")

    def look(self) -> None:
        """Read everything that has a name, so that what the first forward writes is told from what there was."""
        self.searching.search(sys._getframe(1))
        self._each(self.stepping.note_writes)
