"""A picture never fails or hangs, is one and the same for equal input, and stays readable when the graph is large."""

import os
import re
import shutil
import stat
import struct
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import engine, layered, picture
from gradcheck_freeze.report.curves import rest
from gradcheck_freeze.report.drawing import boxes_of
from gradcheck_freeze.report.view import boxes, view
from gradcheck_freeze.report.words import LOOKS

SVG = "{http://www.w3.org/2000/svg}"
PURE = shutil.which("graphviz-pure") or str(Path(sysconfig.get_path("scripts")) / "graphviz-pure")
ENGINES = {"graphviz-pure": PURE, "dot": shutil.which("dot"), "none": "/nowhere/dot"}


@pytest.fixture(params=list(ENGINES))
def any_engine(request, monkeypatch):
    if not ENGINES[request.param] or (request.param == "graphviz-pure" and not Path(PURE).exists()):
        pytest.skip(f"no {request.param} here")
    monkeypatch.setenv("GRADCHECK_FREEZE_DOT", ENGINES[request.param])
    return request.param


@pytest.fixture
def no_engine(monkeypatch):
    monkeypatch.setenv("GRADCHECK_FREEZE_DOT", "/nowhere/dot")


def read(svg):
    """Return the nodes and edges of a picture, after a look at what must hold for each."""
    root = ElementTree.fromstring(svg)
    marked = [group for group in root.iter(f"{SVG}g") if group.get("id")]
    assert len({group.get("id") for group in marked}) == len(marked)
    for group in marked:
        assert group.find(f"{SVG}title").text
        assert group.get("role") == "img"
    assert root.find(f"{SVG}title").text == "Gradient flow"
    assert root.find(f"{SVG}desc").text
    nodes = {g.get("data-node"): g for g in marked if g.get("class").startswith("node ")}
    edges = {(g.get("data-source"), g.get("data-target")): g for g in marked if g.get("class").startswith("edge ")}
    return nodes, edges


def test_every_story_is_drawn_whole_by_every_engine(story, any_engine):
    svg = picture.svg(story)
    nodes, edges = read(svg)
    shown = view(story.graph)
    assert len(nodes) == boxes(shown)
    assert len(edges) == shown.number_of_edges()
    assert svg == picture.svg(story)
    assert svg.isascii()
    assert "<script" not in svg


def test_a_node_and_an_edge_keep_their_ids_in_every_view(examples, no_engine):
    whole, small = examples.leak(), examples.leak()
    small.graph.remove_node("encoder")
    one, other = read(picture.svg(whole))[0], read(picture.svg(small))[0]
    assert one["generator"].get("id") == other["generator"].get("id")
    assert one["generator"].get("class") == "node learning"
    prefixed = ElementTree.fromstring(picture.draw_view(view(whole.graph), prefix="a-"))
    assert all(element.get("id", "a-").startswith("a-") for element in prefixed.iter())


def test_a_state_is_told_by_word_and_shape_as_well(examples, no_engine):
    texts = [
        "".join(read(picture.svg(make()))[0][name].itertext())
        for make, name in ((examples.leak, "encoder"), (examples.blocked, "generator"), (examples.clean, "encoder"))
    ]
    for text, word in zip(texts, ("LEAK", "BLOCKED", "frozen"), strict=True):
        assert word in text
    assert "GF101 frozen-updated" in texts[0]


def test_every_state_and_every_flow_has_a_colour_of_its_own_light_and_dark(examples, no_engine):
    style = ElementTree.fromstring(picture.svg(examples.leak())).find(f"{SVG}style").text
    light, dark = style.split("@media (prefers-color-scheme:dark)")
    for state, look in LOOKS.items():
        assert f"--{state}:{look.stroke};" in light
        assert f"--{state}:{look.dark_stroke};" in dark
        assert f".node.{state} .shape{{fill:var(--{state}-fill);stroke:var(--{state})}}" in style
    for flow, colour in {"gradient": "learning", "leak": "LEAK", "cut": "BLOCKED", "stopped": "faint"}.items():
        assert f".{flow} .gradient-line{{stroke:var(--{colour})}}" in style
    rules = re.sub(r"@media[^{]*{", "", style).replace("}}", "}").split("}")
    selectors = [part for rule in rules if rule for part in rule.partition("{")[0].split(",")]
    assert all(part.startswith(".gradient-flow") for part in selectors)


def test_a_cut_says_what_cuts_where(examples, no_engine):
    assert "detach" in picture.svg(examples.blocked())
    assert "train.py:8" in picture.svg(examples.blocked())


@pytest.mark.parametrize("behaviour", ["sleep 60", "exit 1", "echo '{}'", "echo nonsense", "kill -9 $$", "cat"])
def test_an_engine_that_hangs_or_fails_is_done_without(behaviour, examples, tmp_path, monkeypatch):
    fake = tmp_path / "dot"
    fake.write_text(f"#!/bin/sh\n{behaviour}\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(engine, "_SECONDS", 0.3)
    monkeypatch.setenv("GRADCHECK_FREEZE_DOT", str(fake))
    assert len(read(picture.svg(examples.leak()))[0]) == 4


def test_a_png_holds_only_what_the_engine_has_glyphs_for(story):
    if not Path(PURE).exists():
        pytest.skip("no graphviz-pure here")
    drawn = picture.png(story)
    assert drawn.startswith(b"\x89PNG")
    assert max(struct.unpack(">II", drawn[16:24])) <= 4400


def test_a_png_without_an_engine_says_what_to_do(examples, no_engine):
    with pytest.raises(UsageError, match=r"Write \.svg instead"):
        picture.png(examples.leak())


@pytest.mark.parametrize("name", ["transformer", "dense", "unlike", "recurrent"])
def test_a_large_graph_is_drawn_small(name, any_engine, examples, monkeypatch):
    monkeypatch.setattr(engine, "_SECONDS", 30.0)  # on a busy machine too: that it is quick is measured, not tested
    svg = picture.svg(replace(examples.nothing(), graph=getattr(examples, name)()))
    nodes, edges = read(svg)
    assert 2 <= len(nodes) <= 150
    assert len(edges) <= 3 * len(nodes) + 60
    assert len(svg) < 300_000


def test_dense_has_the_size_that_makes_engines_hang(examples):
    graph = examples.dense()
    assert len(graph) == 201
    assert graph.number_of_edges() == 3791


@pytest.mark.parametrize(("name", "size"), [("transformer", (3,)), ("unlike", (30, 60)), ("recurrent", (20,))])
def test_in_the_layout_of_our_own_boxes_do_not_overlap_and_lines_pass_between_them(name, size, examples):
    shown = view(getattr(examples, name)(*size))
    sizes = boxes_of(shown, ())
    placed = layered.place(shown, sizes)
    spans = {
        node: (
            x - sizes[node].width / 2,
            y - sizes[node].height / 2,
            x + sizes[node].width / 2,
            y + sizes[node].height / 2,
        )
        for node, (x, y) in placed.boxes.items()
    }
    names = sorted(spans)
    for i, one in enumerate(names):
        assert spans[one][0] >= 0
        assert spans[one][2] <= placed.width + 0.01
        for other in names[i + 1 :]:
            a, b = spans[one], spans[other]
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (one, other)
    for ends, route in placed.routes.items():
        for share in (k / 40 for k in range(1, 40)):
            x, y = rest(route, share)[0][0]
            for node in names:
                if node not in ends:
                    left, top, right, bottom = spans[node]
                    assert not (left + 1 < x < right - 1 and top + 1 < y < bottom - 1), (ends, node)


def test_engines_are_looked_for_beside_python_and_on_the_path(monkeypatch):
    monkeypatch.delenv("GRADCHECK_FREEZE_DOT", raising=False)
    monkeypatch.setenv("PATH", os.fspath(Path(sys.executable).parent))
    assert all("graphviz-pure" in found for found in engine.engines())
