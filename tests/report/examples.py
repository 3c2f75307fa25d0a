"""Diagnoses made by hand for the tests of every format: the story in its variants, two losses, hostile names, size. And graphs that make layout engines hang."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import networkx as nx

from gradcheck_freeze.rules.contract import Ignore
from gradcheck_freeze.rules.diagnosis import (
    Diagnosis,
    Excerpt,
    LossRecord,
    OptimizerMembership,
    OptimizerRecord,
    ParameterRecord,
    ScriptRecord,
    Window,
)
from gradcheck_freeze.rules.finding import Finding, Fix, Location, Severity

STORY = """\
encoder = load_encoder("encoder.pt")
generator = Generator()
optimizer = Adam([*encoder.parameters(), *generator.parameters()], lr=1e-4)

for x in loader:
    X = encoder(x)
    Y = generator(X)
    Z = encoder(Y).detach()
    loss = mse_loss(Z, X)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""".splitlines()
HOSTILE = "[red]\x1b[31m\nnet\u202e\t\x00"


def at(line: int, op: str = "", path: str = "train.py", function: str = "<module>", end_line: int = 0) -> Location:
    text = STORY[line - 1].strip() if line <= len(STORY) else ""
    return Location(path, line, max(line, end_line), function, text, op)


def parameter(
    name: str, state: str, *, losses: Iterable[str] = (), optimizer: str = "", **changes: object
) -> ParameterRecord:
    learns = bool(optimizer and losses)
    values: dict[str, object] = {
        "name": name,
        "aliases": (),
        "kind": "parameter",
        "module": name.rpartition(".")[0],
        "shape": (16, 4),
        "dtype": "float32",
        "numel": 64,
        "requires_grad": state != "frozen",
        "optimizers": (OptimizerMembership(optimizer, 0),) if optimizer else (),
        "gradient": "finite" if losses else "none",
        "grad_norm": 0.5 if losses else None,
        "updated": learns,
        "update_ratio": 0.001 if learns else None,
        "losses": tuple(losses),
        "state": state,
        "declared": Location("train.py", 1, 1, "<module>", STORY[0]),
    }
    return ParameterRecord(**{**values, **changes})  # type: ignore[arg-type]


def linear(module: str, state: str, *, losses: Iterable[str] = (), optimizer: str = "") -> list[ParameterRecord]:
    return [
        parameter(f"{module}.weight", state, losses=losses, optimizer=optimizer),
        parameter(f"{module}.bias", state, losses=losses, optimizer=optimizer, shape=(16,), numel=16),
    ]


def diagnosis(records: list[ParameterRecord], *findings: Finding, **changes: object) -> Diagnosis:
    fed = tuple(record.name for record in records if record.losses)
    values: dict[str, object] = {
        "findings": findings,
        "parameters": {record.name: record for record in records},
        "losses": (LossRecord("loss", at(11, "backward"), 3, fed),),
        "optimizers": (
            OptimizerRecord(
                "optimizer",
                "Adam",
                at(3),
                3,
                tuple(record.name for record in records if record.optimizers),
                tuple(record.name for record in records if record.updated),
                ("loss",),
            ),
        ),
        "graph": graph(records, findings),
        "window": Window(57, 3, 3, "every optimizer had made 3 steps"),
        "script": ScriptRecord("train.py", ("--epochs", "1"), 0),
        "excerpts": (Excerpt("train.py", 1, tuple(STORY)),),
        "torch_version": "2.13.0",
    }
    return Diagnosis(**{**values, **changes})  # type: ignore[arg-type]


def graph(records: list[ParameterRecord], findings: tuple[Finding, ...]) -> nx.DiGraph:
    flow = nx.DiGraph()
    marks = tuple(finding.fingerprint for finding in findings)
    states = {record.name.partition(".")[0]: record.state for record in records}
    cut = "BLOCKED" in states.values()
    plain = {"module": "", "state": "", "count": 1, "location": None, "findings": ()}
    flow.add_node("x", **{**plain, "kind": "input", "label": "x"})
    previous = "x"
    for name, state in states.items():
        flow.add_node(
            name, **{**plain, "kind": "module", "label": name, "module": name, "state": state, "findings": marks}
        )
        flow.add_edge(previous, name, gradient=previous != "x", cut=False, location=None, op="", findings=())
        previous = name
    flow.add_node("loss", **{**plain, "kind": "loss", "label": "loss", "location": at(11, "backward")})
    place = at(8, "detach") if cut else None
    flow.add_edge(
        previous, "loss", gradient=not cut, cut=cut, location=place, op="detach" if cut else "", findings=marks
    )
    return flow


def leak() -> Diagnosis:
    """The encoder sits in the optimizer although the contract says it must stay; its BatchNorm drifts as well."""
    records = [
        *linear("encoder.conv.0", "LEAK", losses=["loss"], optimizer="optimizer"),
        *linear("encoder.conv.1", "LEAK", losses=["loss"], optimizer="optimizer"),
        parameter("encoder.norm.running_mean", "LEAK", kind="buffer", requires_grad=False, updated=True),
        parameter("encoder.norm.running_var", "LEAK", kind="buffer", requires_grad=False, updated=True),
        *linear("generator.net.0", "learning", losses=["loss"], optimizer="optimizer"),
        *linear("generator.net.2", "learning", losses=["loss"], optimizer="optimizer"),
    ]
    moved = Finding(
        "GF101", "frozen-updated", "leak", Severity.ERROR, tuple(r.name for r in records[:4]), "encoder",
        "encoder must stay frozen, but optimizer.step() at line 12 moves it (by 0.1 % of its norm).", at(3, "Adam"),
        (at(11, "backward"), at(9, "mse_loss"), at(3, "Adam"), at(1)),
        Fix(
            "Freeze the parameters and let the gradient pass through: encoder.requires_grad_(False).",
            '--- train.py\n+++ train.py\n@@ -1,2 +1,3 @@\n encoder = load_encoder("encoder.pt")\n+encoder.requires_grad_(False)\n generator = Generator()\n',
            True,
        ),
    )  # fmt: skip
    drift = Finding(
        "GF103", "frozen-statistics-drift", "leak", Severity.WARNING, tuple(r.name for r in records[4:6]), "encoder.norm",
        "encoder.norm belongs to a frozen module, but every forward in train mode rewrites its statistics.", at(6, "encoder"),
        (at(6, "encoder"),), Fix("Call encoder.eval() after every model.train()."),
    )  # fmt: skip
    return diagnosis(records, moved, drift)


def blocked() -> Diagnosis:
    """Z is detached, so the generator gets nothing."""
    records = [
        *linear("encoder.0", "frozen"),
        *linear("generator.0", "BLOCKED", optimizer="optimizer"),
        *linear("generator.2", "BLOCKED", optimizer="optimizer"),
        parameter("scale", "learning", losses=["loss"], optimizer="optimizer", shape=(), numel=1, kind="tensor"),
    ]
    cut = Finding(
        "GF201", "detached-path", "blockage", Severity.ERROR, tuple(r.name for r in records[2:6]), "generator",
        "generator gets no gradient from loss: the only way to it is cut by detach().", at(8, "detach"),
        (at(11, "backward"), at(9, "mse_loss"), at(8, "detach"), at(7, "generator"), at(2)),
        Fix("Drop detach() here; to keep the encoder fixed, freeze its parameters and let the gradient pass through it."),
    )  # fmt: skip
    return diagnosis(records, cut, gaps=("the call of a compiled function at model.py:4",))


def clean() -> Diagnosis:
    """The right program: the encoder is frozen and the gradient passes through it."""
    records = [
        *linear("encoder.0", "frozen"),
        *linear("generator.0", "learning", losses=["loss"], optimizer="optimizer"),
        *linear("generator.2", "learning", losses=["loss"], optimizer="optimizer"),
        parameter("generator.spare", "idle"),
    ]
    return diagnosis(records)


def gan() -> Diagnosis:
    """Two losses, two optimizers; the generator's loss also fills the discriminator's gradients, which are thrown away."""
    generator = [
        r for i in range(6) for r in linear(f"netG.main.{i}", "learning", losses=["loss_g"], optimizer="opt_g")
    ]
    discriminator = [
        r for i in range(5) for r in linear(f"netD.{i}", "learning", losses=["loss_d", "loss_g"], optimizer="opt_d")
    ]
    g, d = tuple(r.name for r in generator), tuple(r.name for r in discriminator)
    waste = Finding(
        "GF301", "gradient-thrown-away", "waste", Severity.NOTE, d, "netD",
        "netD gets a gradient from loss_g that no step ever applies.", at(11, "backward"), (), None,
    )  # fmt: skip
    return diagnosis(
        [*generator, *discriminator],
        waste,
        losses=(LossRecord("loss_d", at(9), 3, d), LossRecord("loss_g", at(11), 3, (*d, *g))),
        optimizers=(
            OptimizerRecord("opt_d", "Adam", at(3), 3, d, d, ("loss_d",)),
            OptimizerRecord("opt_g", "Adam", at(3), 3, g, g, ("loss_g",)),
        ),
    )


def hostile() -> Diagnosis:
    """Names, paths and source lines full of markup, escapes and control characters, a lone surrogate, numbers that are none."""
    record = parameter(
        f"{HOSTILE}.weight",
        "BLOCKED",
        losses=[HOSTILE],
        optimizer=HOSTILE,
        grad_norm=float("nan"),
        update_ratio=float("inf"),
    )
    place = Location(f"{HOSTILE}.py", 2, 3, HOSTILE, f"x = {HOSTILE}.detach()", "detach")
    finding = Finding(
        "GF201", "detached-path", "blockage", Severity.ERROR, (record.name,), record.name,
        f"{HOSTILE} is cut by [link=file:///etc/passwd]detach()[/link].", place, (place, at(5), place),
        Fix(f"Drop {HOSTILE}", f"-{HOSTILE}\n+[/]\x1b]0;title\x07"),
    )  # fmt: skip
    return diagnosis(
        [record],
        finding,
        losses=(LossRecord(HOSTILE, place, 1, (record.name,)),),
        excerpts=(
            Excerpt(place.path, 1, ("\tif 網絡:", f"\t\tx = [bold]{HOSTILE}網.detach()", "\t\t\x9b2J\x85\u2028\ud800")),
        ),
        gaps=(f"[blink]{HOSTILE}",),
        script=ScriptRecord(HOSTILE, (HOSTILE, "\udc80"), 1),
    )


def infected(name: str, line: str, path: str, words: str, number: int = 8) -> Diagnosis:
    """The blocked story with texts of others in every field that can hold one."""
    story = blocked()
    place = Location(path, number, number + 1, name, line, words)
    finding = replace(
        story.findings[0], parameters=(name, words), where=name, message=words, cause=place, trail=(place, at(3), place, at(9, words, path)),
        fix=Fix(words, line, False),
    )  # fmt: skip
    other = replace(finding, severity=Severity.WARNING, rule=words, name=name, message=f"{line}\n{words}", trail=())
    note = replace(
        finding, severity=Severity.NOTE, kind="hazard", where=words, message=name, cause=None, fix=None, trail=()
    )
    records = [
        parameter(name, "BLOCKED", losses=[words], optimizer=name),
        parameter(words, "LEAK", losses=[name], optimizer=words),
    ]
    flow = graph(records, (finding,))
    flow.add_node(words, kind="module", label=name, module=words, state="LEAK", count=2, location=place, findings=())
    flow.add_edge("x", words, gradient=False, cut=True, location=place, op=words, findings=())
    return replace(
        story,
        findings=(finding, other, note),
        parameters={record.name: record for record in records},
        graph=flow,
        gaps=(words, line),
        script=ScriptRecord(path, (name, line), 3),
        window=replace(story.window, closed=words),
        excerpts=(Excerpt(path, number - 1, (line, line, words, name)),),
        losses=(LossRecord(words, place, 1, (name,)), LossRecord(name, place, 1, (words,))),
        optimizers=(OptimizerRecord(name, words, place, 1, (name,), (name,), (words,)),),
        ignored=(replace(finding, ignored=words),),
        unneeded=(Ignore(words, name, line),),
        torch_version=words,
    )


def large() -> Diagnosis:
    """A thousand modules under names without a pattern, in every state, and a finding for each that is at fault."""
    states = ("learning", "frozen", "LEAK", "BLOCKED", "idle")
    letters = str.maketrans("0123456789", "abcdefghij")
    records = [r for i in range(1000) for r in linear(f"model.{i:03}".translate(letters), states[i % 5])]
    findings = [
        Finding("GF101", "frozen-updated", "leak", Severity.ERROR, (r.name,), r.name, f"{r.name} moves.", at(3))
        for r in records
        if r.state == "LEAK"
    ] + [
        Finding("GF201", "detached-path", "blockage", Severity.WARNING, (r.name,), r.name, f"{r.name} is cut.", at(8))
        for r in records
        if r.state == "BLOCKED"
    ]
    return diagnosis(records, *findings, gaps=tuple(f"gap {i}" for i in range(100)))


def lora() -> Diagnosis:
    """Forty layers that all mix frozen weights with two small learning ones: numbered siblings share a row."""
    records = [
        record
        for i in range(40)
        for record in (
            parameter(f"model.layers.{i}.attn.weight", "frozen", shape=(512, 512), numel=262_144),
            parameter(f"model.layers.{i}.attn.lora_A", "learning", losses=["loss"], optimizer="optimizer"),
            parameter(
                f"model.layers.{i}.attn.lora_B",
                "LEAK" if i == 7 else "learning",
                losses=["loss"],
                optimizer="optimizer",
            ),
        )
    ]
    moved = Finding(
        "GF101", "frozen-updated", "leak", Severity.ERROR, ("model.layers.7.attn.lora_B",), "model.layers.7.attn.lora_B",
        "model.layers.7.attn.lora_B must stay frozen, but optimizer.step() moves it.", at(3, "Adam", "src/" + "deep/" * 12 + "train.py"),
        tuple(at(line) for line in range(12, 0, -1)),
    )  # fmt: skip
    return diagnosis(records, moved)


def nothing() -> Diagnosis:
    """A run in which nothing was seen."""
    return diagnosis(
        [], losses=(), optimizers=(), window=Window(0, 0, 0, "the program ended"), script=None, excerpts=()
    )


def trained_transformer(layers: int) -> Diagnosis:
    """A transformer whose calls are nested, every parameter with numbers of its own; the attention of layer 1 is cut off."""
    flow = nx.DiGraph()
    records = [parameter("model.embed.weight", "learning", losses=["loss"], optimizer="optimizer")]
    cut = Finding(
        "GF201", "detached-path", "blockage", Severity.ERROR,
        tuple(f"model.layers.1.{part}.{name}" for part in ("norm1", *(f"attention.{p}" for p in "qkvo")) for name in ("bias", "weight")),
        "model.layers.1", "model.layers.1 gets no gradient from loss: the only way to it is cut by detach().", at(8, "detach"),
        (at(11, "backward"), at(8, "detach"), at(2)),
    )  # fmt: skip

    def call(name: str, parent: str | None, blocked: bool = False) -> str:
        flow.add_node(
            f"call:{name}:1", kind="module", label=name, module=name, state="BLOCKED" if blocked else "learning", count=1,
            location=at(6), findings=(cut.fingerprint,) if blocked else (), parent=parent,
        )  # fmt: skip
        return f"call:{name}:1"

    def feed(source: str, target: str, severed: bool = False) -> None:
        flow.add_edge(
            source, target, gradient=not severed, cut=severed, op="detach" if severed else "",
            location=at(8) if severed else None, findings=(cut.fingerprint,) if severed else (),
        )  # fmt: skip

    model = call("model", None)
    before = call("model.embed", model)
    for i in range(layers):
        name, blocked = f"model.layers.{i}", i == 1
        layer = call(name, model, blocked)
        attention, norm1 = call(f"{name}.attention", layer, blocked), call(f"{name}.norm1", layer, blocked)
        q, k, v, o = (call(f"{name}.attention.{part}", attention, blocked) for part in "qkvo")
        norm2, mlp = call(f"{name}.norm2", layer), call(f"{name}.mlp", layer)
        up, act, down = (call(f"{name}.mlp.{part}", mlp) for part in ("up", "act", "down"))
        feed(before, norm1)
        for part in (q, k, v):
            feed(norm1, part)
            feed(part, o)
        feed(o, norm2, blocked)
        feed(before, norm2)
        for source, target in ((norm2, up), (up, act), (act, down)):
            feed(source, target)
        before = down
        for part in ("norm1", "norm2", *(f"attention.{p}" for p in "qkvo"), "mlp.up", "mlp.down"):
            fed = () if blocked and part.startswith(("norm1", "attention")) else ("loss",)
            numbers = {"grad_norm": 0.1 + i * 37 % 997 / 1234, "update_ratio": 1e-3 + i * 31 % 997 / 1e6} if fed else {}
            records += [
                parameter(
                    f"{name}.{part}.{last}",
                    "learning" if fed else "BLOCKED",
                    losses=fed,
                    optimizer="optimizer",
                    **numbers,
                )
                for last in ("weight", "bias")
            ]
    flow.add_node("loss:0", kind="loss", label="loss", module="", state="", count=1, location=at(11), findings=())
    feed(before, "loss:0")
    return diagnosis(records, cut, graph=flow)


_EDGE = {"gradient": True, "cut": False, "location": None, "op": "", "findings": (), "losses": ("loss",)}


def transformer(layers: int = 1000) -> nx.DiGraph:
    """Return a stack of blocks, none of them rolled: each with a norm, attention and a residual, all in one model."""
    graph = nx.DiGraph()
    _add(graph, "model", "model")
    last = _add(graph, "model.embed", "model.embed", "model")
    for i in range(layers):
        block = _add(graph, f"model.layers.{i}", f"model.layers.{i}", "model", state="LEAK" if i == 700 else "learning")
        inner = [
            _add(graph, f"{block}.{name}", f"{block}.{name}", block)
            for name in ("norm", "q", "k", "v", "out", "up", "down")
        ]
        graph.nodes[inner[1]]["state"] = graph.nodes[block]["state"]
        join = _add(graph, f"{block}.add", "add", block, kind="op")
        for source, target in [
            (last, inner[0]),
            *((inner[0], n) for n in inner[1:4]),
            *((n, inner[4]) for n in inner[1:4]),
        ]:
            graph.add_edge(source, target, **_EDGE)
        for source, target in [(inner[4], inner[5]), (inner[5], inner[6]), (inner[6], join), (last, join)]:
            graph.add_edge(source, target, **_EDGE)
        last = join
    return _end(graph, [last])


def dense(nodes: int = 200, edges: int = 3790) -> nx.DiGraph:
    """Return a graph in which each node reads the nodes before it, as far as there are edges."""
    graph = nx.DiGraph()
    names = [_add(graph, f"dense.{i:03}", f"dense.{i:03}") for i in range(nodes)]
    reach = next(r for r in range(nodes) if sum(min(i, r) for i in range(nodes)) >= edges)
    pairs = [(j, i) for i in range(nodes) for j in range(i - 1, max(-1, i - 1 - reach), -1)]
    graph.add_edges_from([(names[j], names[i], _EDGE) for j, i in pairs[:edges]])
    return _end(graph, names[-1:])


def unlike(nodes: int = 200, edges: int = 3790) -> nx.DiGraph:
    """Return a graph as dense in which no neighbour is like another, so that nothing is rolled."""
    letters = str.maketrans("0123456789", "abcdefghij")
    graph = nx.relabel_nodes(dense(nodes, edges), lambda name: name.translate(letters))
    for node, attributes in graph.nodes(data=True):
        attributes["label"] = attributes["module"] = node
    return graph


def recurrent(steps: int = 2000) -> nx.DiGraph:
    """Return an unrolled network whose weights are read by every step and whose steps all feed the loss."""
    graph = nx.DiGraph()
    weights = [_add(graph, f"cell.{name}", f"cell.{name}") for name in "WUb"]
    cells = [_add(graph, f"step {i}", f"step {i}", kind="op", state="") for i in range(steps)]
    graph.add_edges_from([(weight, cell, _EDGE) for weight in weights for cell in cells])
    graph.add_edges_from([(one, other, _EDGE) for one, other in pairwise(cells)])
    return _end(graph, cells)


def _add(
    graph: nx.DiGraph, name: str, label: str, parent: str = "", kind: str = "module", state: str = "learning"
) -> str:
    graph.add_node(
        name, kind=kind, label=label, module=label if kind == "module" else "", type="", state=state, parent=parent, count=1,
        members=(), leaks=(), location=None, findings=(),
    )  # fmt: skip
    return name


def _end(graph: nx.DiGraph, sources: Iterable[str]) -> nx.DiGraph:
    _add(graph, "loss", "loss", kind="loss", state="")
    graph.add_edges_from([(source, "loss", _EDGE) for source in sources])
    return graph


STORIES = {make.__name__: make for make in (leak, blocked, clean, gan, hostile, large, lora, nothing)}
