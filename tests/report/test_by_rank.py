"""A report of several ranks says on how many the training ran, which ranks a finding belongs to, and whose step is drawn."""

from dataclasses import replace
from types import ModuleType

import pytest

from gradcheck_freeze.report import by_rank, html, markdown, notebook, picture
from gradcheck_freeze.rules.diagnosis import Diagnosis, RanksRecord


@pytest.fixture
def merged(examples: ModuleType) -> Diagnosis:
    """Return a report of ranks 0, 1 and 3 of 4, with a first finding that only ranks 1 and 3 have."""
    diagnosis = examples.leak()
    first, *others = diagnosis.findings
    found = (replace(first, ranks=(1, 3)), *others)
    return replace(diagnosis, findings=found, ranks=RanksRecord(4, (0, 1, 3), (2,), 1))


def test_every_format_that_people_read_names_the_ranks(merged: Diagnosis) -> None:
    assert "on 3 of 4 ranks" in markdown.render(merged)
    assert "on 3 of 4 ranks" in notebook.render(merged)
    assert "on 4 ranks, rank 2 left no report" in html.render(merged)
    assert "ranks 1 and 3 of 4 only" in notebook.render(merged)
    for text in (html.render(merged), markdown.render(merged), picture.svg(merged)):
        assert "ranks 1 and 3 of 4 only" in text
        assert "as rank 1 of 4 saw it" in text
    assert "as rank 1 of 4 saw it" in picture.source(merged)


def test_a_finding_of_all_ranks_says_so(merged: Diagnosis) -> None:
    other = replace(merged.findings[0], ranks=())
    assert by_rank.found_on(other, merged.ranks) == "all 3 ranks that reported"
    assert by_rank.found_on(other, RanksRecord(2, (0, 1), ())) == "both ranks"


def test_a_training_of_one_process_says_nothing_of_ranks(examples: ModuleType) -> None:
    diagnosis = examples.leak()
    assert by_rank.trained_on(None) == by_rank.pictured(None) == by_rank.found_on(diagnosis.findings[0], None) == ""
    for text in (markdown.render(diagnosis), picture.svg(diagnosis), picture.source(diagnosis)):
        assert "rank " not in text
        assert " ranks " not in text
