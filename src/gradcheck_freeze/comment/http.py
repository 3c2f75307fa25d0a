"""JSON over HTTP with a token that goes to one server only and into no message; waits are bounded, failures are told.

Requests that may be repeated are: after a lost connection, a timeout or a fault of the server, and where it asks to wait.
"""

from __future__ import annotations

import http.client
import json
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from time import sleep, time
from typing import Any
from urllib.error import URLError
from urllib.parse import urljoin, urlsplit

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report.words import shown

_ATTEMPTS = 4
_REDIRECTS = 3
_MOST_BYTES = 50_000_000  # a page of 100 comments has at most some 30 MB
_MOST_SAID = 300


class PostingError(UsageError):
    """The comment could not be posted; the report that it was to be made from is untouched."""


class RefusedError(PostingError):
    """The server understood the request and will not carry it out."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(
            f"the server refuses ({status}: {said or http.client.responses.get(status, 'no reason given')})."
        )
        self.status = status
        self.said = said


class UnsureError(PostingError):
    """The connection failed at a request that must not be repeated unseen: it may have been carried out."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Message
    body: bytes


class _AsItIs(urllib.request.HTTPErrorProcessor):
    """Hands on every answer: a redirect is not followed unseen, since the token would go along."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response

    https_response = http_response


class Connection:
    """Requests to one server. `patience` is the time in seconds that all waiting together may take."""

    def __init__(self, url: str, headers: Mapping[str, str], token: str, patience: float, timeout: float = 30) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise UsageError(f"{shown(url)!r} is no address of an API.\n  Give one that starts with https://.")
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise UsageError(
                "the token holds spaces, or characters that no token has.\n  Set it again, without a line end."
            )
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/json", "User-Agent": "gradcheck-freeze", **headers}
        self._token = token
        self._patience = patience
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_AsItIs)

    @property
    def host(self) -> str:
        return urlsplit(self._url).hostname or ""

    def ask(self, method: str, path: str, payload: Mapping[str, Any] | None = None) -> Any:
        """Return what the server answers, from JSON.

        Raises `RefusedError` for a request that it will not carry out, `UnsureError` for a POST of which nobody knows
        whether it was, and `PostingError` where there is no answer, or none that can be read.
        """
        repeatable = method != "POST"
        url, redirects, attempt = self._url + path, 0, 0
        while True:
            attempt += 1
            try:
                answer = self._send(method, url, payload)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._again(attempt, repeatable, f"{self.host} cannot be reached ({self._reason(error)})")
                continue
            if 200 <= answer.status < 300:
                return self._read(answer)
            if answer.status in (301, 302, 307, 308) and redirects < _REDIRECTS:
                url, redirects, attempt = self._redirected(url, answer), redirects + 1, 0
            elif (seconds := _wished(answer)) is not None:
                self._wait(seconds, attempt)
            elif answer.status >= 500:
                self._again(attempt, repeatable, f"{self.host} has a fault ({answer.status})")
            else:
                raise RefusedError(answer.status, self._said(answer))

    def pause(self, seconds: float) -> None:
        """Wait for as long as that, or for what is left of the patience."""
        seconds = min(seconds, self._patience)
        self._patience -= seconds
        sleep(seconds)

    def _send(self, method: str, url: str, payload: Mapping[str, Any] | None) -> _Answer:
        data = None if payload is None else json.dumps(payload).encode()
        request = urllib.request.Request(url, data, dict(self._headers), method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        with self._opener.open(request, timeout=self._timeout) as response:
            body = response.read(_MOST_BYTES + 1)
            if len(body) > _MOST_BYTES:
                raise PostingError(
                    f"{self.host} answers with more than {_MOST_BYTES:,} bytes; that is no list of comments."
                )
            return _Answer(response.status, response.headers, body)

    def _again(self, attempt: int, repeatable: bool, what: str) -> None:
        """Wait before another attempt; raise where there may be none."""
        if not repeatable:
            raise UnsureError(f"{what}.\n  Try again later; the report itself is untouched.")
        if attempt >= _ATTEMPTS:
            raise PostingError(f"{what}, {attempt} times.\n  Try again later; the report itself is untouched.")
        self._wait(2 ** (attempt - 1), attempt, what)

    def _wait(self, seconds: float, attempt: int, what: str = "") -> None:
        what = what or f"{self.host} limits how often it may be asked"
        if seconds > self._patience or attempt > 10:
            raise PostingError(
                f"{what}: the next try would be in {seconds:,.0f} s, and {self._patience:,.0f} s of waiting are left.\n"
                "  Run the command again later, or let --wait be longer; the report itself is untouched."
            )
        self.pause(seconds)

    def _redirected(self, url: str, answer: _Answer) -> str:
        """Return where the server sends us, if that is the same server: nobody else is shown the token."""
        target = urljoin(url, answer.headers.get("Location", ""))
        if _origin(target) != _origin(self._url):
            raise PostingError(
                f"{self.host} redirects to another server ({shown(urlsplit(target).hostname or '')}), which is not sent the token.\n"
                "  If it is the right one, give its address with --url."
            )
        return target

    def _read(self, answer: _Answer) -> Any:
        try:
            return json.loads(answer.body) if answer.body else None
        except (ValueError, RecursionError) as error:
            start = self._clean(answer.body[:60].decode("utf-8", "replace"))
            raise PostingError(
                f"{self.host} answers with what is no JSON: {start!r}.\n  Check --url: it must be the address of the API."
            ) from error

    def _said(self, answer: _Answer) -> str:
        """Return the reason that the server gives."""
        try:
            body = json.loads(answer.body)
        except (ValueError, RecursionError):
            return ""
        parts = [body[key] for key in ("message", "error", "errors") if body.get(key)] if isinstance(body, dict) else []
        return self._clean("; ".join(part if isinstance(part, str) else json.dumps(part) for part in parts))

    def _reason(self, error: Exception) -> str:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, TimeoutError):
            return f"no answer within {self._timeout:g} s"
        return self._clean(str(reason)) or type(reason).__name__

    def _clean(self, text: str) -> str:
        return shown(text.replace(self._token, "***"), _MOST_SAID)


def _wished(answer: _Answer) -> float | None:
    """Return for how many seconds the server wants to be left alone, None where it does not say so.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api: 403 or 429, with `retry-after`, or
    with the time of the next try where `x-ratelimit-remaining` is 0.
    """
    if answer.status not in (403, 429, 503):
        return None
    after = answer.headers.get("Retry-After", "")
    if after.isdecimal():
        return float(after[:9])
    if answer.status == 503:
        return None
    reset = next((answer.headers[key] for key in ("X-RateLimit-Reset", "RateLimit-Reset") if key in answer.headers), "")
    remaining = answer.headers.get("X-RateLimit-Remaining", answer.headers.get("RateLimit-Remaining", ""))
    if remaining == "0" and reset.isdecimal():
        return max(1.0, float(reset[:12]) - time())
    limited = answer.status == 429 or b"rate limit" in answer.body.lower()
    return 60.0 if limited else None


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
