"""Errors that reach the user: each says what happened, what was seen, and what to do, and ends the command with its status."""

from __future__ import annotations


class GradcheckFreezeError(Exception):
    """An error of this tool's own, shown without a traceback; `status` is the exit status of the command."""

    status = 3


class UsageError(GradcheckFreezeError):
    """The command or the call cannot be carried out as given."""

    status = 2


class ContractError(UsageError):
    """A contract pattern names nothing that exists, or contradicts another one."""
