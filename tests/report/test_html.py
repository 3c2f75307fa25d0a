"""The page is one valid file that loads nothing, is equal for equal input, and shows what is hostile as text."""

import base64
import hashlib
import json
import subprocess
import sys
import unicodedata
from dataclasses import replace

import html5lib
import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_freeze.api import Diagnosis
from gradcheck_freeze.report import files, html, reading
from gradcheck_freeze.report import json as json_report
from gradcheck_freeze.report.page import cards, drawing, tables
from gradcheck_freeze.rules.contract import Ignore

HTML = "{http://www.w3.org/1999/xhtml}"
NASTY = st.text(st.characters(), max_size=30) | st.sampled_from(
    [
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\u202e\u2066evil\x1b[31m\x00\x9b",
        "{{ 7 * 7 }}{% for x in y %}",
        "</style></title><base href=//evil>",
        "'\"><svg onload=alert(1)>",
        "<!--",
        "]]>&lt;&#60;",
        "__proto__.constructor",
    ]
)


def parse(text: str):
    """Return the root of a page; raises on whatever the HTML standard calls a parse error."""
    return html5lib.HTMLParser(strict=True).parse(text)


def tags(text: str) -> set[str]:
    return {element.tag for element in parse(text).iter() if isinstance(element.tag, str)}


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch):
    """Draw with the layout of our own, which is quick."""
    monkeypatch.setenv("GRADCHECK_FREEZE_DOT", "/no/such/engine")


def test_every_page_is_valid_html(story):
    parse(html.render(story))


def test_equal_input_gives_an_equal_page_whatever_the_hash_seed(examples, tmp_path):
    files.save(examples.gan(), tmp_path / "run.json")
    code = (
        "import sys, hashlib; from gradcheck_freeze.report import reading, html;"
        "print(hashlib.sha256(html.render(reading.load(sys.argv[1])).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code, tmp_path / "run.json"],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "GRADCHECK_FREEZE_DOT": "/no/such/engine"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    page = html.render(reading.load(tmp_path / "run.json"))
    assert seen == {f"{hashlib.sha256(page.encode()).hexdigest()}\n".encode()}


def test_page_of_a_saved_report_is_the_page_of_the_run(examples, tmp_path):
    files.save(examples.leak(), tmp_path / "run.json")
    command = [sys.executable, "-m", "gradcheck_freeze", "report", tmp_path / "run.json", "-o", tmp_path / "run.html"]
    subprocess.run(command, check=True)
    assert (tmp_path / "run.html").read_text("utf-8") == html.render(examples.leak())


def test_page_is_made_without_torch(examples, tmp_path):
    files.save(examples.leak(), tmp_path / "run.json")
    code = (
        "import sys; from gradcheck_freeze.report import reading, html; html.render(reading.load(sys.argv[1]));"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "run.json"], check=True)


def test_suffixes_and_the_method_give_the_page(examples, tmp_path):
    plain = examples.clean()
    page = html.render(plain)
    for name in ("a.html", "a.HTM"):
        files.save(plain, tmp_path / name)
        assert (tmp_path / name).read_text("utf-8") == page
    fields = {name: getattr(plain, name) for name in plain.__dataclass_fields__}
    assert Diagnosis(**fields).to_html() == page


def test_page_names_nothing_outside_itself(story):
    root = parse(html.render(story))
    for element in root.iter():
        for name, value in element.attrib.items():
            assert name not in ("action", "style", "srcset", "ping")
            assert not name.startswith("on")
            if name == "href":
                assert value.startswith("#")
            if name == "src":
                assert value.startswith("data:image/svg+xml;base64,")
    assert "url(" not in html.render(story).partition("</style>")[0]


def test_policy_allows_the_style_and_script_of_the_page_and_nothing_else(examples):
    root = parse(html.render(examples.leak()))
    policy = next(m.get("content") for m in root.iter(f"{HTML}meta") if m.get("http-equiv"))
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    inline = [e.text for e in root.iter() if e.tag in (f"{HTML}style", f"{HTML}script") and not e.get("type")]
    assert len(inline) == 2
    for text in inline:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


@settings(max_examples=40, deadline=None)
@given(names=st.lists(NASTY, min_size=9, max_size=9))
def test_hostile_text_is_shown_and_never_markup(names):
    examples = sys.modules["report_examples"]
    name, path, source, message, fix, loss, gap, reason, argument = names
    plain = examples.blocked()
    place = examples.Location(path, 3, 4, argument, source, fix)
    finding = replace(
        plain.findings[0],
        parameters=(name,),
        where=name,
        message=message,
        cause=place,
        trail=(place, examples.at(5)),
        fix=examples.Fix(fix, source),
    )
    graph = nx.DiGraph()
    graph.add_node(name, kind="module", label=name, module=name, state="BLOCKED", count=1, location=place, findings=())
    graph.add_node("loss:0", kind="loss", label=loss, module="", state="", count=1, location=None, findings=())
    graph.add_edge(name, "loss:0", gradient=False, cut=True, op=fix, location=place, findings=())
    hostile = examples.diagnosis(
        [examples.parameter(name, "BLOCKED", losses=[loss], optimizer=source)],
        finding,
        losses=(examples.LossRecord(loss, place, 1, (name,)),),
        excerpts=(examples.Excerpt(path, 1, (source, message, fix, gap, source)),),
        gaps=(gap,),
        script=examples.ScriptRecord(path, (argument,), 1),
        graph=graph,
        ignored=(replace(finding, ignored=reason),),
        unneeded=(Ignore(name, path, reason),),
    )
    page = html.render(hostile)
    known = tags(html.render(plain)) | {f"{HTML}{tag}" for tag in ("details", "summary", "button", "pre", "div", "img")}
    assert tags(page) <= known
    assert [c for c in page if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"] == []
    root = parse(page)
    assert len(list(root.iter(f"{HTML}script"))) == 2
    data = json.loads(next(e.text for e in root.iter(f"{HTML}script") if e.get("type")))
    assert len(data["nodes"]) == 2


def test_message_and_source_are_there_to_be_read(examples):
    text = "".join(parse(html.render(examples.blocked())).itertext())
    assert "generator gets no gradient from loss: the only way to it is cut by detach()." in text
    assert "Z = encoder(Y).detach()" in text
    assert "autograd stops at" in text
    assert "the call of a compiled function at model.py:4" in text


def test_cause_is_marked_in_source_and_trail(examples):
    card = cards.card(examples.blocked().findings[0], examples.blocked().excerpts)
    assert [line.number for line in card.source if line.marked] == [8]
    assert [step.near for step in card.trail if step.cause] == ["train.py:8"]


@pytest.mark.parametrize(
    ("story_name", "says"),
    [
        ("leak", "LEAK encoder, encoder.norm learns where it must not: train.py:3"),
        ("blocked", "BLOCKED generator should learn and cannot: train.py:8"),
        ("clean", "ok Every parameter learns or stays as declared."),
        ("nothing", "No backward pass was seen, so nothing was judged."),
    ],
)
def test_verdict_is_one_sentence_on_top(examples, story_name, says):
    root = parse(html.render(getattr(examples, story_name)()))
    title = next(root.iter(f"{HTML}h1"))
    text = "".join(c for c in "".join(title.itertext()) if unicodedata.category(c) != "So" and c not in "✓⊘")
    assert " ".join(text.split()) == says


def test_ignored_findings_come_with_their_reasons(examples):
    plain = examples.blocked()
    ignored = replace(plain.findings[0], ignored="the head is trained later")
    page = html.render(replace(plain, findings=(), ignored=(ignored,), unneeded=(Ignore("GF101", "x.*", "old"),)))
    assert "Reason: the head is trained later" in page
    assert "Reason: old" in page


def test_matrix_tells_applied_from_thrown_away_gradient(examples):
    found = tables.matrix(examples.gan())
    assert [name for name, _ in found.losses] == ["loss_d", "loss_g"]  # by their lines
    (discriminator, (taught, wasted)), (generator, (none, _)) = found.rows
    assert (discriminator, generator) == ("netD", "netG")
    assert (taught.appliers, wasted.reached, wasted.appliers, none.reached) == ("opt_d", 10, "", 0)


def test_numbered_siblings_that_are_taught_alike_share_a_row_of_the_matrix(examples):
    names = [name for name, _ in tables.matrix(examples.lora()).rows]
    assert names == ["model.layers.{0-39}"]


def test_picture_in_words_tells_every_arrow(examples):
    assert drawing.words(examples.blocked().graph)[-1] == "and 1 more" or len(
        drawing.words(examples.blocked().graph)
    ) == len(examples.blocked().graph.edges)


def test_thousand_layers_stay_below_three_megabytes(examples):
    page = html.render(examples.trained_transformer(1000))
    assert len(page.encode()) < 3_000_000


def test_json_of_a_page_has_no_number_that_is_none(examples):
    root = parse(html.render(examples.hostile()))
    text = next(e.text for e in root.iter(f"{HTML}script") if e.get("type"))
    assert "NaN" not in text
    assert json.loads(text)["tree"]
    assert json.loads(json_report.render(examples.hostile()))
