"""What the author intends: which names must stay frozen, which must learn, for the whole run or for one loss; what is accepted."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gradcheck_freeze.errors import ContractError


@dataclass(frozen=True, slots=True)
class Ignore:
    """Findings that the author accepts: those of a rule about parameters that fit a pattern, for a reason."""

    rule: str  # its code
    pattern: str
    reason: str


@dataclass(frozen=True, slots=True)
class Contract:
    """Patterns over qualified names: a name, everything below it, or a glob. `*_for_loss` maps a loss to patterns."""

    frozen: tuple[str, ...] = ()
    trainable: tuple[str, ...] = ()
    frozen_for_loss: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trainable_for_loss: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignores: tuple[Ignore, ...] = ()


def parse_patterns(frozen: Iterable[str], trainable: Iterable[str]) -> Contract:
    """Return the contract of command-line patterns, where `pattern@loss` holds for the backward of that loss only."""
    whole: dict[str, list[str]] = {"frozen": [], "trainable": []}
    by_loss: dict[str, dict[str, list[str]]] = {"frozen": {}, "trainable": {}}
    for side, patterns in (("frozen", frozen), ("trainable", trainable)):
        for text in patterns:
            pattern, at, loss = text.partition("@")
            if not pattern or (at and not loss):
                raise ContractError(
                    f"--{side} {text!r} is no pattern.\n"
                    "  Write NAME, NAME.*, or NAME@LOSS, as in --frozen 'encoder@loss_latent'."
                )
            (by_loss[side].setdefault(loss, []) if at else whole[side]).append(pattern)
    return Contract(
        tuple(whole["frozen"]),
        tuple(whole["trainable"]),
        {loss: tuple(patterns) for loss, patterns in by_loss["frozen"].items()},
        {loss: tuple(patterns) for loss, patterns in by_loss["trainable"].items()},
    )


def fitting(contract: Contract, names: Sequence[tuple[str, ...]], losses: Collection[str]) -> Contract:
    """Return what of a contract is about these names and losses: that of a whole project is not about each part of it."""

    def known(patterns: Iterable[str]) -> tuple[str, ...]:
        return tuple(p for p in patterns if any(matches(p, name) for aliases in names for name in aliases))

    def by_loss(wanted: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {loss: known(patterns) for loss, patterns in wanted.items() if loss in losses}

    return Contract(
        known(contract.frozen),
        known(contract.trainable),
        by_loss(contract.frozen_for_loss),
        by_loss(contract.trainable_for_loss),
        tuple(entry for entry in contract.ignores if entry.pattern == "*" or known([entry.pattern])),
    )


def matches(pattern: str, name: str) -> bool:
    """Return whether the pattern is the name, holds it below itself, or is a glob that fits either."""
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"{pattern}.*")


def check_pattern(pattern: str, names: Sequence[tuple[str, ...]], option: str) -> set[int]:
    """Return the indices of the tensors that a pattern fits; raises `ContractError`, with the nearest names, if there is none."""
    fitting = {i for i, aliases in enumerate(names) if any(matches(pattern, name) for name in aliases)}
    if not fitting:
        near = nearest(pattern, (name for aliases in names for name in aliases))
        hint = f"Nearest names: {', '.join(near)}." if near else "No parameter was seen under a name like it."
        raise ContractError(f"{option} {pattern!r} matches no parameter or buffer ({len(names)} seen).\n  {hint}")
    return fitting


def check_loss(loss: str, patterns: Sequence[str], losses: Collection[str], option: str) -> None:
    """Raise `ContractError` where no loss is called so."""
    if loss not in losses:
        known = ", ".join(sorted(losses)) or "none"
        raise ContractError(f"{option} '{patterns[0]}@{loss}': no loss is called {loss!r}.\n  Losses seen: {known}.")


def check(contract: Contract, names: Sequence[tuple[str, ...]], losses: Collection[str]) -> None:
    """Raise `ContractError` for the first pattern or loss of a contract that is not among these."""
    sides = (
        ("--frozen", contract.frozen, contract.frozen_for_loss),
        ("--trainable", contract.trainable, contract.trainable_for_loss),
    )
    for option, patterns, by_loss in sides:
        for loss, of_loss in by_loss.items():
            check_loss(loss, of_loss, losses, option)
        for pattern in (*patterns, *(p for of_loss in by_loss.values() for p in of_loss)):
            check_pattern(pattern, names, option)
    for entry in contract.ignores:
        if entry.pattern != "*":
            check_pattern(entry.pattern, names, f"ignore {entry.rule}")


def nearest(pattern: str, names: Iterable[str]) -> list[str]:
    """Return up to three names, modules included, that the author may have meant by a pattern that fits nothing."""
    known = {".".join(parts[:i]) for name in names for parts in [name.split(".")] for i in range(1, len(parts) + 1)}
    return difflib.get_close_matches(pattern.removesuffix(".*"), sorted(known), n=3, cutoff=0.4)
