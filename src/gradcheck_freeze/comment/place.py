"""Where a comment goes, and with which token: what the command says, else what the build server tells its jobs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report.words import shown

_TOKENS = {"github": ("GITHUB_TOKEN", "GH_TOKEN"), "gitlab": ("GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN")}
_REPOSITORIES = {"github": r"[\w.-]+/[\w.-]+", "gitlab": r"[0-9]+|[\w.-]+(/[\w.-]+)+"}


@dataclass(frozen=True, slots=True)
class Place:
    """A pull or merge request. `number` is None where it is to be found by its branch, `head`, and its commit."""

    provider: str
    url: str  # of the API
    repository: str  # owner/name, or the number of a GitLab project
    number: int | None
    token: str = field(repr=False)
    token_name: str = ""
    head: str = ""  # owner:branch
    commit: str = ""  # the last one of the branch, as far as is known
    source: str = ""  # the repository that holds this commit


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says; "" and None are left to the build server."""

    provider: str = ""
    repository: str = ""
    number: int | None = None
    url: str = ""


def find_place(asked: Asked, environment: Mapping[str, str]) -> Place:
    """Return where to post; raises `UsageError` for what nobody says."""
    provider = asked.provider or _provider(environment)
    names = _TOKENS[provider]
    token_name = next((name for name in names if environment.get(name, "").strip()), "")
    if not token_name:
        raise UsageError(
            f"there is no token to post with: {' and '.join(names)} are not set.\n"
            + {
                "github": "  In a workflow: env: GITHUB_TOKEN: ${{ github.token }}, and permissions: pull-requests: write.",
                "gitlab": "  Set GITLAB_TOKEN to a project access token with the scope api; the job token cannot write notes.",
            }[provider]
        )
    token = environment[token_name].strip()
    found = (_github if provider == "github" else _gitlab)(asked, environment, token, token_name)
    if not re.fullmatch(_REPOSITORIES[provider], found.repository, re.ASCII):
        said = f"{shown(found.repository)!r} is no repository" if found.repository else "the repository is not known"
        raise UsageError(f"{said}.\n  Give it with --repo {'owner/name' if provider == 'github' else 'group/project'}.")
    if found.number is None and not found.head:
        raise UsageError(
            "the number of the pull request is not known: this job was not started by one.\n  Give it with --number."
        )
    return found


def _provider(environment: Mapping[str, str]) -> str:
    told = [
        name for name, key in (("github", "GITHUB_REPOSITORY"), ("gitlab", "CI_PROJECT_ID")) if environment.get(key)
    ]
    if len(told) != 1:
        raise UsageError("where to post is not known.\n  Say --provider github or --provider gitlab.")
    return told[0]


def _github(asked: Asked, environment: Mapping[str, str], token: str, token_name: str) -> Place:
    event = _event(environment.get("GITHUB_EVENT_PATH", ""))
    run = _part(event, "workflow_run")
    pull = _part(event, "pull_request")
    number = asked.number or _number(pull) or _number(_part(event, "issue")) or _number(event)
    reference = re.fullmatch(r"refs/pull/([0-9]{1,9})/\w+", environment.get("GITHUB_REF", ""))
    if not number and reference:
        number = int(reference[1])
    owner = _text(_part(_part(run, "head_repository"), "owner"), "login")
    branch = _text(run, "head_branch")
    changed = _part(pull, "head")
    return Place(
        "github",
        asked.url or environment.get("GITHUB_API_URL", "") or "https://api.github.com",
        asked.repository or environment.get("GITHUB_REPOSITORY", ""),
        number,
        token,
        token_name,
        f"{owner}:{branch}" if owner and branch else "",
        _text(run, "head_sha") or _text(changed, "sha"),
        _text(_part(run, "head_repository"), "full_name") or _text(_part(changed, "repo"), "full_name"),
    )


def _gitlab(asked: Asked, environment: Mapping[str, str], token: str, token_name: str) -> Place:
    told = environment.get("CI_MERGE_REQUEST_IID", "")
    project = environment.get("CI_MERGE_REQUEST_PROJECT_ID", "") or environment.get("CI_PROJECT_ID", "")
    return Place(
        "gitlab",
        asked.url or environment.get("CI_API_V4_URL", "") or "https://gitlab.com/api/v4",
        asked.repository or project,
        asked.number or (int(told) if re.fullmatch("[0-9]{1,9}", told) else None),
        token,
        token_name,
    )


def _event(path: str) -> dict[str, Any]:
    """Return what started the workflow; what cannot be read says nothing."""
    if not path:
        return {}
    try:
        event = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _part(value: dict[str, Any], key: str) -> dict[str, Any]:
    part = value.get(key)
    return part if isinstance(part, dict) else {}


def _text(value: dict[str, Any], key: str) -> str:
    text = value.get(key)
    return text if isinstance(text, str) else ""


def _number(value: dict[str, Any]) -> int | None:
    number = value.get("number")
    return number if isinstance(number, int) and not isinstance(number, bool) and number > 0 else None
