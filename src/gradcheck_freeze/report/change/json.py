"""The comparison for other programs: JSON by the schema in docs/schema/diff-1.json, sorted and deterministic."""

from __future__ import annotations

from typing import Any

from gradcheck_freeze.report.change.sentences import headline, sentence
from gradcheck_freeze.report.change.value import Change, Count, Shift, Totals
from gradcheck_freeze.report.json import dumps, finding_object, tool_version
from gradcheck_freeze.rules.diagnosis import Diagnosis

SCHEMA_VERSION = "1.0"


def render(change: Change, _head: Diagnosis) -> str:
    """Return the comparison as JSON text in ASCII with a final newline."""
    return dumps(document(change))


def document(change: Change) -> dict[str, Any]:
    """Return the comparison as the values that JSON knows."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "gradcheck-freeze diff", "version": tool_version()},
        "summary": headline(change),
        "changes": [_shift(shift) for shift in change.shifts],
        "findings": {
            "new": [finding_object(finding) for finding in change.new],
            "gone": [finding_object(finding) for finding in change.gone],
            "kept": [finding_object(finding) for finding in change.kept],
            "now_ignored": [finding_object(finding) for finding in change.accepted],
        },
        "before": _totals(change.before),
        "after": _totals(change.after),
        "caveats": list(change.caveats),
    }


def _shift(shift: Shift) -> dict[str, Any]:
    return {
        "kind": shift.kind,
        "name": shift.name,
        "called_before": shift.called_before or None,
        "message": sentence(shift, str),
        "parameters": list(shift.parameters),
        "elements": shift.elements,
        "was": list(shift.before),
        "is": list(shift.after),
        "losses": {"before": list(shift.losses_before), "after": list(shift.losses_after)},
        "optimizers": {"before": list(shift.optimizers_before), "after": list(shift.optimizers_after)},
    }


def _totals(totals: Totals) -> dict[str, Any]:
    parts = {"all": totals.all, "trainable": totals.trainable, "trained": totals.trained}
    return {name: _count(count) for name, count in parts.items()}


def _count(count: Count) -> dict[str, int]:
    return {"parameters": count.parameters, "elements": count.elements}
