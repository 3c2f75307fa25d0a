"""Writes a report to a file, whole or not at all; the suffix names the format."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TextIO

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report.links import NOWHERE, Links
from gradcheck_freeze.rules.diagnosis import Diagnosis

Render = Callable[..., str | bytes]


@dataclass(frozen=True, slots=True)
class Format:
    """A format of the report: the suffixes of files in it, and the function of a module in this room that makes it."""

    suffixes: tuple[str, ...]
    module: str
    function: str = "render"
    linked: bool = False  # whether it names files as a repository does, or links to them

    def render(self, diagnosis: Diagnosis, links: Links = NOWHERE) -> str | bytes:
        """Return the report; its module is imported now, so that a text report need not load the picture."""
        make: Render = getattr(import_module(f"gradcheck_freeze.report.{self.module}"), self.function)
        return make(diagnosis, links) if self.linked else make(diagnosis)


FORMATS: dict[str, Format] = {
    "text": Format((".txt",), "terminal"),
    "json": Format((".json",), "json"),
    "dot": Format((".dot", ".gv"), "picture", "source"),
    "svg": Format((".svg",), "picture", "svg"),
    "html": Format((".html", ".htm"), "html"),
    "png": Format((".png",), "picture", "png"),
    "markdown": Format((".md",), "markdown", linked=True),
    "gitlab-markdown": Format((".gitlab.md",), "markdown", "render_short", linked=True),
    "github": Format((), "github", linked=True),
    "sarif": Format((".sarif", ".sarif.json"), "sarif", linked=True),
    "gitlab": Format((".codequality.json", "code-quality-report.json"), "gitlab", linked=True),
    "junit": Format((".xml",), "junit", linked=True),
    "mermaid": Format((".mmd", ".mermaid"), "mermaid"),
}


def format_of(path: str | os.PathLike[str]) -> Format:
    """Return the format that the suffix of a file name names; raises `UsageError` where it names none."""
    name = Path(path).name.lower()
    fitting = [
        (len(suffix), form)
        for form in FORMATS.values()
        for suffix in form.suffixes
        if name.endswith(suffix) and name != suffix
    ]
    if fitting:
        return max(fitting, key=lambda pair: pair[0])[1]
    known = ", ".join(suffix for form in FORMATS.values() for suffix in form.suffixes)
    raise UsageError(f"{os.fspath(path)!r} names no known format.\n  Let the name end in one of {known}.")


def format_named(name: str) -> Format:
    """Return the format of this name; raises `UsageError` where there is none."""
    if name not in FORMATS:
        raise UsageError(f"{name!r} is no format.\n  Choose one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def show(diagnosis: Diagnosis, stream: TextIO, form: Format | None = None, links: Links = NOWHERE) -> None:
    """Print a report to a stream: in a format, or else as text that fits the terminal.

    Raises `UsageError` where the stream takes no more, and `BrokenPipeError` where nobody reads it.
    """
    with printing(stream):
        if form is None:
            from gradcheck_freeze.report import terminal

            terminal.write(diagnosis, stream)
        else:
            put(form.render(diagnosis, links), stream)


@contextmanager
def printing(stream: TextIO) -> Iterator[None]:
    """Flush the stream at the end, and raise `UsageError` where it takes no more."""
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"the report could not be printed: {error.strerror or error}.") from error


def put(content: str | bytes, stream: TextIO) -> None:
    """Print a report that is made already, in UTF-8 whatever the encoding of the stream."""
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    stream.flush()
    binary = getattr(stream, "buffer", None)
    if binary is None:
        stream.write(data.decode("utf-8", "replace"))
    else:
        binary.write(data)
        binary.flush()


def save(
    diagnosis: Diagnosis, path: str | os.PathLike[str], form: Format | None = None, links: Links = NOWHERE
) -> None:
    """Write a report in a format, or else in that which its suffix names.

    An existing file is replaced at once or stays whole. Raises `UsageError` for an unknown suffix and, with the
    reason, for a file that cannot be written.
    """
    put_file((form or format_of(path)).render(diagnosis, links), path)


def put_file(content: str | bytes, path: str | os.PathLike[str]) -> None:
    """Write a report that is made already, whole or not at all; raises `UsageError` where it cannot be written."""
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
