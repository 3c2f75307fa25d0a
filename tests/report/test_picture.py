"""A picture never fails or hangs, is one and the same for equal input, and stays readable when the graph is large."""

import os
import shutil
import stat
import struct
import sys
import sysconfig
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pytest

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import engine, layered, picture
from gradcheck_freeze.report.curves import rest
from gradcheck_freeze.report.drawing import boxes_of
from gradcheck_freeze.report.view import boxes, view

SVG = "{http://www.w3.org/2000/svg}"
PURE = shutil.which("graphviz-pure") or str(Path(sysconfig.get_path("scripts")) / "graphviz-pure")
ENGINES = {"graphviz-pure": PURE, "dot": shutil.which("dot"), "none": "/nowhere/dot"}
EDGE = {"gradient": True, "cut": False, "location": None, "op": "", "findings": (), "losses": ("loss",)}


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


def transformer(layers=1000):
    """Return a stack of blocks, none of them rolled: each with a norm, attention and a residual, all in one model."""
    graph = nx.DiGraph()
    add(graph, "model", "model")
    last = add(graph, "model.embed", "model.embed", "model")
    for i in range(layers):
        block = add(graph, f"model.layers.{i}", f"model.layers.{i}", "model", state="LEAK" if i == 700 else "learning")
        inner = [
            add(graph, f"{block}.{name}", f"{block}.{name}", block)
            for name in ("norm", "q", "k", "v", "out", "up", "down")
        ]
        graph.nodes[inner[1]]["state"] = graph.nodes[block]["state"]
        join = add(graph, f"{block}.add", "add", block, kind="op")
        for source, target in [
            (last, inner[0]),
            *((inner[0], n) for n in inner[1:4]),
            *((n, inner[4]) for n in inner[1:4]),
        ]:
            graph.add_edge(source, target, **EDGE)
        for source, target in [(inner[4], inner[5]), (inner[5], inner[6]), (inner[6], join), (last, join)]:
            graph.add_edge(source, target, **EDGE)
        last = join
    return end(graph, [last])


def dense(nodes=200, edges=3790):
    """Return a graph in which each node reads the nodes before it, as far as there are edges."""
    graph = nx.DiGraph()
    names = [add(graph, f"dense.{i:03}", f"dense.{i:03}") for i in range(nodes)]
    reach = next(r for r in range(nodes) if sum(min(i, r) for i in range(nodes)) >= edges)
    pairs = [(j, i) for i in range(nodes) for j in range(i - 1, max(-1, i - 1 - reach), -1)]
    graph.add_edges_from([(names[j], names[i], EDGE) for j, i in pairs[:edges]])
    return end(graph, names[-1:])


def recurrent(steps=2000):
    """Return an unrolled network whose weights are read by every step and whose steps all feed the loss."""
    graph = nx.DiGraph()
    weights = [add(graph, f"cell.{name}", f"cell.{name}") for name in "WUb"]
    cells = [add(graph, f"step {i}", f"step {i}", kind="op", state="") for i in range(steps)]
    graph.add_edges_from([(weight, cell, EDGE) for weight in weights for cell in cells])
    graph.add_edges_from([(one, other, EDGE) for one, other in pairwise(cells)])
    return end(graph, cells)


def add(graph, name, label, parent="", kind="module", state="learning"):
    graph.add_node(
        name, kind=kind, label=label, module=label if kind == "module" else "", type="", state=state, parent=parent, count=1,
        members=(), leaks=(), location=None, findings=(),
    )  # fmt: skip
    return name


def end(graph, sources):
    add(graph, "loss", "loss", kind="loss", state="")
    graph.add_edges_from([(source, "loss", EDGE) for source in sources])
    return graph


@pytest.mark.parametrize("make", [transformer, dense, recurrent])
def test_a_large_graph_is_drawn_small(make, any_engine, examples, monkeypatch):
    monkeypatch.setattr(engine, "_SECONDS", 30.0)  # on a busy machine too: that it is quick is measured, not tested
    graph = make()
    svg = picture.svg(replace(examples.nothing(), graph=graph))
    nodes, edges = read(svg)
    assert 3 <= len(nodes) <= 150
    assert len(edges) <= 3 * len(nodes) + 60
    assert len(svg) < 300_000


def test_dense_has_the_size_that_makes_engines_hang():
    graph = dense()
    assert len(graph) == 201
    assert graph.number_of_edges() == 3791


@pytest.mark.parametrize("make", [lambda: transformer(3), lambda: dense(30, 60), lambda: recurrent(20)])
def test_in_the_layout_of_our_own_boxes_do_not_overlap_and_lines_pass_between_them(make):
    shown = view(make(), opened=None)
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
