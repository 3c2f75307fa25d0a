"""Says which parameters a training step really teaches, which it must not have touched, and which line is to blame.

pytest rewrites the assertions of packages that bring a plugin, and warns where one is imported already, as when
`gradcheck-freeze run -m pytest` is: PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradcheck_freeze.api import Diagnosis, diagnose, watch

__all__ = ["Diagnosis", "diagnose", "watch"]


def __getattr__(name: str) -> Any:
    """Load the doors when they are first asked for: they bring torch's user along, the package itself does not."""
    if name in __all__:
        from gradcheck_freeze import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
