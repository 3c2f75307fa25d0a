"""The style sheet of the SVG picture: colours for light and dark, and how each part of it looks."""

from __future__ import annotations

from collections.abc import Mapping

from gradcheck_freeze.report.words import LOOKS

_LIGHT = {
    "paper": "#FFFFFF",
    "ink": "#1B1F24",
    "faint": "#57606A",
    "line": "#8C959F",
    "frame": "#F6F8FA",
    "loss": "#FFF8C5",
}
_DARK = {
    "paper": "#0D1117",
    "ink": "#E6EDF3",
    "faint": "#9DA7B3",
    "line": "#6E7681",
    "frame": "#161B22",
    "loss": "#2D2A12",
}
_TEXT = {"learning": "#0E6B3B", "idle": "#5A5A62"}  # where the stroke is too light for text on its fill
_COLOUR = {"data": "line", "gradient": "learning", "leak": "LEAK", "cut": "BLOCKED", "stopped": "faint"}


def style_sheet() -> str:
    """Return the style sheet; no rule of it reaches what is not in a picture."""

    def properties(plain: Mapping[str, str], dark: bool) -> str:
        pairs = dict(plain)
        for state, look in LOOKS.items():
            pairs[state] = look.dark_stroke if dark else look.stroke
            pairs[f"{state}-fill"] = look.dark_fill if dark else look.fill
            pairs[f"{state}-text"] = look.dark_stroke if dark else _TEXT.get(state, look.stroke)
        return "".join(f"--{name}:{value};" for name, value in pairs.items())

    rules = list(_RULES.items())
    for state in LOOKS:
        rules.append((f".node.{state} .shape", f"fill:var(--{state}-fill);stroke:var(--{state})"))
        rules.append((f".node.{state} .state", f"fill:var(--{state}-text)"))
    for flow, colour in _COLOUR.items():
        rules.append((f".{flow} .gradient-line", f"stroke:var(--{colour})"))
        rules.append((f"path.arrow.{flow}", f"fill:var(--{colour});stroke:none"))
    rules += _LAST_RULES.items()
    scoped = "".join(
        f"{','.join(f'.gradient-flow {part}' for part in selector.split(','))}{{{declarations}}}"
        for selector, declarations in rules
    )
    return (
        f".gradient-flow{{{properties(_LIGHT, False)}font-family:Helvetica,Arial,sans-serif;font-size:12px}}"
        f"@media (prefers-color-scheme:dark){{.gradient-flow{{{properties(_DARK, True)}}}}}{scoped}"
        "@media (prefers-contrast:more){.gradient-flow{--faint:var(--ink);--line:var(--ink)}}"
    )


_RULES = {
    "text": "fill:var(--ink);stroke:none",
    "path": "fill:none",
    ".paper": "fill:var(--paper)",
    ".headline": "font-weight:bold;font-size:14px",
    ".said": "fill:var(--faint)",
    ".shape": "fill:var(--paper);stroke:var(--line);stroke-width:1.2",
    ".name,text.state": "font-weight:bold",
    ".plain .name,.input .name": "font-weight:normal",
    ".note,.legend text,.group>text": "font-size:11px;fill:var(--faint)",
    ".frame": "fill:var(--frame);stroke:var(--line);stroke-dasharray:1 3",
    ".data-line": "stroke:var(--line);stroke-width:1.1",
    ".gradient-line": "stroke-width:2",
    ".pill": "fill:var(--paper);opacity:.9",
    ".label text": "font-size:11px",
}

_LAST_RULES = {
    ".node.loss .shape": "fill:var(--loss);stroke:var(--ink);stroke-width:2",
    ".node.LEAK .shape,.node.BLOCKED .shape": "stroke-width:2.5",
    ".node.LEAK .inner": "fill:none;stroke-width:1",
    ".node.BLOCKED .shape": "stroke-dasharray:7 4",
    ".node.idle .shape": "stroke-dasharray:2 3",
    ".node.input .shape": "stroke:none",
    ".leak .gradient-line": "stroke-width:3.5",
    ".cut .gradient-line": "stroke-width:2.5;stroke-dasharray:7 4",
    ".stopped .gradient-line": "stroke-width:1.3;stroke-dasharray:4 3",
    ".edge .gradient-line.tee": "stroke-dasharray:none",
    ".label.cut text": "fill:var(--BLOCKED);font-weight:bold",
    ".label.stopped text": "fill:var(--faint)",
}
