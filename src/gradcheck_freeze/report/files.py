"""Writes a report to a file, whole or not at all; the suffix names the format."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.rules.diagnosis import Diagnosis

Render = Callable[[Diagnosis], str | bytes]


def _renderer(module: str, function: str = "render") -> Render:
    """Return a renderer whose module is imported when it is first used: a text report need not load the picture."""

    def render(diagnosis: Diagnosis) -> str | bytes:
        content: str | bytes = getattr(import_module(f"gradcheck_freeze.report.{module}"), function)(diagnosis)
        return content

    return render


def _dot(diagnosis: Diagnosis) -> str:
    from gradcheck_freeze.report import dot

    return dot.render(diagnosis.graph)


FORMATS: dict[str, Render] = {
    ".json": _renderer("json"),
    ".txt": _renderer("terminal"),
    ".dot": _dot,
    ".gv": _dot,
    ".svg": _renderer("picture", "svg"),
    ".png": _renderer("picture", "png"),
}


def check_suffix(path: str | os.PathLike[str]) -> None:
    """Raise `UsageError` for a file name whose suffix names no format."""
    if Path(path).suffix.lower() not in FORMATS:
        raise UsageError(
            f"{os.fspath(path)!r} names no known format.\n  Let the name end in one of {', '.join(FORMATS)}."
        )


def save(diagnosis: Diagnosis, path: str | os.PathLike[str]) -> None:
    """Write a report in the format its suffix names.

    An existing file is replaced at once or stays whole. Raises `UsageError` for an unknown suffix and, with the
    reason, for a file that cannot be written.
    """
    check_suffix(path)
    content = FORMATS[Path(path).suffix.lower()](diagnosis)
    try:
        _replace(Path(path), content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"{os.fspath(path)!r} could not be written: {reason}.\n"
            "  Name a file in a folder that exists and can be written to."
        ) from error


def _replace(path: Path, data: bytes) -> None:
    """Write to a new file in the same folder and move it over the old one; a link stays a link."""
    target = path.resolve()
    if target.exists() and not target.is_file():  # a pipe or /dev/stdout cannot be replaced, only written to
        target.write_bytes(data)
        return
    descriptor, name = tempfile.mkstemp(prefix=".gradcheck-freeze-", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    """Return the umask, which the system tells only by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
