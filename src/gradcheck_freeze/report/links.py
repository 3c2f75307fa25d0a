"""Where a reader can look a line of source up: the files of a repository at one commit, as a build server names them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Links:
    """The address of the files of a repository, and the folder in it that paths are relative to."""

    files: str = ""  # up to and with the last slash; "" where nothing is known to link to
    folder: str = ""  # the working directory, seen from the top of the repository; "" for the top itself

    def path(self, path: str) -> str | None:
        """Return a path of the report as seen from the top of the repository; None for one outside of it."""
        if not path or path.startswith(("/", "<")) or path[1:3] in (":\\", ":/"):
            return None
        whole = posixpath.normpath(posixpath.join(self.folder, path))
        return None if whole == "." or whole.split("/")[0] == ".." else whole

    def url(self, path: str, line: int) -> str | None:
        """Return the address of a line, percent-encoded; None where there is none."""
        whole = self.path(path)
        if not self.files or whole is None:
            return None
        return f"{self.files}{uri(whole)}#L{line}"


NOWHERE = Links()


def uri(path: str) -> str:
    """Return a path as a relative URI: what is no plain character is percent-encoded."""
    return quote(path.encode("utf-8", "backslashreplace"))


def links_of(environment: Mapping[str, str], folder: str) -> Links:
    """Return what GitHub's or GitLab's environment says of the repository; `folder` is the working directory."""
    server, repository, commit = (environment.get(f"GITHUB_{key}", "") for key in ("SERVER_URL", "REPOSITORY", "SHA"))
    if server and repository and commit:
        files = f"{_plain(server)}/{_plain(repository)}/blob/{_plain(commit)}/"
        return Links(files, _within(folder, environment.get("GITHUB_WORKSPACE", "")))
    project, commit = environment.get("CI_PROJECT_URL", ""), environment.get("CI_COMMIT_SHA", "")
    if project and commit:
        return Links(
            f"{_plain(project)}/-/blob/{_plain(commit)}/", _within(folder, environment.get("CI_PROJECT_DIR", ""))
        )
    return NOWHERE


def _plain(part: str) -> str:
    return quote(part.strip("/"), safe=":/")


def _within(folder: str, top: str) -> str:
    if not top:
        return ""
    inner = posixpath.relpath(folder.replace("\\", "/"), top.replace("\\", "/"))
    return "" if inner == "." or inner.split("/")[0] == ".." else inner
