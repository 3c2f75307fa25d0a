"""What the author has looked at and accepts: a rule, a pattern of names and a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gradcheck_freeze.errors import ContractError, UsageError
from gradcheck_freeze.rules.contract import Ignore, check_pattern, matches
from gradcheck_freeze.rules.explain import find
from gradcheck_freeze.rules.finding import Finding

_KEYS = ("rule", "pattern", "reason")
_EXAMPLE = '{ rule = "GF207", pattern = "head.*", reason = "trained in the second stage" }'


def parse_ignores(entries: object, source: str) -> tuple[Ignore, ...]:
    """Return the entries of a file or a call; raises `ContractError` for one that lacks a key, a reason above all."""
    if isinstance(entries, (str, bytes, Mapping)) or not isinstance(entries, Iterable):
        raise ContractError(f"{source} must be a list of entries, not {entries!r}.\n  As in [{_EXAMPLE}].")
    return tuple(_entry(entry, source) for entry in entries)


def parse_ignore_options(texts: Iterable[str]) -> tuple[Ignore, ...]:
    """Return the entries of the command line, each written as RULE:PATTERN=REASON."""
    entries = []
    for text in texts:
        rule, _, rest = text.partition(":")
        pattern, _, reason = rest.partition("=")
        if not rule or not pattern.strip() or not reason.strip():
            raise ContractError(
                f"--ignore {text!r} does not say what is ignored and why.\n"
                "  Write RULE:PATTERN=REASON, as in --ignore 'GF207:head.*=trained in the second stage'."
            )
        entries.append({"rule": rule, "pattern": pattern, "reason": reason})
    return parse_ignores(entries, "--ignore")


def set_aside(
    findings: Sequence[Finding], ignores: Sequence[Ignore], names: Sequence[tuple[str, ...]]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[Ignore, ...]]:
    """Return the findings that count, those ignored with their reason, and the entries that no finding needs.

    A finding is ignored when entries of its rule cover every parameter of it, under any of its names; one that is about no
    parameter needs the pattern `*`. `names` are all names of each tensor. Raises `ContractError` for a pattern that fits none.
    """
    if not ignores:
        return tuple(findings), (), ()
    for entry in ignores:
        if entry.pattern != "*":
            check_pattern(entry.pattern, names, f"ignore {entry.rule}")
    aliases: dict[str, set[str]] = {}
    for known in names:
        for name in known:
            aliases.setdefault(name, set()).update(known)
    counting, ignored, needed = [], [], set()
    for finding in findings:
        own = [entry for entry in ignores if entry.rule == finding.rule]
        fitting = [
            {
                entry
                for entry in own
                if any(matches(entry.pattern, name) for name in aliases.get(parameter, {parameter}))
            }
            for parameter in finding.parameters or ("",)
        ]
        used = [entry for entry in own if any(entry in entries for entries in fitting)]
        needed.update(used)
        if all(fitting):
            ignored.append(replace(finding, ignored="; ".join(dict.fromkeys(entry.reason for entry in used))))
        else:
            counting.append(finding)
    return tuple(counting), tuple(ignored), tuple(entry for entry in ignores if entry not in needed)


def _entry(entry: object, source: str) -> Ignore:
    if not isinstance(entry, Mapping) or not set(entry) <= set(_KEYS):
        raise ContractError(f"{source}: an entry has the keys {', '.join(_KEYS)}, not {entry!r}.\n  As in {_EXAMPLE}.")
    for key in _KEYS:
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            said = ", ".join(f"{k} = {v!r}" for k, v in entry.items()) or "nothing"
            why = "why it is right as it is" if key == "reason" else "which findings are meant"
            raise ContractError(f"{source}: an entry has no {key} ({said}).\n  Say {why}, as in {_EXAMPLE}.")
    try:
        rule = find(entry["rule"].strip())
    except UsageError as error:
        raise ContractError(f"{source}: {error}") from None
    return Ignore(rule.code, entry["pattern"].strip(), entry["reason"].strip())
