"""The comment is posted once and kept up to date, on a server that behaves like GitHub's and GitLab's, faults included."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gradcheck_freeze.cli import command
from gradcheck_freeze.comment.http import Connection, PostingError
from gradcheck_freeze.comment.place import Asked, find_place
from gradcheck_freeze.comment.post import post
from gradcheck_freeze.errors import UsageError

TOKEN = "ghs_very5ecret"
MARK = "<!-- gradcheck-freeze:train.py -->"
OURS, SOMEONE = 41898282, 7


@dataclass
class Fault:
    """What the server does instead of answering, for the next requests of a method."""

    method: str
    status: int = 0  # 0 closes the connection
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    after: bool = False  # only once the request has been carried out
    seconds: float = 0


class Fake(ThreadingHTTPServer):
    """Comments of one request, on either host's paths."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments: list[dict[str, Any]] = []
        self.pulls: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self.faults: list[Fault] = []
        self.user: dict[str, Any] | None = None  # an installation token may not ask who it is
        self.most = 65_536
        self.next = 1000

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, body: str, author: int = OURS, kind: str = "Bot") -> dict[str, Any]:
        self.next += 1
        user = {"id": author, "login": f"u{author}", "type": kind}
        entry = {
            "id": self.next, "body": body, "user": user, "author": user, "system": False,
            "html_url": f"https://example.com/{self.next}",
        }  # fmt: skip
        self.comments.append(entry)
        return entry

    def count(self, method: str) -> int:
        return sum(asked == method for asked, _ in self.requests)


class Handler(BaseHTTPRequestHandler):
    server: Fake

    def log_message(self, *_: Any) -> None:
        pass

    def handle_any(self) -> None:
        server = self.server
        length = int(self.headers.get("Content-Length") or 0)
        payload = json.loads(self.rfile.read(length)) if length else {}
        server.requests.append((self.command, self.path))
        server.tokens.append(self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or "")
        fault = next((f for f in server.faults if f.method == self.command and f.times > 0), None)
        if fault is None or fault.after:
            status, answer = self.carried_out(payload)
        if fault is not None:
            fault.times -= 1
            time.sleep(fault.seconds)
            if fault.status:
                self.reply(fault.status, fault.body, fault.headers)
            return  # without an answer
        self.reply(status, json.dumps(answer).encode(), {})

    do_GET = do_POST = do_PATCH = do_PUT = handle_any  # noqa: N815 - the names that http.server looks for

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def carried_out(self, payload: dict[str, Any]) -> tuple[int, Any]:
        server, parts = self.server, urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/user":
            return (200, server.user) if server.user else (403, {"message": "Resource not accessible by integration"})
        if parts.path == "/repos/o/r/pulls":
            return 200, [p for p in server.pulls if p["head"]["label"] == query["head"] and query["state"] == "open"]
        if len(payload.get("body", "")) > server.most:
            return 422, {
                "message": "Validation Failed",
                "errors": [{"message": "body is too long (maximum is 65536 characters)"}],
            }
        lists = ("/repos/o/r/issues/5/comments", "/projects/group%2Fp/merge_requests/5/notes")
        if parts.path in lists and self.command == "GET":
            start, size = (int(query["page"]) - 1) * int(query["per_page"]), int(query["per_page"])
            return 200, server.comments[start : start + size]
        if parts.path in lists and self.command == "POST":
            return 201, server.add(payload["body"])
        found = re.fullmatch(
            r"/repos/o/r/issues/comments/(\d+)|/projects/group%2Fp/merge_requests/5/notes/(\d+)", parts.path
        )
        wanted = ("PATCH" if "/issues/" in parts.path else "PUT") == self.command
        for entry in server.comments if found and wanted else []:
            if entry["id"] == int(found[1] or found[2]):
                entry["body"] = payload["body"]
                return 200, entry
        return 404, {"message": "Not Found"}


@pytest.fixture
def server() -> Iterator[Fake]:
    fake = Fake()
    thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    fake.shutdown()
    thread.join()
    fake.server_close()


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("gradcheck_freeze.comment.http.sleep", slept.append)
    return slept


def write(server: Fake, body: str = f"{MARK}\n\nreport\n", provider: str = "github", patience: float = 100) -> str:
    repository = {"github": "o/r", "gitlab": "group/p"}[provider]
    names = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}
    place = find_place(Asked(provider, repository, 5, server.url), {names[provider]: TOKEN})
    return post(place, MARK, lambda short: f"{MARK}\n\nshort\n" if short else body, patience, timeout=0.5).what


@pytest.mark.parametrize("provider", ["github", "gitlab"])
def test_a_second_run_updates_the_comment_of_the_first(provider: str, server: Fake) -> None:
    server.user = {"id": OURS}
    assert write(server, provider=provider) == "posted"
    assert write(server, provider=provider) == "left as it was"
    assert write(server, f"{MARK}\n\nother\n", provider) == "updated"
    assert [entry["body"] for entry in server.comments] == [f"{MARK}\n\nother\n"]
    assert set(server.tokens) == {f"Bearer {TOKEN}" if provider == "github" else TOKEN}


def test_a_comment_on_a_later_page_is_found(server: Fake) -> None:
    for number in range(250):
        server.add(f"talk {number}", SOMEONE, "User")
    server.comments.insert(230, server.add(f"{MARK}\nold"))
    del server.comments[-1]
    assert write(server) == "updated"
    assert len(server.comments) == 251
    assert server.count("GET") == 4


@pytest.mark.parametrize("user", [None, {"id": OURS}])
def test_a_comment_of_someone_else_with_the_mark_is_left_alone(user: dict[str, int] | None, server: Fake) -> None:
    server.user = user
    theirs = [server.add(f"{MARK}\nmine!", SOMEONE, "User"), server.add(f"> {MARK}\nquoted")]
    before = [entry["body"] for entry in theirs]
    assert write(server) == "posted"
    assert [entry["body"] for entry in theirs] == before
    assert write(server, f"{MARK}\n\nother\n") == "updated"


def test_another_program_has_a_comment_of_its_own(server: Fake) -> None:
    server.add("<!-- gradcheck-freeze:other.py -->\nreport")
    assert write(server) == "posted"


def test_a_comment_that_was_deleted_meanwhile_is_posted_again(server: Fake) -> None:
    server.add(f"{MARK}\nold")
    server.faults.append(Fault("PATCH", 404, b'{"message": "Not Found"}'))
    assert write(server) == "posted"


@pytest.mark.parametrize(
    ("provider", "status", "advice"),
    [
        ("github", 401, "GITHUB_TOKEN is expired"),
        ("github", 403, "post from a workflow_run job"),
        ("github", 404, "has no pull request 5"),
        ("github", 422, "Check the repository"),
        ("gitlab", 401, "scope api"),
        ("gitlab", 404, "has no merge request 5"),
    ],
)
def test_a_refusal_says_what_to_do_and_never_the_token(provider: str, status: int, advice: str, server: Fake) -> None:
    body = json.dumps({"message": f"no\x1b[31m, {TOKEN} may not"}).encode()
    server.faults.append(Fault("POST", status, body))
    with pytest.raises(PostingError) as error:
        write(server, provider=provider)
    said = f"{error.value!s}{error.value!r}{error.value.__cause__!r}"
    assert advice in said
    assert f"({status}: no" in said
    assert TOKEN not in said
    assert "\x1b" not in said
    assert error.value.status == 2


def test_a_body_that_is_too_long_is_posted_in_short(server: Fake) -> None:
    assert write(server, f"{MARK}\n\n{'x' * 70_000}") == "posted"
    assert server.comments[0]["body"] == f"{MARK}\n\nshort\n"


@pytest.mark.parametrize(
    ("status", "headers", "body", "seconds"),
    [
        (429, {"Retry-After": "7"}, b"{}", 7),
        (403, {"Retry-After": "9"}, b"{}", 9),
        (403, {}, b'{"message": "You have exceeded a secondary rate limit"}', 60),
        (503, {"Retry-After": "3"}, b"{}", 3),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_limit_is_waited_for(
    method: str, status: int, headers: dict[str, str], body: bytes, seconds: float, server: Fake, no_sleep: list[float]
) -> None:
    server.faults.append(Fault(method, status, body, headers))
    assert write(server) == "posted"
    assert no_sleep == [seconds]
    assert len(server.comments) == 1


def test_the_time_at_which_a_limit_ends_is_waited_for(server: Fake, no_sleep: list[float]) -> None:
    reset = str(int(time.time()) + 50)
    server.faults.append(Fault("GET", 403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}))
    assert write(server) == "posted"
    assert 40 < no_sleep[0] <= 50


@pytest.mark.parametrize("times", [1, 100])
def test_waiting_has_an_end(times: int, server: Fake, no_sleep: list[float]) -> None:
    server.faults.append(Fault("GET", 429, headers={"Retry-After": "3600" if times == 1 else "40"}, times=times))
    with pytest.raises(PostingError, match="let --wait be longer"):
        write(server)
    assert sum(no_sleep) <= 100


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 502}, {"status": 0}, {"status": 200, "seconds": 0.9}])
def test_a_fault_of_the_server_is_tried_again(fault: dict[str, Any], server: Fake) -> None:
    server.faults.append(Fault("GET", **fault))
    assert write(server) == "posted"
    assert len(server.comments) == 1


def test_a_fault_that_stays_is_told(server: Fake) -> None:
    server.faults.append(Fault("GET", 502, times=100))
    with pytest.raises(PostingError, match=r"has a fault \(502\), 4 times"):
        write(server)


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 0}, {"status": 201, "seconds": 0.9}])
def test_a_post_that_may_have_been_carried_out_is_not_repeated_unseen(
    fault: dict[str, Any], after: bool, server: Fake
) -> None:
    server.faults.append(Fault("POST", after=after, **fault))
    assert write(server) == ("left as it was" if after else "posted")
    assert len(server.comments) == 1


def test_a_server_that_is_not_there_is_told(server: Fake) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = find_place(Asked("github", "o/r", 5, f"http://127.0.0.1:{free.getsockname()[1]}"), {"GH_TOKEN": TOKEN})
    with pytest.raises(PostingError, match=r"127\.0\.0\.1 cannot be reached \(.*refused.*, 4 times"):
        post(place, MARK, lambda _: MARK, 100)


@pytest.mark.parametrize("body", [b"<html>login</html>", b"", b"{}", b"[1]", b'[{"body": 3}]', b"[" * 100_000, b"\xff"])
def test_an_answer_that_is_no_list_of_comments_is_told(body: bytes, server: Fake) -> None:
    server.faults.append(Fault("GET", 200, body))
    with pytest.raises(PostingError, match="--url"):
        write(server)


def test_a_redirect_is_followed_on_the_same_server_only(server: Fake) -> None:
    other = Fake()
    threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01}).start()
    try:
        path = "/repos/o/r/issues/5/comments?per_page=100&page=1"
        server.faults.append(Fault("GET", 301, headers={"Location": path}))
        assert write(server) == "posted"
        server.faults.append(Fault("GET", 302, headers={"Location": other.url + path}))
        with pytest.raises(PostingError, match="redirects to another server"):
            write(server)
        assert other.requests == []
    finally:
        other.shutdown()
        other.server_close()


def test_a_redirect_in_a_circle_ends(server: Fake) -> None:
    server.faults.append(Fault("GET", 301, headers={"Location": "/repos/o/r/issues/5/comments"}, times=100))
    with pytest.raises(PostingError, match="refuses \\(301"):
        write(server)


@pytest.mark.parametrize("token", ["a b", "a\nX-Evil: 1", "é"])
def test_a_token_that_is_none_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(UsageError) as error:
        Connection("https://example.com", {}, token, 1)
    assert token not in str(error.value)


def test_neither_place_nor_connection_show_the_token(server: Fake) -> None:
    place = find_place(Asked("github", "o/r", 5, server.url), {"GITHUB_TOKEN": TOKEN})
    assert TOKEN not in repr(place)
    assert TOKEN not in repr(Connection(server.url, {}, TOKEN, 1))


def event(folder: Path, value: Any) -> str:
    path = folder / "event.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


@pytest.mark.parametrize(
    ("told", "reference", "number"),
    [
        ({"pull_request": {"number": 12}}, "", 12),
        ({"issue": {"number": 3}}, "", 3),
        ({"number": 4}, "", 4),
        ({}, "refs/pull/17/merge", 17),
        ("no json", "refs/pull/17/head", 17),
        ([1], "refs/pull/17/head", 17),
    ],
)
def test_the_number_is_taken_from_what_started_the_workflow(
    told: Any, reference: str, number: int, tmp_path: Path
) -> None:
    environment = {
        "GITHUB_REPOSITORY": "o/r", "GITHUB_EVENT_PATH": event(tmp_path, told), "GITHUB_REF": reference,
        "GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": "https://ghe.example.com/api/v3",
    }  # fmt: skip
    place = find_place(Asked(), environment)
    assert (place.provider, place.repository, place.number) == ("github", "o/r", number)
    assert place.url == "https://ghe.example.com/api/v3"


def test_the_project_of_a_merge_request_is_the_one_it_is_to_be_merged_into() -> None:
    environment = {
        "CI_PROJECT_ID": "2", "CI_MERGE_REQUEST_PROJECT_ID": "1", "CI_MERGE_REQUEST_IID": "9", "GITLAB_TOKEN": TOKEN,
        "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
    }  # fmt: skip
    place = find_place(Asked(), environment)
    assert (place.provider, place.repository, place.number) == ("gitlab", "1", 9)


@pytest.mark.parametrize(
    ("asked", "environment", "said"),
    [
        (Asked(), {}, "--provider"),
        (Asked("github", "o/r", 1), {}, "GITHUB_TOKEN and GH_TOKEN are not set"),
        (Asked("gitlab", "o/r", 1), {"GITLAB_TOKEN": " "}, "job token cannot write notes"),
        (Asked("github", "o/r"), {"GH_TOKEN": "x"}, "--number"),
        (Asked("github", "", 1), {"GH_TOKEN": "x"}, "the repository is not known"),
        (Asked("github", "o/r/../../x", 1), {"GH_TOKEN": "x"}, "is no repository"),
        (Asked("github", "o/r?x", 1), {"GH_TOKEN": "x"}, "is no repository"),
    ],
)
def test_what_nobody_says_is_asked_for(asked: Asked, environment: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        find_place(asked, environment)


def fork(folder: Path, server: Fake) -> dict[str, str]:
    run = {
        "head_branch": "patch", "head_sha": "abc", "pull_requests": [],
        "head_repository": {"full_name": "them/r", "owner": {"login": "them"}},
    }  # fmt: skip
    return {
        "GITHUB_REPOSITORY": "o/r", "GITHUB_EVENT_PATH": event(folder, {"workflow_run": run}), "GITHUB_TOKEN": TOKEN,
        "GITHUB_API_URL": server.url, "GITHUB_REF": "refs/heads/main",
    }  # fmt: skip


def test_the_pull_request_of_a_fork_is_found_by_its_branch_and_commit(tmp_path: Path, server: Fake) -> None:
    place = find_place(Asked(), fork(tmp_path, server))
    server.pulls = [
        {"number": 4, "head": {"label": "them:patch", "sha": "older"}},
        {"number": 5, "head": {"label": "them:patch", "sha": "abc"}},
        {"number": 6, "head": {"label": "o:patch", "sha": "abc"}},
    ]
    assert post(place, MARK, lambda _: MARK, 10).what == "posted"
    server.pulls = server.pulls[:1]
    with pytest.raises(PostingError, match="no open pull request at commit abc"):
        post(place, MARK, lambda _: MARK, 10)


@pytest.fixture
def reports(examples: Any, tmp_path: Path) -> dict[str, str]:
    from gradcheck_freeze.report import json as report

    found = {}
    for name in ("clean", "blocked", "large", "hostile"):
        found[name] = str(tmp_path / f"{name}.json")
        Path(found[name]).write_text(report.render(getattr(examples, name)()))
    return found


def comment(server: Fake, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys\nsys.modules['torch'] = None\nfrom gradcheck_freeze.cli import command\ncommand.main(sys.argv[1:])"
    )
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "GH_", "CI_", "GITLAB_"))}
    return subprocess.run(
        [sys.executable, "-c", code, "comment", *arguments],
        env={**ours, "GITHUB_API_URL": server.url, **environment}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_command_posts_what_the_change_did_above_the_report(reports: dict[str, str], server: Fake) -> None:
    options = (reports["blocked"], "--base", reports["clean"], "--provider", "github", "--repo", "o/r", "--number", "5")
    done = comment(server, *options, "--link", "https://example.com/run/1", GITHUB_TOKEN=TOKEN)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "gradcheck-freeze: comment posted: https://example.com/1001\n"
    body = server.comments[0]["body"]
    assert body.startswith(MARK)
    assert body.count("gradcheck-freeze:train.py") == 1
    assert body.count("`generator` is now cut off") == 1
    assert body.index("is now cut off") < body.index("BLOCKED")
    assert "https://example.com/run/1" in body
    assert comment(server, *options, "--id", "two", GITHUB_TOKEN=TOKEN).returncode == 0
    assert server.comments[1]["body"].startswith("<!-- gradcheck-freeze:two -->")


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_failure_has_status_two_and_no_traceback(debug: str, reports: dict[str, str], server: Fake) -> None:
    server.faults.append(Fault("POST", 403, json.dumps({"message": f"no {TOKEN}"}).encode()))
    options = ("--provider", "github", "--repo", "o/r", "--number", "5")
    done = comment(server, reports["blocked"], *options, GITHUB_TOKEN=TOKEN, GRADCHECK_FREEZE_DEBUG=debug)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gradcheck-freeze: the comment was not posted: the server refuses (403: no ***).")
    assert "Traceback" not in done.stderr
    assert TOKEN not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("none.json",),
        ("--base", "none.json", "{clean}"),
        ("--id", "-->", "{clean}"),
        ("--link", "javascript:1", "{clean}"),
    ],
)
def test_a_call_that_cannot_be_carried_out_sends_nothing(
    arguments: tuple[str, ...], reports: dict[str, str], server: Fake
) -> None:
    filled = [part.format(**reports) for part in arguments]
    done = comment(server, *filled, "--provider", "github", "--repo", "o/r", "--number", "5", GITHUB_TOKEN=TOKEN)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert server.requests == []


def test_a_dry_run_prints_the_comment_and_sends_nothing(reports: dict[str, str], server: Fake) -> None:
    done = comment(server, "--dry-run", reports["blocked"])
    assert done.stdout.startswith(MARK)
    assert server.requests == []


def test_the_largest_comment_is_below_the_limit_of_the_host(examples: Any) -> None:
    from gradcheck_freeze.comment.body import SIZES, compose
    from gradcheck_freeze.report.links import NOWHERE

    for base, head in (
        (None, examples.large()),
        (examples.clean(), examples.large()),
        (examples.large(), examples.hostile()),
    ):
        for size in SIZES.values():
            text = compose(head, base, NOWHERE, size, MARK, "https://example.com/" + "x" * 500)
            assert len(text) < 65_536
            assert len(text.encode()) <= size.most_bytes + 6_000


def test_help_of_the_command_loads_neither_torch_nor_http() -> None:
    code = (
        "import sys\nfrom gradcheck_freeze.cli import command\n"
        "try:\n    command.main(['comment', '--help'])\n"
        "finally:\n    assert not {'torch', 'http.client'} & set(sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
    assert "comment" in command.commands
