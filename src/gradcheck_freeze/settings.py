"""The contract and options of a project, from `[tool.gradcheck-freeze]` in the nearest pyproject.toml."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gradcheck_freeze.errors import ContractError, UsageError
from gradcheck_freeze.rules.contract import Contract, Ignore, parse_patterns

_KEYS = ("frozen", "trainable", "loss", "ignore", "steps", "after", "every", "guard", "fail-on")
_LEVELS = ("note", "warning", "error", "never")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is held against. Patterns on the command line take the place of the file's."""

    contract: Contract
    steps: int | None = None
    fail_on: str = "error"
    after: int | None = None
    every: int | None = None
    guard: bool = False


def read_settings(
    folder: Path, frozen: tuple[str, ...], trainable: tuple[str, ...], ignore: tuple[str, ...] = ()
) -> Settings:
    """Return the settings for a run in this folder; raises `UsageError` for a file that cannot be read or obeyed."""
    path, table = _find(folder)
    _known(path, table, _KEYS)
    fail_on, guard = table.get("fail-on", "error"), table.get("guard", False)
    steps, after, every = (_whole(path, table, key, least) for key, least in (("steps", 1), ("after", 0), ("every", 1)))
    if not isinstance(guard, bool):
        raise UsageError(f"{path}: guard must be true or false, not {guard!r}.")
    if fail_on not in _LEVELS:
        raise UsageError(f"{path}: fail-on must be one of {', '.join(_LEVELS)}, not {fail_on!r}.")
    contract = parse_patterns(frozen, trainable) if frozen or trainable else _contract(path, table)
    ignores = _ignores(path, table, ignore)
    return Settings(replace(contract, ignores=ignores), steps, fail_on, after, every, guard)


def _whole(path: Path, table: dict[str, Any], key: str, least: int) -> int | None:
    value: Any = table.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
        raise UsageError(f"{path}: {key} must be a whole number of at least {least}, not {value!r}.")
    return None if value is None else int(value)


def _ignores(path: Path, table: dict[str, Any], options: tuple[str, ...]) -> tuple[Ignore, ...]:
    """Return what the file ignores, and what the command line does besides."""
    if not options and "ignore" not in table:
        return ()
    from gradcheck_freeze.rules.ignores import parse_ignore_options, parse_ignores

    return (*parse_ignores(table.get("ignore", []), f"{path}: ignore"), *parse_ignore_options(options))


def _find(folder: Path) -> tuple[Path, dict[str, Any]]:
    for place in (folder, *folder.parents):
        path = place / "pyproject.toml"
        if path.is_file():
            try:
                table = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("gradcheck-freeze", {})
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
                raise UsageError(f"{path} cannot be read: {error}.") from None
            return path, table
    return folder / "pyproject.toml", {}


def _known(path: Path, table: dict[str, Any], keys: tuple[str, ...]) -> None:
    for key in table:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"{path}: [tool.gradcheck-freeze] has no key {key!r}.{meant}\n  Known: {', '.join(keys)}.")


def _contract(path: Path, table: dict[str, Any]) -> Contract:
    by_loss: dict[str, dict[str, tuple[str, ...]]] = {"frozen": {}, "trainable": {}}
    for loss, patterns in table.get("loss", {}).items():
        _known(path, patterns, ("frozen", "trainable"))
        for side in ("frozen", "trainable"):
            if side in patterns:
                by_loss[side][loss] = _patterns(path, patterns[side])
    return Contract(
        _patterns(path, table.get("frozen", [])),
        _patterns(path, table.get("trainable", [])),
        by_loss["frozen"],
        by_loss["trainable"],
    )


def _patterns(path: Path, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ContractError(f"{path}: patterns must be a list of names or globs, not {value!r}.")
    return tuple(value)
