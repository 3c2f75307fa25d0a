"""Where the ranks of one run leave their parts, who of them reports, and how long it waits for the others."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gradcheck_freeze.errors import GradcheckFreezeError, UsageError
from gradcheck_freeze.ranks import part as parts
from gradcheck_freeze.ranks.merge import merge
from gradcheck_freeze.ranks.part import Part
from gradcheck_freeze.rules.diagnosis import Diagnosis

_RUN = ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RESTART_COUNT", "WORLD_SIZE")
_PAUSE = 0.05
_FOR_A_FAILED_RANK = 3.0  # the others may hang until the launcher sees that this one failed


@dataclass(frozen=True, slots=True)
class Group:
    """The processes that train together, as one of them sees it."""

    rank: int
    world_size: int
    run: str
    folder: Path
    started: float
    patience: float
    kept: bool  # the user named the folder, and keeps the parts


def group_of(environment: Mapping[str, str], outputs: Sequence[Path], chosen: str | None) -> Group | None:
    """Return the group that the launcher put this process in, or None for a process alone."""
    try:
        rank, world_size = int(environment["RANK"]), int(environment["WORLD_SIZE"])
        patience = float(environment.get("GRADCHECK_FREEZE_WAIT", "60"))
    except (KeyError, ValueError):
        return None
    if world_size < 2 or not 0 <= rank < world_size:
        return None
    user = str(os.getuid()) if hasattr(os, "getuid") else environment.get("USERNAME", "")
    told = "\0".join([*(environment.get(key, "") for key in _RUN), user])
    run = hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    name = f".gradcheck-freeze-{run}"
    folder = (
        Path(chosen).absolute() if chosen else (outputs[0].parent if outputs else Path(tempfile.gettempdir())) / name
    )
    return Group(rank, world_size, run, folder, time.time(), patience, chosen is not None)


def prepare(group: Group) -> None:
    """Take away what this rank, or a reporter, left in an earlier run of the same name."""
    with suppress(OSError):
        parts.path_in(group.folder, group.rank).unlink(missing_ok=True)
        claim = group.folder / "claim"
        if claim.stat().st_mtime < group.started - 1:
            claim.unlink(missing_ok=True)


def hold_back() -> list[int]:
    """Hold a SIGTERM of the launcher back from now on, when the program is over; the list returned tells of it."""
    stopped: list[int] = []
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    return stopped


def report_of(
    group: Group, own: Part, diagnosis: Diagnosis, tell: Callable[[str], None], stopped: Sequence[int] = ()
) -> Diagnosis | None:
    """Leave this rank's part, and return the merged diagnosis where it is this rank that reports, else None.

    What `stopped` holds ends the wait for the others.
    """
    if not _ours(group):
        tell(f"{str(group.folder)!r} is somebody else's, so the ranks leave nothing there; use --parts DIR.")
        return merge([own], diagnosis, group.world_size) if group.rank == 0 else None
    try:
        parts.write(own, diagnosis, group.folder)
    except GradcheckFreezeError as error:
        tell(str(error))
    failed = bool(own.exit_status)
    if group.rank != 0 and not failed:
        return None
    until = time.monotonic() + (min(group.patience, _FOR_A_FAILED_RANK) if failed else group.patience)
    while time.monotonic() < until and not stopped and not _claimed(group):
        if all(_fresh(group, rank) for rank in range(group.world_size) if rank != group.rank):
            break
        time.sleep(_PAUSE)
    if not _claim(group):
        return None
    paths = [parts.path_in(group.folder, rank) for rank in range(group.world_size) if rank != group.rank]
    found, lost = readable([path for path in paths if path.exists()], group.run, group.started)
    found[group.rank] = own
    where = {rank: parts.path_in(group.folder, rank) for rank in found}
    return merge([found[rank] for rank in sorted(found)], diagnosis, group.world_size, lost, _reader(where))


def _ours(group: Group) -> bool:
    """Return whether a folder that the user did not name belongs to the user: it may lie where everybody can write."""
    if group.kept or not hasattr(os, "getuid"):
        return True
    try:
        group.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = group.folder.lstat()
    except OSError:
        return True  # what leaves the part tells why it cannot
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _reader(where: Mapping[int, Path]) -> Callable[[int], Diagnosis | None]:
    """Return what reads the full report of a rank."""

    def full(rank: int) -> Diagnosis | None:
        try:
            return parts.full(where[rank]) if rank in where else None
        except UsageError:
            return None

    return full


def clear(group: Group) -> None:
    """Take away the parts of a run in which every rank has reported; the claim stays, so that no other reports again."""
    for rank in range(group.world_size):
        with suppress(OSError):
            parts.path_in(group.folder, rank).unlink(missing_ok=True)


def readable(paths: Iterable[Path], run: str, since: float) -> tuple[dict[int, Part], list[str]]:
    """Return the parts of this run by rank, and what is wrong with the others."""
    found: dict[int, Part] = {}
    lost: list[str] = []
    for path in paths:
        try:
            part = parts.read(path)
        except UsageError as error:
            lost.append(str(error))
            continue
        if part.run != run or part.ended < since - 60:
            lost.append(f"{str(path)!r} is of another run.")
        elif part.rank in found:
            lost.append(f"{str(path)!r} is a second part of rank {part.rank}.")
        else:
            found[part.rank] = part
    return found, lost


def from_files(paths: Sequence[Path]) -> tuple[Diagnosis, list[str]]:
    """Return the merged diagnosis of parts, and what was wrong with some; raises `UsageError` where none can be read."""
    listed = [inner for path in paths for inner in (sorted(path.glob("*.part")) if path.is_dir() else [path])]
    first: dict[int, Path] = {}
    lost: list[str] = []
    run, world_size = "", 0
    heads: dict[int, Part] = {}
    for path in listed:
        more, wrong = readable([path], run, 0) if run else _first(path)
        lost += wrong
        for rank, part in more.items():
            if rank in heads:
                lost.append(f"{str(path)!r} is a second part of rank {rank}.")
                continue
            heads[rank], first[rank] = part, path
            run, world_size = part.run, part.world_size
    for rank in sorted(heads):
        try:
            lowest = parts.full(first[rank])
        except UsageError as error:
            lost.append(str(error))
            continue
        return merge([heads[r] for r in sorted(heads)], lowest, world_size, lost, _reader(first)), lost
    raise UsageError("\n  ".join(["none of these is a part of a report that can be read.", *lost[:5]]))


def _first(path: Path) -> tuple[dict[int, Part], list[str]]:
    try:
        part = parts.read(path)
    except UsageError as error:
        return {}, [str(error)]
    return {part.rank: part}, []


def _fresh(group: Group, rank: int) -> bool:
    try:
        return parts.path_in(group.folder, rank).stat().st_mtime >= group.started - 60
    except OSError:
        return False


def _claimed(group: Group) -> bool:
    return (group.folder / "claim").exists()


def _claim(group: Group) -> bool:
    """Return whether this rank is the one that reports; where no file can tell, rank 0 is."""
    try:
        (group.folder / "claim").touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError:
        return group.rank == 0
    return True
