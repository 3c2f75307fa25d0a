"""The graph of a diagnosis is the program as its author thinks of it: calls in calls, repetitions rolled, cuts at their line."""

import torch
from torch import nn
from torch.nn.functional import mse_loss

from gradcheck_freeze import diagnose, watch
from gradcheck_freeze.report.flows import flow_of
from gradcheck_freeze.report.view import view


def labels(graph: object) -> list[str]:
    return sorted(attributes["label"] for _, attributes in graph.nodes(data=True))


def between(graph: object, source: str, target: str) -> dict[str, object]:
    """Return the edge between the nodes of these labels."""
    ends = {attributes["label"]: node for node, attributes in graph.nodes(data=True)}
    return graph.edges[ends[source], ends[target]]


class Net(nn.Module):
    def __init__(self, depth: int) -> None:
        super().__init__()
        self.stem = nn.Linear(4, 4)
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for layer in self.layers:
            x = x + layer(x)
        return x


def test_a_call_is_a_node_inside_the_call_around_it() -> None:
    net = Net(1)
    graph = diagnose(net, lambda: net(torch.ones(2, 4)).sum()).graph
    parents = {a["label"]: graph.nodes[a["parent"]]["label"] if a["parent"] else "" for _, a in graph.nodes(data=True)}
    assert parents["model.layers.0.0"] == "model.layers.0"
    assert parents["model.stem"] == parents["model.layers.0"] == parents["add"] == "model"
    assert all(
        not graph.degree(node) for node, a in graph.nodes(data=True) if a["label"] in ("model", "model.layers.0")
    )


def test_two_calls_of_one_module_are_two_nodes() -> None:
    encoder, generator = nn.Linear(3, 2), nn.Linear(2, 3)

    def loss() -> torch.Tensor:
        X = encoder(torch.ones(2, 3))
        return mse_loss(encoder(generator(X)), X)

    graph = diagnose({"encoder": encoder, "generator": generator}, loss).graph
    assert {"encoder", "encoder (call 2)", "generator"} <= set(labels(graph))
    assert between(graph, "generator", "encoder (call 2)")["losses"] == ("loss",)


def test_repeated_blocks_stand_once_with_their_number() -> None:
    net = Net(12)
    graph = diagnose(net, lambda: net(torch.ones(2, 4)).sum()).graph
    layer = next(a for _, a in graph.nodes(data=True) if a["label"] == "model.layers.0")
    assert layer["count"] == 12
    assert layer["members"] == tuple(f"model.layers.{i}" for i in range(12))
    assert "layers.{0-11} ×12" in {a["short"] for _, a in view(graph).nodes(data=True)}


def test_a_block_with_a_verdict_of_its_own_is_not_rolled_with_the_others() -> None:
    net = Net(12)
    net.layers[5].requires_grad_(False)
    graph = diagnose(net, lambda: net(torch.ones(2, 4)).sum()).graph
    shown = {a["short"]: a["state"] for _, a in view(graph).nodes(data=True) if "layers" in a["short"]}
    assert shown == {"layers.{0-4} ×5": "learning", "layers.5": "frozen", "layers.{6-11} ×6": "learning"}


def test_a_thousand_turns_of_a_loop_are_a_few_nodes() -> None:
    W, U = (nn.Parameter(torch.eye(3)) for _ in "WU")

    def loss() -> torch.Tensor:
        h, total = torch.zeros(2, 3), torch.zeros(())
        for x in torch.ones(1000, 2, 3):
            h = torch.tanh(x @ W + h @ U)
            total = total + h.square().mean()
        return total

    net = nn.ParameterDict({"W": W, "U": U})
    assert len(diagnose(net, loss).graph) < 10


def test_a_cut_is_on_the_edge_where_the_gradient_is_lost_with_its_line_and_finding() -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)

    def loss() -> torch.Tensor:
        h = first(torch.ones(2, 3))
        h = h.detach()
        return second(h).sum()

    diagnosis = diagnose({"first": first, "second": second}, loss)
    edge = between(diagnosis.graph, "first", "second")
    assert (edge["cut"], edge["op"], edge["gradient"]) == (True, "detach", False)
    assert edge["location"].text == "h = h.detach()"
    assert edge["findings"] == (diagnosis.findings[0].fingerprint,)


def test_a_cut_inside_a_call_is_on_the_edge_that_leads_there() -> None:
    first, second, third = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)
    second.requires_grad_(False)

    def loss() -> torch.Tensor:
        h = first(torch.ones(2, 3))
        with torch.no_grad():
            h = second(h)
        return third(h).sum()

    graph = diagnose({"first": first, "second": second, "third": third}, loss).graph
    assert between(graph, "first", "second")["op"] == "no_grad"
    assert between(graph, "first", "second")["location"].text == "with torch.no_grad():"
    assert not between(graph, "second", "third")["cut"]


def test_a_straight_through_estimator_shows_the_gradient_that_passes() -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)

    def loss() -> torch.Tensor:
        h = first(torch.ones(2, 3))
        h = h + (h.round() - h).detach()
        return second(h).sum()

    graph = diagnose({"first": first, "second": second}, loss).graph
    assert between(graph, "first", "second")["gradient"]
    assert not between(graph, "first", "second")["cut"]


def test_a_module_that_no_loss_depends_on_is_drawn_if_a_finding_speaks_of_it() -> None:
    used, dropped = nn.Linear(3, 3), nn.Linear(3, 3)
    optimizer = torch.optim.SGD([*used.parameters(), *dropped.parameters()], lr=0.1)

    def loss() -> torch.Tensor:
        h = used(torch.ones(2, 3))
        dropped(h)
        return h.sum()

    diagnosis = diagnose({"used": used, "dropped": dropped}, loss, optimizer)
    assert any("dropped" in finding.where for finding in diagnosis.findings)
    assert between(diagnosis.graph, "used", "dropped")["gradient"] is False


def test_only_the_gradient_of_the_loss_to_blame_is_a_leak() -> None:
    actor, critic = nn.Linear(3, 3), nn.Linear(3, 1)
    optimizer = torch.optim.SGD([*actor.parameters(), *critic.parameters()], lr=0.1)
    with watch({"actor": actor, "critic": critic}, optimizer, frozen=["critic@policy"]) as flow:
        for _ in range(3):
            optimizer.zero_grad()
            value = critic(torch.ones(2, 3)).sum()
            value.backward()
            policy = critic(actor(torch.ones(2, 3))).sum()
            policy.backward()
            optimizer.step()
    graph = flow.diagnosis.graph
    assert {a["label"]: a["leaks"] for _, a in graph.nodes(data=True) if a["leaks"]} == {
        "critic": ("policy",),
        "critic (call 2)": ("policy",),
    }
    shown = view(graph)
    flows = {tuple(shown.edges[edge]["losses"]): flow_of(shown, *edge) for edge in shown.edges if "critic" in edge[0]}
    assert flows == {("value",): "gradient", ("policy",): "leak"}


def test_the_picture_of_a_leak_shows_its_way_in() -> None:
    encoder, head = nn.Linear(3, 3), nn.Linear(3, 1)
    optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.1)
    diagnosis = diagnose(
        {"encoder": encoder, "head": head}, lambda: head(encoder(torch.ones(2, 3))).sum(), optimizer, frozen=["encoder"]
    )
    shown = view(diagnosis.graph)
    flows = {flow_of(shown, source, target) for source, target in shown.edges if "encoder" in source}
    assert flows == {"leak"}


def test_a_result_made_anew_as_a_parameter_is_cut_off_from_what_made_it() -> None:
    network, target = nn.Linear(2, 6), nn.Linear(3, 3)

    def loss() -> torch.Tensor:
        weight = nn.Parameter(network(torch.ones(2)).view(2, 3))
        return torch.nn.functional.linear(target(torch.ones(4, 3)), weight).sum()

    graph = diagnose({"network": network, "target": target}, loss).graph
    (edge,) = [edge for source, _, edge in graph.edges(data=True) if graph.nodes[source]["label"] == "network"]
    assert (edge["gradient"], edge["cut"]) == (False, True)
    assert between(graph, "target", "loss")["gradient"]
    assert network.weight.grad is None


def test_what_one_line_computes_before_and_after_a_call_does_not_flow_through_each_other() -> None:
    critic, actor = nn.Linear(2, 1), nn.Linear(2, 2)

    def loss() -> torch.Tensor:
        return critic(torch.ones(2)).mean() - critic(actor(torch.ones(2)).detach()).mean()

    graph = diagnose({"critic": critic, "actor": actor}, loss).graph
    label = graph.nodes(data="label")
    flows = {(label[source], label[target]) for source, target in graph.edges if label[source] != "input"}
    assert flows == {("critic", "loss"), ("actor", "critic (call 2)"), ("critic (call 2)", "loss")}
