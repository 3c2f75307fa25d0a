"""One name for numbered siblings: `layers.{0-11}.bias`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_NUMBER = re.compile(r"[0-9]{1,9}")
_WIDEST_RANGES = 12  # characters inside the braces of `layers.{0-3,7}`


def spelled(names: Iterable[str]) -> list[str]:
    """Return the names with numbered siblings as one, in the order of the first of each."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(pattern(name), []).append(name)
    return [spell(siblings) for siblings in alike.values()]


def pattern(name: str) -> str:
    """Return a name with every number in it as a star: numbered siblings have one pattern."""
    return _NUMBER.sub("*", name)


def spell(names: Sequence[str]) -> str:
    """Return one name for numbered siblings, with the numbers where few words tell them."""
    if len(set(names)) == 1:
        return names[0]
    numbers = [_NUMBER.findall(name) for name in names]
    varying = [place for place in range(len(numbers[0])) if len({row[place] for row in numbers}) > 1]
    places = iter(range(len(numbers[0])))

    def written(_: re.Match[str]) -> str:
        place = next(places)
        if place not in varying:
            return str(numbers[0][place])
        ranges = _ranges(sorted({int(row[place]) for row in numbers}))
        return f"{{{ranges}}}" if len(varying) == 1 and len(ranges) <= _WIDEST_RANGES else "*"

    return _NUMBER.sub(written, names[0])


def _ranges(numbers: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
