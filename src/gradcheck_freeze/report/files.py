"""Writes a report to a file, whole or not at all; the suffix names the format."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import dot, json, picture, terminal
from gradcheck_freeze.rules.diagnosis import Diagnosis

FORMATS: dict[str, Callable[[Diagnosis], str | bytes]] = {
    ".json": json.render,
    ".txt": terminal.render,
    ".dot": lambda diagnosis: dot.render(diagnosis.graph),
    ".gv": lambda diagnosis: dot.render(diagnosis.graph),
    ".svg": picture.svg,
    ".png": picture.png,
}


def check_suffix(path: Path) -> None:
    """Raise `UsageError` for a file name whose suffix names no format."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path.name!r} names no known format.\n  Known suffixes: {', '.join(FORMATS)}.")


def save(diagnosis: Diagnosis, path: Path) -> None:
    """Write a report; raises `UsageError`, naming the file, where it cannot be written. An old file stays whole then."""
    check_suffix(path)
    content = FORMATS[path.suffix.lower()](diagnosis)
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise UsageError(
            f"{path} could not be written: {error.strerror}.\n  The other reports are not affected."
        ) from None
