"""Whatever names, messages and source lines hold, every format shows it, and nothing that reads the format obeys it."""

import contextlib
import html.parser
import io
import json
import re
import unicodedata
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import cmarkgfm
import jsonschema
import pytest
from cmarkgfm.cmark import Options
from hypothesis import example, given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml

from gradcheck_freeze.report import engine, files, github, gitlab, junit, markdown, notebook, picture, sarif, terminal
from gradcheck_freeze.report import json as report
from gradcheck_freeze.report.change import files as change_files
from gradcheck_freeze.report.change import markdown as change_markdown
from gradcheck_freeze.report.change.compare import compare
from gradcheck_freeze.report.links import Links
from gradcheck_freeze.report.reading import parse
from gradcheck_freeze.report.words import shown

LINKS = Links("https://example.org/o/r/blob/abc/", "sub")
ATTACKS = (
    "^_ !_ %_ &_",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</details></summary></code></pre><b>", "&lt;b&gt; &amp;#64;",
    "| a | b |", "a\\|b", "`code` ``", "```\n# head", "~~~", "[link](https://evil.example)", "![i](https://evil.example/i.png)",
    "https://evil.example/x", "www.evil.example", "me@evil.example", "<https://evil.example>", "[x][1]\n\n[1]: https://evil.example",
    "@octocat please", "fixes #123", "GH-12 !34 %5 ~bug &6 $7 ^8", ":tada: :+1:", "$x^2$ and $`y`$", "{+add+} [-del-]", "[[_TOC_]]",
    "/close\n/label ~bug", "# head", "- item", "> quote", "---", "***", "1. one", "    code", "\\", "\\\\", "`", "a`", "*a* _b_ __c__ ~~d~~",
    "-->", "<!-- x", "]]>", "<![CDATA[", "&", "&bogus;", "%0A%25", "a,b:c", "::error file=x::boo", "  ::set-output name=a::b",
    "##[error]boo", "x ##vso[task.complete]done", "::stop-commands::x", "\r\n::warning::x", "\x1b[2J\x1b]0;t\x07", "\x9b31m",
    "\u202eevil\u2066", "\ud800", "\udc80x", "\x00", "\ufffe", "\u2028", "\u200b", 'a"]; graph { x -> y', "a-->b\nclick a href",
    "%%{init: {}}%%", "{0} {{", "é網\U0001f600", "", " ", "x" * 3_000, "../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "C:\\x",
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(ATTACKS),
    st.lists(st.sampled_from(ATTACKS) | st.text(st.characters(exclude_categories=()), max_size=8), max_size=3).map(
        "".join
    ),
)
HERE = Path(__file__).parent
ELEMENTS = {
    "a", "b", "br", "code", "details", "h3", "li", "p", "pre", "strong", "sub", "summary", "span", "table", "tbody", "td", "th",
    "thead", "tr", "ul", "img", "small", "div",
}  # fmt: skip
QUIET = {"code", "pre"}  # in which no server looks for mentions
CONTROL = ("Cc", "Cf", "Cs", "Zl", "Zp")


class Page(html.parser.HTMLParser):
    """What a browser would see: the elements, their addresses, all text, and the text that a server looks for mentions in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.open: list[str] = []
        self.nodes: list[str] = []
        self.cells: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.cells += [""] if tag == "td" else []
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "td" in self.open:
            self.cells[-1] += data
        if QUIET.isdisjoint(self.open):
            self.nodes.append(data)


def rendered(text: str) -> Page:
    """Return Markdown as GitHub makes a page of it, without its last step, in which it would take the dangerous out."""
    options = Options.CMARK_OPT_UNSAFE
    return Page(cmarkgfm.github_flavored_markdown_to_html(text, options))


@cache
def schema(name: str) -> jsonschema.Draft4Validator:
    document = json.loads((HERE / name).read_text("utf-8"))
    return jsonschema.validators.validator_for(document)(document)


def control_characters(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c) in CONTROL} - {"\n", "\u200b", "\u2060"}


def commands(text: str) -> list[str]:
    """Return the lines that a build server would take for a command of its own."""
    return [line for line in text.splitlines() if line.lstrip().startswith("::") or re.search(r"##\w*\[", line)]


def held(name: str) -> str:
    """Return text as a page shows it: with written-out controls, and white space as a page has it."""
    return " ".join(shown(name).split())


def read(text: str) -> str:
    return " ".join(text.replace("\u200b", "").split())


@contextlib.contextmanager
def own_layout():
    """Draw with the layout of our own, which is fast: what is asked here does not depend on the engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "engines", list)
        yield


def hostile(test):
    """Run a test with texts of every kind: each attack in every place, then whatever hypothesis puts together."""
    run = given(name=TEXTS, line=TEXTS, path=TEXTS, words=TEXTS)(test)
    for attack in ATTACKS:
        run = example(name=attack, line=attack, path=attack, words=attack)(run)
    return settings(max_examples=60, deadline=None)(run)


@hostile
@pytest.mark.parametrize("make", [markdown.render, markdown.render_short], ids=["markdown", "gitlab-markdown"])
def test_markdown_is_shown_and_not_obeyed(examples, make, name, line, path, words):
    text = make(examples.infected(name, line, path, words), LINKS)
    assert make(examples.infected(name, line, path, words), LINKS) == text
    assert control_characters(text) == set()
    assert commands(text) == []
    assert not [row for row in text.splitlines() if row.startswith("/")]  # a quick action on GitLab
    assert re.fullmatch(r"<!-- gradcheck-freeze:[A-Za-z0-9._/]+ -->", text.splitlines()[0])
    page = rendered(text)
    assert set(page.elements) <= ELEMENTS - {"img"}
    assert page.open == []
    assert all(address.startswith(LINKS.files) for address in page.addresses)
    assert page.handlers == []
    for node in page.nodes:
        assert not re.search(
            r"@\w|#\d|\bgh-\d|(?<!\w)[!%&~^]\w|:[\w+-]+:|\$\S|://|www\.|\{\+|\[-", node, re.IGNORECASE
        ), node
    if name.strip() and len(shown(name)) < 60:
        assert held(name) in read(page.text)
    if words.strip() and len(shown(words)) < 60:
        assert held(words.replace("\n", " ")) in read(page.cells[2])


@hostile
def test_workflow_commands_are_ours_alone(examples, name, line, path, words):
    text = github.render(examples.infected(name, line, path, words), LINKS)
    lines = text.split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(text.splitlines()) == 3
    for command in lines:
        head = re.fullmatch(r"::(error|warning|notice) ((?:(?:file|line|title)=[^,:]*,?)+)::(.*)", command)
        assert head
        assert not re.search(r"##\w*\[", command)
        assert not re.search(r"%(?!25|0A|0D|3A|2C)", command)
        assert control_characters(command) == set()


@hostile
def test_sarif_is_valid_and_names_only_files_of_the_repository(examples, name, line, path, words):
    text = sarif.render(examples.infected(name, line, path, words), LINKS)
    log = json.loads(text)
    assert list(schema("sarif-schema-2.1.0.json").iter_errors(log)) == []
    assert commands(text) == []
    uris = re.findall(r'"uri": "([^"]*)"', text)
    assert all(re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri) and uri[0] != "/" and not uri.startswith("../") for uri in uris)
    results = log["runs"][0]["results"]
    prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]
    assert len(set(prints)) == len(results) == 4
    for result in results:
        assert not re.search(r"(?<!\\)(?:\\\\)*\[", result["message"]["text"])


@hostile
def test_code_quality_is_read_and_its_fingerprints_are_unique(examples, name, line, path, words):
    text = gitlab.render(examples.infected(name, line, path, words), LINKS)
    entries = json.loads(text)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) == 3
    for entry in entries:
        assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert entry["location"]["path"]
        assert entry["location"]["lines"]["begin"] > 0
        assert control_characters(entry["description"] + entry["location"]["path"]) == set()


@hostile
def test_junit_is_read_back_with_the_same_words(examples, name, line, path, words):
    text = junit.render(examples.infected(name, line, path, words), LINKS)
    ElementTree.fromstring(text)
    suites = JUnitXml.fromstring(text.encode())
    assert suites.failures == 2
    cases = [case for suite in suites for case in suite]
    assert shown(name) in cases[0].name
    assert control_characters(text) == set()
    assert commands(text) == []


@hostile
def test_json_is_read_back_and_holds_no_command(examples, name, line, path, words):
    text = report.render(examples.infected(name, line, path, words))
    assert text.isascii()
    assert commands(text) == []
    again = report.render(parse(text, "x"))  # in another order where a lone surrogate was written out
    assert sorted(again) == sorted(text)
    assert report.render(parse(again, "x")) == again


@hostile
def test_a_terminal_and_a_build_server_obey_nothing(examples, name, line, path, words):
    text = terminal.render(examples.infected(name, line, path, words))
    assert control_characters(text) == set()
    assert commands(text) == []
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    terminal.write(examples.infected(name, line, path, words), stream)
    stream.flush()
    assert commands(stream.buffer.getvalue().decode("ascii")) == []


@hostile
def test_a_comparison_is_shown_and_not_obeyed(examples, name, line, path, words):
    clean, infected = examples.clean(), examples.infected(name, line, path, words)
    for base, head in ((clean, infected), (infected, clean)):
        change = compare(base, head)
        marked = change_markdown.render(change, head, LINKS)
        for text in (marked, *(form.render(change, head) for form in change_files.FORMATS.values())):
            assert control_characters(text) == set()
            assert commands(text) == []
        assert not [row for row in marked.splitlines() if row.startswith("/")]
        page = rendered(marked)
        assert set(page.elements) <= ELEMENTS - {"img"} | {"blockquote"}
        assert page.open == []
        assert all(address.startswith(LINKS.files) for address in page.addresses)
        for node in page.nodes:
            assert not re.search(r"@\w|#\d|\bgh-\d|(?<!\w)[!%&~^]\w|:[\w+-]+:|\$\S|://|www\.|\{\+|\[-", node, re.I), (
                node
            )
        if name.strip() and len(shown(name)) < 60:
            assert held(name) in read(page.text)


@hostile
def test_a_cell_of_a_notebook_runs_nothing(examples, name, line, path, words):
    with own_layout():
        page = Page(notebook.render(examples.infected(name, line, path, words)))
    assert set(page.elements) <= ELEMENTS
    assert page.open == []
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.addresses)
    assert page.handlers == []
    assert not [node for node in page.nodes if re.search(r"\$\S", node)]
    if name.strip() and len(shown(name)) < 60:
        assert held(name) in read(page.text)


@hostile
def test_a_picture_is_well_formed_and_holds_no_command(examples, name, line, path, words):
    diagnosis = examples.infected(name, line, path, words)
    with own_layout():
        svg = picture.svg(diagnosis)
    for text in (picture.source(diagnosis), svg):
        assert control_characters(text) <= {"\t"}
        assert commands(text) == []
    tree = ElementTree.fromstring(svg)
    assert not [
        node for node in tree.iter() if node.tag.rpartition("}")[2] in ("script", "foreignObject", "image", "a")
    ]


def test_dot_reads_a_source_full_of_attacks(examples):
    if not engine.engines():
        pytest.skip("no layout engine here")
    for start in range(0, len(ATTACKS), 8):
        name, line = " ".join(ATTACKS[start : start + 4]), " ".join(ATTACKS[start + 4 : start + 8])
        drawn = engine.run(picture.source(examples.infected(name, line, line, name)), "svg")
        assert drawn is not None, "the engine could not read it"
        tree = ElementTree.fromstring(drawn)
        assert not [node for node in tree.iter() if node.tag.rpartition("}")[2] in ("script", "image")]


@pytest.mark.parametrize("form", sorted(files.FORMATS))
def test_every_format_gives_equal_bytes_for_equal_input_also_after_reading_back(examples, form):
    if form == "png":
        pytest.skip("made by the engine of the SVG")
    make = files.format_named(form)
    diagnosis = examples.leak()
    assert make.render(diagnosis, LINKS) == make.render(examples.leak(), LINKS)
    assert make.render(parse(report.render(diagnosis), "x"), LINKS) == make.render(diagnosis, LINKS)
