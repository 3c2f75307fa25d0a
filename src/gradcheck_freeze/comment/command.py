"""The command `comment`, from what was asked to the line that says what was done."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gradcheck_freeze.comment.body import SIZES, compose, mark
from gradcheck_freeze.comment.place import Asked, Place, find_place
from gradcheck_freeze.comment.post import post
from gradcheck_freeze.report.links import Links, links_of
from gradcheck_freeze.report.words import shown
from gradcheck_freeze.rules.diagnosis import Diagnosis


def carry_out(
    head: Diagnosis, base: Diagnosis | None, asked: Asked, name: str | None, link: str | None, wait: float | None
) -> str:
    """Post the comment and return what was done; without a time to `wait`, return the comment itself.

    Raises `UsageError`, and so `PostingError`, with what to do.
    """
    environment = dict(os.environ)
    first = mark(head, name)
    place = None if wait is None else find_place(asked, environment)
    size = SIZES[
        place.provider if place else asked.provider or ("gitlab" if "CI_PROJECT_ID" in environment else "github")
    ]
    links = _links(place, environment)

    def body(short: bool) -> str:
        fitting = replace(size, most_bytes=size.most_bytes // 3) if short else size
        return compose(head, base, links, fitting, first, link)

    text = body(False)
    if place is None or wait is None:
        return text.rstrip("\n")
    posted = post(place, first, body, wait)
    return f"gradcheck-freeze: comment {posted.what}{f': {shown(posted.address)}' if posted.address else ''}"


def _links(place: Place | None, environment: Mapping[str, str]) -> Links:
    """Return what to link to: the commit that was pushed, not the merge or the default branch that the job checked out."""
    told = dict(environment)
    if place and place.provider == "github" and place.commit:
        told["GITHUB_SHA"] = place.commit
        told["GITHUB_REPOSITORY"] = place.source or place.repository
    return links_of(told, str(Path.cwd()))
