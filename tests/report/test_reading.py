"""A saved report is read back whole, and one that was cut short or tampered with is refused by name."""

import contextlib
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import json as report
from gradcheck_freeze.report.reading import load, parse


def test_every_story_is_read_back_as_it_was_written(story):
    text = report.render(story)
    assert report.render(parse(text, "report.json")) == text


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", '{"tool": 1}', '{"tool": {"name": "ruff"}}', "[" * 100_000]
)
def test_what_is_no_report_is_refused(text):
    with pytest.raises(UsageError, match=r"'x\.json' is"):
        parse(text, "x.json")


def test_a_report_of_a_newer_schema_is_refused(examples):
    text = report.render(examples.leak()).replace('"schema_version": "1.0"', '"schema_version": "2.0"')
    with pytest.raises(UsageError, match=r"schema '2\.0'"):
        parse(text, "x.json")


def test_a_report_of_a_later_minor_version_is_read(examples):
    document = report.document(examples.leak()) | {"schema_version": "1.9", "more": [1]}
    assert report.render(parse(json.dumps(document), "x.json")) == report.render(examples.leak())


def test_a_report_cut_short_anywhere_is_refused(examples):
    text = report.render(examples.leak()).rstrip()
    for end in random.Random(0).sample(range(len(text)), 50):
        with pytest.raises(UsageError, match="cut short"):
            parse(text[:end], "x.json")


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_value_of_another_kind_is_refused_or_read(data, examples):
    document = json.loads(report.render(examples.leak()))
    place = document
    while isinstance(place, (dict, list)) and place:
        holder = place
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        place = place[key]
    holder[key] = data.draw(st.sampled_from([None, -1, 1.5, "x", True, [], {}, [[1]], {"a": 1}]))
    with contextlib.suppress(UsageError):
        report.render(parse(json.dumps(document), "x.json"))


def test_a_missing_file_and_one_that_is_no_text_are_refused(tmp_path):
    with pytest.raises(UsageError, match="could not be read: No such file"):
        load(tmp_path / "none.json")
    (tmp_path / "image.json").write_bytes(b"\x89PNG\xff")
    with pytest.raises(UsageError, match="it is not text"):
        load(tmp_path / "image.json")
