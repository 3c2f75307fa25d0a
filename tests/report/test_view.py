"""A view opens what a finding needs, folds the rest, and is small enough to be read."""

import networkx as nx
import pytest

from gradcheck_freeze.report import json as report
from gradcheck_freeze.report.flows import flow_of
from gradcheck_freeze.report.reading import parse
from gradcheck_freeze.report.view import boxes, view
from gradcheck_freeze.rules.finding import Location


def node(kind="module", label="", state="", parent="", **more):
    return {
        "kind": kind, "label": label, "module": label if kind == "module" else "", "type": "", "state": state, "parent": parent,
        "count": 1, "members": (), "leaks": (), "location": None, "findings": (), **more,
    }  # fmt: skip


def edge(gradient=True, found=(), cut=False, **more):
    return {"gradient": gradient, "cut": cut, "findings": found, "op": "", "location": None, "losses": (), **more}


def model(cut=False, **states):
    """Return `x → enc(a → b) → head → loss`; the gradient may be cut between a and b."""
    graph = nx.DiGraph()
    graph.add_node("x", **node("input", "input"))
    worst = next((s for s in ("LEAK", "BLOCKED") if s in states.values()), "learning")
    found = ("f" * 16,) if worst != "learning" else ()
    graph.add_node("enc", **node(label="enc", state=worst, findings=found))
    for name in "ab":
        state = states.get(name, "learning")
        graph.add_node(
            name, **node(label=f"enc.{name}", state=state, parent="enc", findings=found if state == worst else ())
        )
    graph.add_node("head", **node(label="head", state="learning"))
    graph.add_node("loss", **node("loss", "loss"))
    at = Location("m.py", 3, 3, "f", "h.detach()")
    between = edge(False, found, True, op="detach", location=at) if cut else edge()
    graph.add_edges_from(
        [("x", "a", edge(False)), ("a", "b", between), ("b", "head", edge()), ("head", "loss", edge())]
    )
    return graph


def test_a_module_without_a_finding_stays_folded():
    shown = view(model())
    assert set(shown) == {"x", "enc", "head", "loss"}
    assert list(shown.edges) == [("enc", "head"), ("head", "loss"), ("x", "enc")]
    assert shown.nodes["enc"]["holds"] == 2


def test_a_module_that_is_at_fault_as_a_whole_stays_folded():
    assert "a" not in view(model(a="LEAK", b="LEAK"))


def test_a_module_of_which_a_part_leaks_is_opened():
    shown = view(model(a="LEAK", b="frozen"))
    assert shown.nodes["enc"]["open"]
    assert shown.nodes["a"]["short"] == "a"  # the frame says the rest
    assert shown.degree("enc") == 0


def test_a_module_inside_which_the_gradient_is_cut_is_opened():
    shown = view(model(cut=True, a="BLOCKED", b="BLOCKED"))
    assert flow_of(shown, "a", "b") == "cut"


def test_any_group_is_opened_and_folded_from_a_saved_report(examples):
    diagnosis = examples.diagnosis([])
    diagnosis.graph.clear()
    diagnosis.graph.update(model())
    graph = parse(report.render(diagnosis), "x.json").graph
    assert "a" in view(graph, opened=["enc"])
    assert "a" not in view(graph, opened=[])


def test_a_wrapper_around_everything_is_opened():
    graph = model()
    graph.add_node("net", **node(label="net", state="learning"))
    for name in ("enc", "head"):
        graph.nodes[name]["parent"] = "net"
    assert set(view(graph)) == {"x", "net", "enc", "head", "loss"}


@pytest.mark.parametrize("parents", [{"enc": "enc"}, {"enc": "a"}, {"enc": "nowhere", "a": "b", "b": "a"}])
def test_a_tree_that_is_none_is_shown_nevertheless(parents):
    graph = model(a="LEAK")
    for name, parent in parents.items():
        graph.nodes[name]["parent"] = parent
    for opened in (None, [], list(graph)):
        assert boxes(view(graph, opened=opened)) >= 3


def test_a_gradient_beside_a_harmless_cut_is_what_a_folded_edge_shows():
    graph = model()
    graph.add_edge("a", "head", **edge(False, (), True))
    assert flow_of(view(graph), "enc", "head") == "gradient"


def test_a_leak_is_told_from_a_gradient_of_a_loss_that_may():
    graph = model(a="LEAK", b="LEAK")
    graph.nodes["enc"]["leaks"] = ("bad",)
    graph.edges["b", "head"]["losses"] = ("good",)
    assert flow_of(view(graph), "enc", "head") == "gradient"
    graph.edges["b", "head"]["losses"] = ("bad", "good")
    assert flow_of(view(graph), "enc", "head") == "leak"


def test_every_story_is_shown_in_few_boxes(story):
    for most in (150, 40, 5, 1):
        shown = view(story.graph, most)
        assert boxes(shown) <= most
        assert shown.number_of_edges() <= max(3 * most, 66)
        assert nx.utils.graphs_equal(shown, view(story.graph, most))
