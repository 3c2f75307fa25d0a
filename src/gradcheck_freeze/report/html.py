"""The report as one HTML page that needs nothing else: no network, no second file, no script to be read.

The page opens from disk and under its own strict content security policy. What a reader needs is in the markup; the
script adds panning, folding, the tree of modules and the search. Whatever a name or a line of source holds is shown as
text: every value passes `shown` and then the escaping of the template.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from gradcheck_freeze.report import by_rank, plan
from gradcheck_freeze.report.page import cards, data, drawing, tables
from gradcheck_freeze.report.tables import many
from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.across import called
from gradcheck_freeze.rules.diagnosis import Diagnosis

_SCRIPTS = ("flow", "layout", "shapes", "picture", "pointer", "light", "panel", "tree", "search", "start")
_LONGEST = 4_000  # characters of one value


def render(diagnosis: Diagnosis) -> str:
    """Return the page; equal diagnoses give equal text."""
    style = _part("page.css")
    script = "(() => {\n'use strict';\n" + "\n".join(_part(f"{name}.js") for name in _SCRIPTS) + "\n})();\n"
    findings = cards.ordered(diagnosis.findings)
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; base-uri 'none'; form-action 'none'"
    environment = Environment(
        autoescape=True, finalize=_finalize, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["fragment"] = _fragment
    return environment.from_string(_part("page.html")).render(
        policy=Markup(policy),
        style=Markup(style),
        script=Markup(script),
        data=Markup(data.text(diagnosis, findings)),
        picture=Markup(drawing.address(diagnosis)),
        picture_title=drawing.title(diagnosis.graph),
        legend=drawing.legend(diagnosis.graph),
        words=drawing.words(diagnosis.graph),
        looks=LOOKS,
        verdict=cards.verdict(diagnosis),
        cards=[cards.card(finding, diagnosis.excerpts) for finding in findings[: cards.MOST]],
        more=findings[cards.MOST :],
        rules=cards.rules([*findings, *diagnosis.ignored]),
        rows=tables.rows(diagnosis),
        matrix=tables.matrix(diagnosis),
        plan=plan.lines(diagnosis),
        plan_title=plan.TITLE,
        diagnosis=diagnosis,
        many=many,
        trained_on=by_rank.trained_on(diagnosis.ranks),
        found_on=lambda finding: by_rank.found_on(finding, diagnosis.ranks),
        pictured=by_rank.pictured(diagnosis.ranks),
        called=called,
        patch=_patch,
        prose=_prose,
        verbatim=escape,
    )


def _part(name: str) -> str:
    return (files("gradcheck_freeze.report") / "page" / name).read_text("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _finalize(value: object) -> object:
    """Return a value of the template with its control and formatting characters written out."""
    return shown(value, _LONGEST) if isinstance(value, str) and not isinstance(value, Markup) else value


def _fragment(name: str) -> str:
    return quote(shown(name, _LONGEST), safe="")


def _patch(text: str) -> Markup:
    """Return a patch with a class for every line by its sign."""
    classes = {"+": "added", "-": "removed", "@": "hunk"}
    lines = [
        Markup('<span class="{}">{}</span>').format(classes.get(line[:1], "same"), line) for line in text.split("\n")
    ]
    return Markup("\n").join(lines)


def _prose(text: str) -> Markup:
    """Return text of a rule's page with what stands between backticks as code."""
    parts = [
        Markup("<code>{}</code>").format(part) if i % 2 else escape(part) for i, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)
