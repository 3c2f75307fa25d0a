"""What build servers read: workflow commands, SARIF, Code Quality, JUnit, the job summary, and where they keep the source."""

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from junitparser import JUnitXml

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import github, gitlab, junit, markdown, sarif, summary
from gradcheck_freeze.report import json as report
from gradcheck_freeze.report.links import NOWHERE, Links, links_of
from gradcheck_freeze.rules.table import RULES

LINKS = Links("https://github.com/owner/name/blob/0123abc/", "training")
# From oasis-tcs/sarif-spec, sarif-2.1/schema, as it is.
SCHEMA = json.loads(Path(__file__).with_name("sarif-schema-2.1.0.json").read_text("utf-8"))


def moved(examples, lines):
    """Return the blocked story with so many lines put in above all of it."""
    story = examples.blocked()
    down = lambda place: replace(place, line=place.line + lines, end_line=place.end_line + lines)  # noqa: E731
    finding = story.findings[0]
    finding = replace(finding, cause=down(finding.cause), trail=tuple(map(down, finding.trail)))
    excerpts = tuple(replace(excerpt, first_line=excerpt.first_line + lines) for excerpt in story.excerpts)
    return replace(story, findings=(finding,), excerpts=excerpts)


def test_workflow_command_names_file_line_and_rule_and_holds_message_and_fix(examples):
    (line,) = github.render(examples.blocked(), LINKS).splitlines()
    assert line == (
        "::error file=training/train.py,line=8,title=GF201 detached-path::generator gets no gradient from loss: the only way "
        "to it is cut by detach().%0AFix: Drop detach() here; to keep the encoder fixed, freeze its parameters and let the "
        "gradient pass through it."
    )


def test_percent_colon_and_comma_are_written_out_for_github(examples):
    story = examples.blocked()
    place = replace(story.findings[0].cause, path="a,b:c%.py")
    text = github.render(
        replace(story, findings=(replace(story.findings[0], cause=place, message="50%\nof it", fix=None),))
    )
    assert text == "::error file=a%2Cb%3Ac%25.py,line=8,title=GF201 detached-path::50%25%0Aof it\n"


def test_ten_of_a_kind_are_annotated_and_the_rest_is_counted(examples):
    lines = github.render(examples.large()).splitlines()
    assert [sum(line.startswith(f"::{kind} ") for line in lines) for kind in ("error", "warning", "notice")] == [
        10,
        10,
        1,
    ]
    assert lines == sorted(lines, key=lambda line: ("error", "warning", "notice").index(line[2:].split()[0]))
    assert lines[-1] == "::notice title=gradcheck-freeze::780 more (390 errors, 390 warnings) are in the report"


def test_run_in_which_nothing_was_seen_is_no_silent_success(examples):
    assert github.render(examples.nothing()).startswith("::notice title=gradcheck-freeze::no backward pass was seen")
    assert github.render(examples.clean()) == ""
    suites = JUnitXml.fromstring(junit.render(examples.nothing()).encode())
    assert (suites.tests, suites.errors) == (1, 1)


def test_sarif_of_every_story_fits_the_official_schema(story):
    validator = jsonschema.Draft4Validator(SCHEMA)
    assert [error.message for error in validator.iter_errors(json.loads(sarif.render(story, LINKS)))] == []


def test_sarif_names_every_rule_with_its_page(examples):
    rules = json.loads(sarif.render(examples.clean()))["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.code for rule in RULES]
    for rule in rules:
        assert rule["help"]["text"]
        assert len(rule["fullDescription"]["text"]) <= 1_024
        assert len(rule["shortDescription"]["text"]) <= 1_024


def test_sarif_result_marks_one_line_with_its_columns_and_the_path_to_it(examples):
    story = examples.blocked()
    lines = ["    " + line for line in story.excerpts[0].lines]
    lines[7] = "\tZ = encoder('\U0001f600').detach()  "
    log = json.loads(sarif.render(replace(story, excerpts=(replace(story.excerpts[0], lines=tuple(lines)),)), LINKS))
    (result,) = log["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "training/train.py"}
    del place["region"]["snippet"]
    assert place["region"] == {"startLine": 8, "startColumn": 2, "endLine": 8, "endColumn": 28}
    (flow,) = result["codeFlows"][0]["threadFlows"]
    steps = [step["location"]["physicalLocation"]["region"]["startLine"] for step in flow["locations"]]
    assert steps == [11, 9, 8, 7, 2]
    assert [step["importance"] for step in flow["locations"]].index("essential") == 2
    assert log["runs"][0]["automationDetails"]["id"] == "gradcheck-freeze/train.py/"


def test_fingerprints_stay_when_lines_above_move_and_differ_from_each_other(examples):
    def prints(diagnosis):
        results = json.loads(sarif.render(diagnosis))["runs"][0]["results"]
        return [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]

    assert prints(examples.blocked()) == prints(moved(examples, 40))
    twice = replace(examples.blocked(), findings=examples.blocked().findings * 2)
    assert len(set(prints(twice))) == 2
    assert len({entry["fingerprint"] for entry in json.loads(gitlab.render(twice))}) == 2
    assert len({entry["fingerprint"] for entry in json.loads(gitlab.render(examples.large()))}) == 800


def test_ignored_finding_is_suppressed_with_its_reason_and_said_nowhere_else(examples):
    story = examples.blocked()
    accepted = replace(story, findings=(), ignored=(replace(story.findings[0], ignored="second stage"),))
    (result,) = json.loads(sarif.render(accepted))["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": "second stage"}]
    assert json.loads(gitlab.render(accepted)) == []
    assert github.render(accepted) == ""


def test_cause_outside_of_the_repository_gives_way_to_the_nearest_step_inside(examples):
    story = examples.blocked()
    outside = replace(story.findings[0].cause, path="/usr/lib/python3/torch/nn.py")
    finding = replace(
        story.findings[0], cause=outside, trail=(examples.at(11), examples.at(9), outside, examples.at(2))
    )
    story = replace(story, findings=(finding,))
    assert github.render(story).startswith("::error file=train.py,line=9,")
    log = json.loads(sarif.render(story))
    assert "/usr/lib" not in json.dumps(re.findall(r'"uri": "[^"]*"', sarif.render(story)))
    flow = log["runs"][0]["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"]
    assert flow[2]["location"]["message"]["text"].startswith("/usr/lib/python3/torch/nn.py:8")


def test_code_quality_entry_holds_what_gitlab_reads(examples):
    (entry,) = json.loads(gitlab.render(examples.blocked(), LINKS))
    assert entry["location"] == {"path": "training/train.py", "lines": {"begin": 8}}
    assert (entry["severity"], entry["check_name"]) == ("critical", "GF201 detached-path")
    assert gitlab.render(examples.clean()) == "[]\n"


def test_junit_fails_for_faults_and_passes_for_modules_that_are_well(examples):
    suites = JUnitXml.fromstring(junit.render(examples.leak(), LINKS).encode())
    cases = {case.name: case for suite in suites for case in suite}
    assert list(cases) == ["GF101 frozen-updated: encoder", "GF103 frozen-statistics-drift: encoder.norm", "generator"]
    assert [case.is_passed for case in cases.values()] == [False, False, True]
    assert suites.failures == 2
    failed = cases["GF101 frozen-updated: encoder"]
    assert failed.result[0].message.startswith("encoder must stay frozen")
    assert "> 3 | optimizer = Adam(" in failed.result[0].text
    assert (failed._elem.get("file"), failed._elem.get("line")) == ("training/train.py", "3")


def test_note_is_told_by_a_case_that_passes(examples):
    suites = JUnitXml.fromstring(junit.render(examples.gan()).encode())
    cases = [case for suite in suites for case in suite]
    assert [case.name for case in cases] == ["GF301 gradient-thrown-away: netD", "netD", "netG"]
    assert all(case.is_passed for case in cases)
    assert "no step ever applies" in cases[0].system_out


GITHUB = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "owner/name", "GITHUB_SHA": "0123abc"}


@pytest.mark.parametrize(
    ("environment", "folder", "expected"),
    [
        ({}, "/src", NOWHERE),
        (GITHUB, "/src", Links("https://github.com/owner/name/blob/0123abc/")),
        ({**GITHUB, "GITHUB_WORKSPACE": "/src"}, "/src", Links("https://github.com/owner/name/blob/0123abc/")),
        ({**GITHUB, "GITHUB_WORKSPACE": "/src"}, "/src/training", LINKS),
        ({**GITHUB, "GITHUB_WORKSPACE": "/src"}, "/tmp", Links("https://github.com/owner/name/blob/0123abc/")),
        ({**GITHUB, "GITHUB_SHA": ""}, "/src", NOWHERE),
        (
            {"CI_PROJECT_URL": "https://gitlab.com/g/p", "CI_COMMIT_SHA": "0123abc", "CI_PROJECT_DIR": "/builds/p"},
            "/builds/p/x",
            Links("https://gitlab.com/g/p/-/blob/0123abc/", "x"),
        ),
    ],
)
def test_environment_of_a_build_server_tells_where_the_source_is(environment, folder, expected):
    assert links_of(environment, folder) == expected


@pytest.mark.parametrize(
    ("path", "whole"),
    [
        ("train.py", "training/train.py"), ("../lib/a.py", "lib/a.py"), ("../../a.py", None), ("/usr/a.py", None),
        ("", None), ("<string>", None), ("C:\\a.py", None), (".", "training"), ("..", None),
    ],
)  # fmt: skip
def test_path_is_seen_from_the_top_of_the_repository_or_not_at_all(path, whole):
    assert LINKS.path(path) == whole


def test_address_of_a_line_is_percent_encoded():
    assert (
        LINKS.url("a b/é)#?.py", 3) == "https://github.com/owner/name/blob/0123abc/training/a%20b/%C3%A9%29%23%3F.py#L3"
    )
    assert NOWHERE.url("train.py", 3) is None


def test_summary_is_appended_and_keeps_what_is_there(examples, tmp_path):
    path = tmp_path / "summary.md"
    summary.append(examples.clean(), path, LINKS)
    first = path.read_text("utf-8")
    assert first == markdown.render(examples.clean(), LINKS, markdown.SUMMARY)
    path.write_text("# before, without an end of line", "utf-8")
    summary.append(examples.blocked(), path, LINKS)
    assert path.read_text("utf-8").startswith(
        "# before, without an end of line\n\n<!-- gradcheck-freeze:train.py -->\n"
    )


def test_summary_holds_the_same_report_once(examples, tmp_path):
    path = tmp_path / "summary.md"
    for _ in range(2):
        summary.append(examples.blocked(), path)
    assert path.read_text("utf-8").count("<!-- gradcheck-freeze") == 1


def test_summary_stays_within_what_github_takes(examples, tmp_path):
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * 890_000)
    summary.append(examples.large(), path)
    assert path.stat().st_size <= 900_000
    path.write_bytes(b"x" * 899_000)
    with pytest.raises(UsageError, match=r"is full \(899,000 bytes\)"):
        summary.append(examples.large(), path)
    assert path.read_bytes() == b"x" * 899_000


def test_summary_that_cannot_be_written_is_told(examples, tmp_path):
    with pytest.raises(UsageError, match="could not be written: Is a directory"):
        summary.append(examples.clean(), tmp_path)
    with pytest.raises(UsageError, match="could not be written: No such file"):
        summary.append(examples.clean(), tmp_path / "missing" / "summary.md")


def test_command_written_in_json_is_no_command_when_printed():
    assert report.dumps(["##[error]x", "##"]) == '[\n "#\\u0023[error]x",\n "#\\u0023"\n]\n'
