"""The comparison in every format: valid, safe, within the limits, and each thing said once."""

import json
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report.change import files, html, markdown, text
from gradcheck_freeze.report.change import json as report
from gradcheck_freeze.report.change.compare import compare

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/diff-1.json").read_text(encoding="utf-8"))


class Page(HTMLParser):
    """Collects the elements of a page and checks that they are closed in order."""

    VOID = ("meta", "br")

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.attributes = [], set(), {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        self.attributes.setdefault(tag, []).append(dict(attributes))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def pairs(examples):
    stories = [make() for make in examples.STORIES.values()]
    return [*pairwise(stories), (stories[-1], stories[0]), (examples.clean(), examples.hostile())]


def test_the_json_is_valid_by_its_schema(examples):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for base, head in pairs(examples):
        jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(report.render(compare(base, head), head)))


def test_a_finding_is_written_in_both_schemas_alike():
    whole = json.loads((Path(__file__).parents[2] / "docs/schema/report-1.json").read_text(encoding="utf-8"))
    for name in ("finding", "place", "location"):
        assert SCHEMA["$defs"][name] == whole["$defs"][name]


def test_equal_input_gives_equal_text_in_every_format(examples):
    for form in files.FORMATS.values():
        first, again = (form.render(compare(examples.clean(), examples.leak()), examples.leak()) for _ in range(2))
        assert first == again


def test_the_page_is_closed_has_no_script_and_lets_nothing_in(examples):
    for base, head in pairs(examples):
        page = Page(html.render(compare(base, head), head))
        assert page.elements <= {
            "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "ul", "li", "b", "span", "code", "p", "small",
            "article", "pre", "details", "summary",
        }  # fmt: skip
        assert any("default-src 'none'" in meta.get("content", "") for meta in page.attributes["meta"])
        assert not any("src" in found or "href" in found for tag in page.attributes.values() for found in tag)


def test_names_full_of_markup_are_shown_and_not_obeyed(examples):
    sharp = "<img src=x onerror=alert(1)>|`@admin` ![x](http://e.vil)\n# head"
    head = examples.diagnosis(
        [examples.parameter(f"{sharp}.weight", "learning", losses=[sharp], optimizer=sharp)],
        examples.Finding(
            "GF201", sharp, "blockage", examples.Severity.ERROR, (), sharp, sharp,
            examples.Location(sharp, 1, 1, sharp, sharp), (), examples.Fix(sharp),
        ),
    )  # fmt: skip
    change = compare(examples.diagnosis([]), head)
    page = html.render(change, head)
    assert "img" not in Page(page).elements
    written = markdown.render(change, head)
    outside = "\n".join(part for number, part in enumerate(written.split("```")) if number % 2 == 0)
    for obeyed in ("<img", "![x]", "\n# head"):
        assert obeyed not in outside
    assert "\x1b" not in text.render(compare(examples.clean(), examples.hostile()), examples.hostile())


def test_the_markdown_of_a_large_change_is_cut_by_whole_entries(examples):
    for base, head in ((examples.clean(), examples.large()), (examples.large(), examples.clean())):
        written = markdown.render(compare(base, head), head)
        assert len(written) < 40_000
        assert "… and 790 more" in written or "983 more changes" in written


def test_the_text_fits_its_width(examples):
    for base, head in pairs(examples):
        written = text.render(compare(base, head), head, 80)
        assert [line for line in written.splitlines() if len(line) > 80 and "/" not in line] == []


@pytest.mark.parametrize(
    ("name", "starts"), [("a.txt", "gradcheck"), ("a.md", "###"), ("a.html", "<!DOC"), ("a.json", "{")]
)
def test_the_suffix_names_the_format(name, starts, examples, tmp_path):
    files.save(compare(examples.clean(), examples.leak()), examples.leak(), tmp_path / name)
    assert (tmp_path / name).read_text("utf-8").startswith(starts)


def test_a_format_that_a_comparison_lacks_is_refused():
    with pytest.raises(UsageError, match=r"\.txt, \.md"):
        files.format_of("a.svg")
    with pytest.raises(UsageError, match="is no format of a comparison"):
        files.format_named("svg")
