"""Posts the comment, or brings the one that an earlier run wrote up to date: one comment, however often it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradcheck_freeze.comment.host import Comment, GitHub, GitLab, Host
from gradcheck_freeze.comment.http import Connection, PostingError, RefusedError, UnsureError
from gradcheck_freeze.comment.place import Place

_TRIES = 3
_HOSTS: dict[str, type[GitHub] | type[GitLab]] = {"github": GitHub, "gitlab": GitLab}


@dataclass(frozen=True, slots=True)
class Posted:
    """What was done ("posted", "updated" or "left as it was"), and where it can be seen."""

    what: str
    address: str


def post(place: Place, mark: str, body: Callable[[bool], str], patience: float, timeout: float = 30) -> Posted:
    """Write the comment that starts with this mark; `body` gives its text, and a short one if it is asked for that.

    Raises `PostingError`, with what to do, where that cannot be done.
    """
    token = {"Authorization": f"Bearer {place.token}"} if place.provider == "github" else {"PRIVATE-TOKEN": place.token}
    connection = Connection(place.url, {**token, **_VERSION.get(place.provider, {})}, place.token, patience, timeout)
    host: Host | None = None
    try:
        host = _HOSTS[place.provider](connection, place)
        try:
            return _write(host, mark, body(False))
        except RefusedError as error:
            if not _is_too_long(error):
                raise
            return _write(host, mark, body(True))
    except RefusedError as error:
        advice = host.advice(error.status) if host else "  Check the repository and what the token may do."
        raise PostingError(f"the comment was not posted: {error}\n{advice}") from error


_VERSION = {"github": {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}}


def _write(host: Host, mark: str, body: str) -> Posted:
    """Look for the comment and write it; after a POST of which nobody knows whether it was carried out, look again."""
    for attempt in range(1, _TRIES + 1):
        found = _own(host, mark)
        if found is not None and found.body.replace("\r\n", "\n").strip() == body.strip():
            return Posted("left as it was", found.address)
        if found is not None:
            try:
                return Posted("updated", host.update(found, body))
            except RefusedError as error:
                if error.status not in (403, 404):  # someone else's after all, or deleted since
                    raise
        try:
            return Posted("posted", host.create(body))
        except UnsureError:
            if attempt == _TRIES:
                raise
            host.connection.pause(2**attempt)
    raise AssertionError("unreachable")


def _own(host: Host, mark: str) -> Comment | None:
    """Return the oldest comment that starts with the mark and that the token's owner wrote, as far as can be told."""
    marked = [comment for comment in host.comments() if comment.body.lstrip().startswith(mark)]
    if not marked:
        return None
    own = host.own()
    return next((c for c in marked if c.author == own or (own is None and c.is_bot)), None)


def _is_too_long(error: RefusedError) -> bool:
    return error.status in (400, 413, 422) and "too long" in error.said.lower()
