"""The flowchart is taken by Mermaid itself, keeps to the limits of the hosts, and shows every name as it stands."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_freeze.report import mermaid

LIMITS = [(60, 120, 8000), (60, 120, 1800), (10, 12, 600)]


@pytest.fixture(scope="session")
def errors(request):
    """Return a function that asks Mermaid itself what is wrong with some flowcharts."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("no node")
    folder = Path(request.config.cache.mkdir("mermaid"))
    if not (folder / "node_modules" / "mermaid").is_dir():
        got = subprocess.run(
            ["npm", "install", "--no-save", "--no-audit", "--prefix", str(folder), "mermaid@11.17.2", "jsdom@26"],
            capture_output=True, check=False,
        )  # fmt: skip
        if got.returncode:
            pytest.skip("npm has no mermaid for us")
    script = folder / "check.mjs"
    script.write_bytes(Path(__file__).with_name("mermaid_check.mjs").read_bytes())

    def ask(charts):
        done = subprocess.run(["node", str(script)], input=json.dumps(charts).encode(), capture_output=True, check=True)
        return [error for error in json.loads(done.stdout) if error]

    return ask


@pytest.mark.parametrize("limits", LIMITS)
def test_every_story_is_within_the_limits(story, limits):
    nodes, edges, characters = limits
    chart = mermaid.render(story, *limits)
    assert len(chart) <= characters
    assert len(re.findall(r"^n\d+[^ ]", chart, re.MULTILINE)) <= nodes
    assert len(re.findall(r"^n\d+ .* n\d+$", chart, re.MULTILINE)) <= edges
    assert chart == mermaid.render(story, *limits)


def test_mermaid_itself_takes_every_story(examples, errors):
    charts = [mermaid.render(make(), *limits) for make in examples.STORIES.values() for limits in LIMITS]
    assert errors(charts) == []
    assert errors(["flowchart TB\nn0[oops"]) != []


def named(examples, name):
    """Return a diagnosis in which everything in the graph is called by this name."""
    blocked = examples.blocked()
    graph = blocked.graph.copy()
    for _, attributes in graph.nodes(data=True):
        attributes.update(label=name, module="")
    for _, _, attributes in graph.edges(data=True):
        attributes["op"] = name
    return replace(blocked, graph=graph)


HOSTILE = [
    '"]; click n0 "javascript:alert(1)"', "end", "`**bold**`", "1. one", "- x", "<script>alert(1)</script>", "#quot;", "fa:fa-car",
    "$$x$$", "%%{init: {}}%%", "a\nb", "&lt;b&gt;", "subgraph x", ":::class", "\\", "~~~", "|x|", "{{x}}", "\u202e\ud800",
]  # fmt: skip


def test_mermaid_itself_takes_hostile_names(examples, errors):
    assert errors([mermaid.render(named(examples, name)) for name in HOSTILE]) == []


@settings(max_examples=200, deadline=None)
@given(name=st.text(max_size=60))
def test_no_name_gets_out_of_its_quotes(name, examples):
    chart = mermaid.render(named(examples, name))
    plain = mermaid.render(named(examples, "name"))
    bare = [re.sub(r'"[^"]*"', '""', line) for line in chart.splitlines()]
    assert bare == [re.sub(r'"[^"]*"', '""', line) for line in plain.splitlines()]
    for text in re.findall(r'"([^"]*)"', chart):
        said = text.replace("<br/>", "").replace("✂ ", "")
        assert re.sub(r"#\d+;", "", said).translate(str.maketrans("", "", "✓⚠⛔❄○… ")).replace(
            "_", ""
        ).isalnum() or not set(re.sub(r"#\d+;", "", said)) & set("<>&\"'`*_~$|[]{}()#;:%\\\n")


def test_there_are_no_links_since_hosts_do_not_follow_them(story):
    assert "click" not in re.sub(r'"[^"]*"', '""', mermaid.render(story))
