"""The report of a pull request: the verdict first, one row a finding, the rest folded, never longer than a comment may be."""

import re
from dataclasses import replace

import pytest

from gradcheck_freeze.report import markdown, markup
from gradcheck_freeze.report.links import Links
from gradcheck_freeze.rules.finding import Severity

LINKS = Links("https://github.com/owner/name/blob/0123abc/", "training")


def length(text):
    """Return the length as the strictest host counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def without_picture(text):
    """Return a report with the picture, which has tests of its own, left out."""
    return re.sub(r"(?<=```mermaid\n).*?(?=```)", "…\n", text, flags=re.DOTALL)


def test_every_story_reads_as_its_golden_file(story, request, same_as_golden):
    same_as_golden(f"{request.node.callspec.id}.md", without_picture(markdown.render(story, LINKS)))


def test_short_report_reads_as_its_golden_file(examples, same_as_golden):
    same_as_golden("leak.gitlab.md", without_picture(markdown.render_short(examples.leak(), LINKS)))


def test_first_line_is_the_hidden_marker_and_the_second_the_verdict(examples):
    lines = [line for line in markdown.render(examples.blocked()).splitlines() if line]
    assert lines[:2] == ["<!-- gradcheck-freeze:train.py -->", "### ⛔ BLOCKED `generator` · 1 error"]


@pytest.mark.parametrize("path", ["-->", "a--b.py", "é.py", "x" * 500, "--><script>", "a b.py"])
def test_marker_of_any_program_is_one_hidden_comment_of_its_own(examples, path):
    story = examples.blocked()
    mark = markdown.marker(replace(story, script=replace(story.script, path=path)))
    assert re.fullmatch(r"<!-- gradcheck-freeze:[A-Za-z0-9._/-]{1,130} -->", mark)
    assert mark.count("--") == 2
    assert mark != markdown.marker(replace(story, script=replace(story.script, path=f"{path}x")))


def test_marker_stays_when_the_findings_change(examples):
    assert (
        markdown.marker(examples.blocked()) == markdown.marker(examples.clean()) != markdown.marker(examples.nothing())
    )


def test_blamed_line_is_a_link_from_the_top_of_the_repository(examples):
    link = "[`train.py:8`](https://github.com/owner/name/blob/0123abc/training/train.py#L8)"
    assert link in markdown.render(examples.blocked(), LINKS)
    assert "](" not in markdown.render(examples.blocked())


def test_each_finding_has_a_row_with_its_fault_its_place_and_its_fix(examples):
    rows = [
        line
        for line in markdown.render(examples.leak()).splitlines()
        if "<br>error |" in line or "<br>warning |" in line
    ]
    assert [row.split("<sub>")[1].split()[0] for row in rows] == ["GF101", "GF103"]
    assert all("**Fix:**" in row and row.count("|") == 4 for row in rows)


def test_only_the_loudest_detail_is_open(examples):
    text = markdown.render(examples.leak())
    assert text.count("<details open>") == 1
    assert text.index("<details open>") < text.index("<details>")
    assert "<details open>" not in markdown.render(examples.gan())


def test_clean_report_says_so_and_folds_all_else(examples):
    text = markdown.render(examples.clean())
    assert "### ok ✓ every parameter learns or stays as declared\n" in text
    assert text.count("<details>") == text.count("</details>") == 2
    assert "```mermaid" in text


@pytest.mark.parametrize("text", ["", "a", "a\nb", "x" * 100_000, "$`|<@#" * 400, "\U0001f600" * 3_000, "é" * 3_000])
def test_report_never_is_longer_than_a_comment_may_be(examples, text):
    large = examples.large()
    findings = tuple(
        replace(f, message=text or f.message, fix=examples.Fix(text, text), trail=(f.cause,) * 9)
        for f in large.findings
    )
    whole = markdown.render(replace(large, findings=findings, ignored=findings, gaps=(text,) * 50))
    assert length(whole) <= 65_536
    assert len(whole.encode()) <= markdown.COMMENT.most_bytes
    assert whole.count("<details") == whole.count("</details>")
    assert whole.count("```") % 2 == 0


def test_what_is_cut_is_cut_by_whole_findings_and_counted(examples):
    large = examples.large()
    text = markdown.render(large)
    told = text.count("<br>error |") + text.count("<br>warning |")
    assert told == 50
    assert text.count("> 3 | optimizer = Adam") == 1, "a line that was shown before is not shown again"
    assert f"**{len(large.findings) - told} more** (350 errors, 400 warnings) are in the JSON report: " in text
    assert f"<summary>{told - 10} more findings</summary>" in text


@pytest.mark.parametrize("most", [2_000, 5_000, 20_000, 900_000])
def test_smaller_room_tells_fewer_findings(examples, most):
    text = markdown.render(examples.large(), LINKS, replace(markdown.COMMENT, most_bytes=most + 8_000))
    assert len(text.encode()) <= most + 8_000
    assert "more** (" in text


def test_short_report_has_a_small_picture_and_no_tables(examples):
    for make in examples.STORIES.values():
        text = markdown.render_short(make(), LINKS)
        picture = re.search(r"```mermaid\n(.*?)```", text, re.DOTALL)
        assert picture is None or (len(picture[1]) <= 1_800 and picture[1].count("&") <= 30)
        assert "Modules" not in text
        assert len(text) <= 20_000


def test_ignored_findings_and_needless_entries_are_told(examples):
    story = examples.blocked()
    ignored = replace(story.findings[0], ignored="trained | later")
    text = markdown.render(replace(story, findings=(), ignored=(ignored,)))
    assert "1 finding ignored by configuration:\n\n- GF201 `generator`: trained \\| later" in text


def test_longer_run_of_backticks_does_not_end_a_block():
    assert markup.fenced(["```", "a ````` b"], "python") == "``````python\n```\na ````` b\n``````"


@pytest.mark.parametrize("text", ["encoder.conv.0", "{0-3}", "a <b>", "f(x) -> y", "__init__"])
def test_plain_name_is_code_in_backticks(text):
    assert markup.code(text) == f"`{text}`"


def test_long_message_is_cut_in_the_table_and_whole_in_the_details(examples):
    story = examples.blocked()
    long = replace(story.findings[0], message="word " * 200 + "end.")
    text = markdown.render(replace(story, findings=(long,)))
    assert "end." in text
    assert text.index("…<br>**Fix:**") < text.index("end.")


def test_notes_alone_open_nothing(examples):
    story = examples.gan()
    assert {finding.severity for finding in story.findings} == {Severity.NOTE}
    assert "### ok ✓ every parameter learns or stays as declared (1 note)" in markdown.render(story)
