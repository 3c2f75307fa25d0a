"""The rule book, written by hand: every rule in the order of its code."""

from __future__ import annotations

from gradcheck_freeze.rules.average_also_stepped import average_also_stepped
from gradcheck_freeze.rules.average_never_follows import average_never_follows
from gradcheck_freeze.rules.backward_fails import backward_fails
from gradcheck_freeze.rules.collapsing_comparison import collapsing_comparison
from gradcheck_freeze.rules.dead_loss_term import dead_loss_term
from gradcheck_freeze.rules.detached_path import detached_path
from gradcheck_freeze.rules.eval_does_not_freeze import eval_does_not_freeze
from gradcheck_freeze.rules.every_step_skipped import every_step_skipped
from gradcheck_freeze.rules.foreign_gradient import foreign_gradient
from gradcheck_freeze.rules.freeze_matches_nothing import freeze_matches_nothing
from gradcheck_freeze.rules.freeze_of_a_copy import freeze_of_a_copy
from gradcheck_freeze.rules.freeze_stops_short import freeze_stops_short
from gradcheck_freeze.rules.freeze_without_effect import freeze_without_effect
from gradcheck_freeze.rules.frozen_fed_gradient import frozen_fed_gradient
from gradcheck_freeze.rules.frozen_made_anew import frozen_made_anew
from gradcheck_freeze.rules.frozen_moved_later import frozen_moved_later
from gradcheck_freeze.rules.frozen_statistics_drift import frozen_statistics_drift
from gradcheck_freeze.rules.frozen_updated import frozen_updated
from gradcheck_freeze.rules.frozen_written import frozen_written
from gradcheck_freeze.rules.function_drops_gradient import function_drops_gradient
from gradcheck_freeze.rules.gradient_always_zero import gradient_always_zero
from gradcheck_freeze.rules.gradient_never_zeroed import gradient_never_zeroed
from gradcheck_freeze.rules.gradient_not_asked_for import gradient_not_asked_for
from gradcheck_freeze.rules.gradient_thrown_away import gradient_thrown_away
from gradcheck_freeze.rules.graph_kept_alive import graph_kept_alive
from gradcheck_freeze.rules.graph_retained_in_vain import graph_retained_in_vain
from gradcheck_freeze.rules.learner_switched_off import learner_switched_off
from gradcheck_freeze.rules.left_in_eval_mode import left_in_eval_mode
from gradcheck_freeze.rules.masked_entries_moved import masked_entries_moved
from gradcheck_freeze.rules.missing_from_optimizer import missing_from_optimizer
from gradcheck_freeze.rules.never_learns import never_learns
from gradcheck_freeze.rules.nonfinite import gradient_not_finite
from gradcheck_freeze.rules.not_taught_by_loss import not_taught_by_loss
from gradcheck_freeze.rules.off_the_loss_path import off_the_loss_path
from gradcheck_freeze.rules.optimizer_holds_a_buffer import optimizer_holds_a_buffer
from gradcheck_freeze.rules.optimizer_never_steps import optimizer_never_steps
from gradcheck_freeze.rules.padding_row_is_an_entry import padding_row_is_an_entry
from gradcheck_freeze.rules.parameter_unused import parameter_unused
from gradcheck_freeze.rules.path_leaves_torch import path_leaves_torch
from gradcheck_freeze.rules.path_under_no_grad import path_under_no_grad
from gradcheck_freeze.rules.path_without_derivative import path_without_derivative
from gradcheck_freeze.rules.ranks_differ import ranks_differ
from gradcheck_freeze.rules.replicas_diverged import replicas_diverged
from gradcheck_freeze.rules.result_never_used import result_never_used
from gradcheck_freeze.rules.reversal_without_gradient import reversal_without_gradient
from gradcheck_freeze.rules.rule import Rule
from gradcheck_freeze.rules.stale_optimizer_entry import stale_optimizer_entry
from gradcheck_freeze.rules.step_without_effect import step_without_effect
from gradcheck_freeze.rules.target_is_alias import target_is_alias
from gradcheck_freeze.rules.twice_in_optimizers import twice_in_optimizers
from gradcheck_freeze.rules.unreached_by_loss import unreached_by_loss
from gradcheck_freeze.rules.update_never_lands import update_never_lands

RULES: tuple[Rule, ...] = (
    frozen_updated,
    frozen_fed_gradient,
    frozen_statistics_drift,
    freeze_without_effect,
    eval_does_not_freeze,
    target_is_alias,
    foreign_gradient,
    masked_entries_moved,
    collapsing_comparison,
    frozen_written,
    average_also_stepped,
    frozen_made_anew,
    freeze_of_a_copy,
    freeze_stops_short,
    freeze_matches_nothing,
    frozen_moved_later,
    detached_path,
    path_under_no_grad,
    path_leaves_torch,
    path_without_derivative,
    parameter_unused,
    off_the_loss_path,
    missing_from_optimizer,
    stale_optimizer_entry,
    gradient_always_zero,
    dead_loss_term,
    step_without_effect,
    unreached_by_loss,
    every_step_skipped,
    padding_row_is_an_entry,
    left_in_eval_mode,
    average_never_follows,
    gradient_not_finite,
    function_drops_gradient,
    result_never_used,
    learner_switched_off,
    optimizer_never_steps,
    optimizer_holds_a_buffer,
    gradient_not_asked_for,
    reversal_without_gradient,
    not_taught_by_loss,
    never_learns,
    backward_fails,
    update_never_lands,
    gradient_thrown_away,
    gradient_never_zeroed,
    twice_in_optimizers,
    graph_kept_alive,
    graph_retained_in_vain,
    ranks_differ,
    replicas_diverged,
)
