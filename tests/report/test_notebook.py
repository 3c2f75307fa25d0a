"""A cell of a notebook shows the verdict, the picture and the findings, and needs no script for it."""

import base64
import re
from dataclasses import fields
from xml.etree import ElementTree

import pytest

from gradcheck_freeze import Diagnosis
from gradcheck_freeze.report import markdown, notebook, terminal


def shown_by(plain):
    return Diagnosis(**{field.name: getattr(plain, field.name) for field in fields(plain)})


def test_cell_holds_text_html_and_picture(examples):
    bundle = shown_by(examples.blocked())._repr_mimebundle_()
    assert list(bundle) == ["text/plain", "text/html", "image/svg+xml"]
    assert bundle["text/plain"] == terminal.render(examples.blocked())
    assert bundle["text/html"] == shown_by(examples.blocked())._repr_html_()
    ElementTree.fromstring(bundle["image/svg+xml"])


def test_diagnosis_gives_its_markdown(examples):
    assert shown_by(examples.leak()).to_markdown() == markdown.render(examples.leak())


def test_verdict_comes_first_and_the_loudest_finding_is_open(examples):
    text = notebook.render(examples.leak())
    assert text.index("⚠ LEAK encoder, encoder.norm") < text.index("<img ") < text.index("<details open>")
    assert text.count("<details") == 2
    assert "<b>&gt; 3 | optimizer = Adam(" in text


def test_picture_is_embedded_whole(examples):
    data = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', notebook.render(examples.blocked()))
    assert ElementTree.fromstring(base64.b64decode(data[1])).tag.endswith("svg")


def test_many_findings_are_counted_and_not_all_shown(examples, monkeypatch):
    from gradcheck_freeze.report import engine

    monkeypatch.setattr(engine, "engines", list)
    text = notebook.render(examples.large())
    assert text.count("<details") == 20
    assert "… and 780 more" in text


@pytest.mark.parametrize("mark", ["<script", "javascript:", " on", "<style", "<link"])
def test_cell_has_neither_script_nor_style_sheet(examples, mark):
    assert mark not in re.sub(r"base64,[^\"]+", "", notebook.render(examples.hostile())).replace(" one", "")
