"""What one rank leaves for the others: a file of three lines of JSON, there whole or not at all.

The first line holds what a merged report needs of every rank, the second this rank's full report, the third says that
the file is complete.
"""

from __future__ import annotations

import json
import linecache
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from gradcheck_freeze.errors import GradcheckFreezeError, UsageError
from gradcheck_freeze.report.json import document, dumps, finding_object
from gradcheck_freeze.report.reading import findings_of, location_of, parse
from gradcheck_freeze.rules.across import Word
from gradcheck_freeze.rules.diagnosis import Diagnosis
from gradcheck_freeze.rules.finding import Finding, Location
from gradcheck_freeze.trace.record import Trace

VERSION = 1
_END = b'{"complete":true}\n'
_LONGEST_HEAD = 1 << 28


@dataclass(frozen=True)
class Part:
    """What a rank says that the others may say differently."""

    run: str
    rank: int
    world_size: int
    ended: float
    exit_status: int | None
    words: dict[str, Word]
    declared: dict[str, Location]
    findings: tuple[Finding, ...]
    gaps: tuple[str, ...]


def part_of(trace: Trace, diagnosis: Diagnosis, run: str, rank: int, world_size: int) -> Part:
    """Return what this rank says."""
    prints: dict[str, list[tuple[str, int, str]]] = {}
    names = {index: name for index, tensor in enumerate(trace.tensors) for name in tensor.names[:1]}
    for taken in trace.prints:
        optimizer = f"{taken.optimizer}"  # by number: ranks may name alike what is not, and differently what is
        for tensor, value in taken.of.items():
            prints.setdefault(names.get(tensor, ""), []).append((optimizer, taken.step, f"{value:032x}"[:16]))
    spread = {name: tensor.spread for tensor in trace.tensors for name in tensor.names}
    words = {}
    for name, record in diagnosis.parameters.items():
        if record.kind == "buffer":
            continue  # running statistics differ between ranks by design
        held = bool(record.optimizers)
        printed: tuple[tuple[str, int, str], ...] = ()
        for known in (name, *record.aliases):
            printed = printed or tuple(prints.get(known, ()))
        words[name] = Word(
            record.shape,
            record.requires_grad,
            held,
            record.updated,
            record.gradient,
            spread.get(name, ""),
            printed,
            len(trace.steps),
        )
    lines = {d: trace.sites[d.site] for d in trace.declarations if d.kind == "requires_grad" and d.site >= 0}
    declared = {}
    for declaration, site in lines.items():
        if not declaration.value:
            text = linecache.getline(site.path, site.line).strip()
            path = os.path.relpath(site.path, trace.root or ".")
            place = Location(path, site.line, site.end_line, site.function, text)
            declared.update({names[tensor]: place for tensor in declaration.tensors if tensor in names})
    status = diagnosis.script.exit_status if diagnosis.script else None
    return Part(run, rank, world_size, time.time(), status, words, declared, diagnosis.findings, diagnosis.gaps)


def write(part: Part, diagnosis: Diagnosis, folder: Path) -> None:
    """Leave the part in the folder; raises `GradcheckFreezeError` where it cannot be written."""
    path = path_in(folder, part.rank)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with beside.open("wb") as stream:
            stream.write(_line(_head(part)))
            stream.write(_line(document(diagnosis)))
            stream.write(_END)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise GradcheckFreezeError(
            f"rank {part.rank} could not leave its report in {str(folder)!r}: {error.strerror or error}."
        ) from error


def path_in(folder: Path, rank: int) -> Path:
    """Return where a rank leaves its part."""
    return folder / f"rank-{rank}.part"


def read(path: Path) -> Part:
    """Return what the first line of a part says; raises `UsageError` for a file that is none or was cut short."""
    try:
        with path.open("rb") as stream:
            first = stream.readline(_LONGEST_HEAD)
            stream.seek(max(0, path.stat().st_size - len(_END)))
            complete = stream.read() == _END
        head = json.loads(first)
        if not isinstance(head, dict) or head.get("gradcheck_freeze_part") != VERSION:
            raise UsageError(f"{str(path)!r} is no part of a report of gradcheck-freeze.")
        if not complete:
            raise UsageError(f"{str(path)!r} was cut short.")
        return _part(head)
    except OSError as error:
        raise UsageError(f"{str(path)!r} could not be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{str(path)!r} is no part of a report, or was cut short.") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{str(path)!r} is a damaged part.") from error


def full(path: Path) -> Diagnosis:
    """Return the full report in a part; raises `UsageError` where it is damaged."""
    try:
        with path.open("rb") as stream:
            stream.readline()
            return parse(stream.readline().decode("utf-8", "replace"), str(path))
    except OSError as error:
        raise UsageError(f"{str(path)!r} could not be read: {error.strerror or error}.") from error


def _line(value: Any) -> bytes:
    return json.dumps(json.loads(dumps(value)), separators=(",", ":")).encode() + b"\n"


def _head(part: Part) -> dict[str, Any]:
    return {
        "gradcheck_freeze_part": VERSION,
        "run": part.run,
        "rank": part.rank,
        "world_size": part.world_size,
        "ended": part.ended,
        "exit_status": part.exit_status,
        "parameters": json.dumps({name: _told(word) for name, word in sorted(part.words.items())}),
        "declared": {name: [at.path, at.line, at.end_line, at.function, at.text] for name, at in part.declared.items()},
        "findings": json.dumps([finding_object(finding) for finding in part.findings]),
        "gaps": list(part.gaps),
    }


def _told(word: Word) -> list[Any]:
    return [
        list(word.shape),
        word.requires_grad,
        word.held,
        word.updated,
        word.gradient,
        word.spread,
        [list(each) for each in word.prints],
        word.steps,
    ]


def _part(head: dict[str, Any]) -> Part:
    return Part(
        str(head["run"]),
        int(head["rank"]),
        int(head["world_size"]),
        float(head["ended"]),
        head["exit_status"],
        _words(head["parameters"]),
        {name: location_of(*told) for name, told in head["declared"].items()},
        _findings(head["findings"]),
        _texts(head["gaps"]),
    )


@lru_cache(maxsize=4)  # ranks that agree say it letter by letter, so it is read once
def _words(text: str) -> dict[str, Word]:
    return {name: _word(*told) for name, told in json.loads(text).items()}


@lru_cache(maxsize=4)
def _findings(text: str) -> tuple[Finding, ...]:
    return findings_of(json.loads(text))


def _word(
    shape: list[int], requires: bool, held: bool, updated: bool, gradient: str, spread: str, prints: Any, steps: int
) -> Word:
    told = tuple((str(optimizer), int(step), str(value)) for optimizer, step, value in prints)
    return Word(tuple(shape), requires, held, updated, gradient, spread, told, steps)


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
