"""The two hosts: how each lists, writes and changes the comments of a request, and what its refusals mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, final
from urllib.parse import quote, urlencode

from gradcheck_freeze.comment.http import Connection, PostingError, RefusedError
from gradcheck_freeze.comment.place import Place
from gradcheck_freeze.report.words import shown

_PER_PAGE = 100
_MOST_PAGES = 100


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment that is there."""

    key: int
    body: str
    author: int
    is_bot: bool
    address: str = ""


class Host(ABC):
    """One request on one host, over a connection."""

    def __init__(self, connection: Connection, place: Place) -> None:
        self.connection = connection
        self.place = place

    @abstractmethod
    def comments(self) -> list[Comment]:
        """Return every comment of the request, the oldest first."""

    @abstractmethod
    def create(self, body: str) -> str:
        """Write a comment and return its address."""

    @abstractmethod
    def update(self, comment: Comment, body: str) -> str:
        """Give a comment another text and return its address."""

    @abstractmethod
    def advice(self, status: int) -> str:
        """Return what to do about a refusal."""

    def own(self) -> int | None:
        """Return who the token belongs to, None where it may not ask that."""
        try:
            return _integer(_object(self.connection.ask("GET", "/user")), "id")
        except RefusedError:
            return None

    def _pages(self, path: str, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in range(1, _MOST_PAGES + 1):
            asked = urlencode({**query, "per_page": _PER_PAGE, "page": page})
            entries = self.connection.ask("GET", f"{path}?{asked}")
            if not isinstance(entries, list):
                raise _strange(self.connection)
            found += [_object(entry) for entry in entries]
            if len(entries) < _PER_PAGE:
                break
        return found


@final
class GitHub(Host):
    """A pull request, whose comments are those of its issue."""

    def __init__(self, connection: Connection, place: Place) -> None:
        super().__init__(connection, place)
        self._repository = f"/repos/{place.repository}"
        self._number = place.number or self._of_branch()

    def comments(self) -> list[Comment]:
        entries = self._pages(f"{self._repository}/issues/{self._number}/comments")
        return [
            Comment(
                _integer(entry, "id"),
                _text(entry, "body"),
                _integer(_object(entry.get("user") or {"id": 0}), "id"),
                _text(_object(entry.get("user") or {}), "type") == "Bot",
                _text(entry, "html_url"),
            )
            for entry in entries
        ]

    def create(self, body: str) -> str:
        path = f"{self._repository}/issues/{self._number}/comments"
        return _text(_object(self.connection.ask("POST", path, {"body": body})), "html_url")

    def update(self, comment: Comment, body: str) -> str:
        path = f"{self._repository}/issues/comments/{comment.key}"
        return _text(_object(self.connection.ask("PATCH", path, {"body": body})), "html_url")

    def advice(self, status: int) -> str:
        if status == 401:
            return f"  {self.place.token_name} is expired, revoked, or for another server."
        if status == 403:
            return (
                "  Give the job permissions: pull-requests: write. The token of a workflow that a pull request from a fork\n"
                "  started can only read: let it upload the report, and post from a workflow_run job, as examples/ci shows."
            )
        if status == 404:
            return f"  Either {self.place.repository} has no pull request {self._number}, or {self.place.token_name} may not see it."
        return "  Check the repository and the number."

    def _of_branch(self) -> int:
        """Return the open pull request of the branch that started the workflow: of a fork no event tells its number."""
        pulls = self._pages(f"{self._repository}/pulls", state="open", head=self.place.head)
        now = [
            _integer(pull, "number")
            for pull in pulls
            if not self.place.commit or _text(_object(pull.get("head") or {}), "sha") == self.place.commit
        ]
        if not now:
            raise PostingError(
                f"{shown(self.place.head)} has no open pull request at commit {shown(self.place.commit[:12])}.\n"
                "  If it was pushed to since, the run of the newer commit will comment; else give --number."
            )
        return min(now)


@final
class GitLab(Host):
    """A merge request, whose comments are called notes."""

    def __init__(self, connection: Connection, place: Place) -> None:
        super().__init__(connection, place)
        self._path = f"/projects/{quote(place.repository, safe='')}/merge_requests/{place.number}/notes"

    def comments(self) -> list[Comment]:
        entries = self._pages(self._path, sort="asc", order_by="created_at")
        return [
            Comment(
                _integer(entry, "id"),
                _text(entry, "body"),
                _integer(_object(entry.get("author") or {"id": 0}), "id"),
                is_bot=False,
            )
            for entry in entries
            if not entry.get("system")
        ]

    def create(self, body: str) -> str:
        return self._address(self.connection.ask("POST", self._path, {"body": body}))

    def update(self, comment: Comment, body: str) -> str:
        return self._address(self.connection.ask("PUT", f"{self._path}/{comment.key}", {"body": body}))

    def _address(self, note: Any) -> str:
        return f"note {_integer(_object(note), 'id')} of merge request {self.place.number}"

    def advice(self, status: int) -> str:
        if status in (401, 403):
            return (
                f"  {self.place.token_name} must be a token with the scope api whose owner may comment (Reporter or more).\n"
                "  Pipelines of forks do not see protected variables: run them in the parent project."
            )
        if status == 404:
            return (
                f"  Either project {self.place.repository} has no merge request {self.place.number}, "
                f"or {self.place.token_name} may not see it."
            )
        return "  Check the project and the number."


def _strange(connection: Connection) -> PostingError:
    return PostingError(
        f"{connection.host} answers with JSON of another kind than its API should.\n"
        "  Check --url: it must be the address of the API, such as https://gitlab.example.com/api/v4."
    )


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PostingError("the server answers with JSON of another kind than its API should.\n  Check --url.")
    return value


def _integer(value: dict[str, Any], key: str) -> int:
    number = value.get(key)
    if not isinstance(number, int):
        raise PostingError(f"the server answers without {key!r}, which its API should have.\n  Check --url.")
    return number


def _text(value: dict[str, Any], key: str) -> str:
    text = value.get(key)
    return text if isinstance(text, str) else ""
