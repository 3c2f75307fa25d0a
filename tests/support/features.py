"""What torch offers beyond plain modules, each with a program that uses it: what of it is traced, and what is a gap.

Most programs are one training of `encoder → the feature → head → critic`, with a fault on each side of the feature: the encoder
is cut off, and the critic, which must stay frozen, is taught. `# right:` after a line is the line of the correct twin.
This file is read by `docs/generate.py` and holds no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

_TRAINING = """\
# options: --frozen critic {options}
# expect: leak critic.*
# expect: blockage encoder.*
{expect}
import torch
import torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
{setup}
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    {use}
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
"""


@dataclass(frozen=True)
class Feature:
    """One feature, its program, and what must hold of it.

    level: "traced": a fault behind or inside the feature is found with its line and the twin is silent. "gap": the report says
    by name what was not seen (`gap` is a part of that sentence); whatever else it says is right.
    """

    name: str
    group: str
    level: str
    known: str  # a sentence for the reader: what is told, or what is still known
    program: str
    gap: str = ""  # a part of the sentence under "not seen"; a traced feature may have one, too
    same: bool = True  # the program ends as without the tool; False only where the report itself says that it may not


def _training(use: str, setup: str = "", expect: str = "", options: str = "", held: str = "") -> str:
    """Return the training around a feature: `setup` makes it, `use` computes `hidden` from `signal`; `held` is trained, too."""
    if "\ninner" in setup or setup.startswith("inner"):
        held += ", *inner.parameters()"
    return _TRAINING.replace("*critic.parameters()]", f"*critic.parameters(){held}]").format(setup=setup.strip("\n"), use=use.strip("\n ").replace("\n", "\n    "), expect=expect, options=options)


_INSIDE = "# expect: blockage inner.*"
_CUT_INSIDE = "x = {call}.detach()  # <- blame 3  # right: x = {call}"
_SET_ASIDE = "torch.compile was set aside"

_COMPILE = [
    Feature(
        "torch.compile of a module", "Compilation", "traced",
        "Every op, since compiled code runs eagerly while the window is open; a line inside is named.",
        _training("hidden = compiled(signal)", """
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(8, 8), nn.Linear(8, 8)
    def forward(self, x):
        x = self.inner(x).detach()  # <- blame 3  # right: x = self.inner(x)
        return self.outer(x)
middle = Block()
compiled = torch.compile(middle, backend="aot_eager")
""", "# expect: blockage middle.inner.*"), _SET_ASIDE,
    ),
    Feature(
        "torch.compile of a function, fullgraph=True", "Compilation", "traced",
        "Every op; a function that must compile whole is not compiled, so it cannot fail on the recorder.",
        _training("hidden = block(signal)", """
inner = nn.Linear(8, 8)
@torch.compile(fullgraph=True, backend="aot_eager")
def block(x):
    x = inner(x).detach()  # <- blame 3  # right: x = inner(x)
    return middle(x)
""", "# expect: blockage inner.*"), _SET_ASIDE,
    ),
    Feature(
        "module.compile()", "Compilation", "traced", "Every op, as with torch.compile.",
        _training("hidden = middle(signal)", 'middle.compile(backend="aot_eager")'), _SET_ASIDE,
    ),
    Feature(
        'torch.compile(mode="reduce-overhead")', "Compilation", "traced", "Every op, as with torch.compile; CUDA graphs are not tested.",
        _training("hidden = compiled(signal)", 'compiled = torch.compile(middle, mode="reduce-overhead", dynamic=False)'), _SET_ASIDE,
        same=False,
    ),
    Feature(
        "compiled optimizer step", "Compilation", "traced", "The step, run eagerly, as any other.",
        _training("hidden = middle(signal)").replace("opt.step()", "stepping()").replace(
            "for step in", 'stepping = torch.compile(opt.step, backend="aot_eager")\nfor step in'), _SET_ASIDE,
    ),
    Feature(
        "whole step compiled as one function", "Compilation", "traced", "Every op, the backward and the step, run eagerly.",
        """\
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, head, critic = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(1, 1)
held = [*encoder.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
@torch.compile(backend="aot_eager")
def train(x):
    opt.zero_grad()
    hidden = encoder(x).detach()  # <- blame 2  # right: hidden = encoder(x)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    loss.backward()
    opt.step()
    return loss
for _ in range(3):
    print(train(torch.randn(16, 4)).item())
""", _SET_ASIDE,
    ),
    Feature(
        "compiled autograd", "Compilation", "traced", "The backward, run eagerly, as any other.",
        _training("hidden = middle(signal)").replace("loss.backward()", "back(loss)").replace("for step in", """\
@torch.compile(backend="aot_eager")
def back(loss):
    loss.backward()
torch._dynamo.config.compiled_autograd = True
for step in"""), _SET_ASIDE,
    ),
    Feature(
        "torch.compile with --compile=opaque", "Compilation", "gap",
        "The compiled region as one op from its inputs and its module's parameters to its outputs; numbers and random numbers are those "
        "of the compiled code, to the bit. Gradients and updates inside it are the engine's own word.",
        _training("hidden = compiled(signal)", """
middle = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 8))
compiled = torch.compile(middle, backend="aot_eager")
""", options="--compile=opaque"), "was watched from outside",
    ),
    Feature(
        "compiled function with --compile=opaque", "Compilation", "gap",
        "The same; the parameters are those of the modules that the function takes from around it.",
        _training("hidden = block(signal)", """
@torch.compile(fullgraph=True, backend="aot_eager")
def block(x):
    return F.dropout(middle(x), 0.5)
""", options="--compile=opaque"), "was watched from outside",
    ),
    Feature(
        "cut inside a compiled region, --compile=opaque", "Compilation", "gap",
        "That a parameter inside gets no gradient, without the line.",
        _training("hidden = compiled(signal)", """
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(8, 8), nn.Linear(8, 8)
    def forward(self, x):
        x = self.inner(x).detach()  # right: x = self.inner(x)
        return self.outer(x)
middle = Block()
compiled = torch.compile(middle, backend="aot_eager")
""", "# expect: blockage middle.inner.*", options="--compile=opaque"), "was watched from outside",
    ),
    Feature(
        "whole step compiled with --compile=opaque", "Compilation", "gap",
        "Which parameters the region gave gradient and moved; not by which loss.",
        """\
# options: --frozen critic --compile=opaque
# expect: leak critic.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, head, critic = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(1, 1)
held = [*encoder.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
@torch.compile(backend="aot_eager")
def train(x):
    opt.zero_grad()
    loss = critic(head(encoder(x)).tanh()).pow(2).mean()
    loss.backward()
    opt.step()
    return loss
for _ in range(3):
    print(train(torch.randn(16, 4)).item())
""", "was watched from outside",
    ),
    Feature(
        "AOT autograd: aot_module, aot_function", "Compilation", "gap",
        "The compiled function as one op from its inputs and parameters; gradients and updates are the engine's own word.",
        _training("hidden = block(compiled(signal), middle.weight, middle.bias)", """
from torch._functorch.aot_autograd import aot_function, aot_module
first = nn.Linear(8, 8)
compiled = aot_module(first, fw_compiler=lambda graph, inputs: graph)
block = aot_function(F.linear, fw_compiler=lambda graph, inputs: graph)
""").replace("*middle.parameters()", "*first.parameters(), *middle.parameters()"), "AOT autograd",
    ),
    Feature(
        "torch.export-ed module, trained", "Compilation", "traced", "Every op of the exported program.",
        _training("hidden = exported(signal)", """
exported = torch.export.export(middle, (torch.randn(16, 8),)).module()
middle = exported
"""),
    ),
    Feature(
        "torch.fx.symbolic_trace", "Compilation", "traced", "Every op of the traced graph.",
        _training("hidden = middle(signal)", "middle = torch.fx.symbolic_trace(nn.Sequential(nn.Linear(8, 8), nn.ReLU()))"),
    ),
]

_SCRIPT = [
    Feature(
        "torch.jit.script and trace of modules", "TorchScript", "gap",
        "The call as one op from its inputs and parameters to its outputs; ops inside are not seen.",
        _training("hidden = traced(middle(signal))", """
traced = torch.jit.trace(nn.Linear(8, 8), torch.randn(16, 8))
middle = torch.jit.script(middle)
""").replace("*middle.parameters()", "*traced.parameters(), *middle.parameters()"), "TorchScript",
    ),
    Feature(
        "torch.jit.script and trace of functions", "TorchScript", "gap",
        "The call as one op from its inputs to its outputs.",
        _training("hidden = traced(scripted(signal, middle.weight), middle.bias)", """
@torch.jit.script
def scripted(x, weight):
    return torch.mm(x, weight.t()).relu()
traced = torch.jit.trace(lambda x, bias: (x + bias).tanh(), (torch.randn(16, 8), torch.randn(8)))
"""), "TorchScript",
    ),
    Feature(
        "cut inside TorchScript", "TorchScript", "gap", "That a parameter inside gets no gradient, without the line.",
        _training("hidden = middle(signal)", """
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(8, 8), nn.Linear(8, 8)
    def forward(self, x):
        x = self.inner(x).detach()  # right: x = self.inner(x)
        return self.outer(x)
middle = torch.jit.script(Block())
""", "# expect: blockage middle.inner.*"), "TorchScript",
    ),
]

_RECOMPUTE = [
    Feature(
        "checkpoint, not reentrant", "Checkpointing", "traced", "Every op of the forward; a line inside is named.",
        _training("hidden = checkpoint(block, signal, use_reentrant=False)", """
from torch.utils.checkpoint import checkpoint
inner = nn.Linear(8, 8)
def block(x):
    x = inner(x).detach()  # <- blame 3  # right: x = inner(x)
    return middle(x).relu()
""", _INSIDE),
    ),
    Feature(
        "checkpoint, reentrant", "Checkpointing", "traced",
        "The segment as one op over the ops of its forward; parameters inside get their gradient in a backward of their own.",
        _training("hidden = checkpoint(block, middle(signal), use_reentrant=True)", """
from torch.utils.checkpoint import checkpoint
inner, outer, fixed = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
def block(x):
    with torch.no_grad():
        scale = fixed(x).sigmoid()
    return outer(x) * scale + inner(x).detach()  # <- blame 3  # right: return outer(x) * scale + inner(x)
""", _INSIDE, held=", *outer.parameters()"),
    ),
    Feature(
        "checkpoint_sequential", "Checkpointing", "traced", "As checkpoint, segment by segment.",
        _training("hidden = checkpoint_sequential(middle, 2, signal, use_reentrant=False)", """
from torch.utils.checkpoint import checkpoint_sequential
middle = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU())
"""),
    ),
    Feature(
        "selective checkpoint", "Checkpointing", "traced", "As checkpoint.",
        _training("hidden = checkpoint(middle, signal, use_reentrant=False, context_fn=chosen)", """
from functools import partial
from torch.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts
chosen = partial(create_selective_checkpoint_contexts, [torch.ops.aten.mm.default])
middle = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
"""),
    ),
    Feature(
        "saved_tensors_hooks, save_on_cpu", "Checkpointing", "traced", "Every op; what is packed and unpacked is not part of the data path.",
        _training("""
with torch.autograd.graph.save_on_cpu():
    hidden = middle(signal).relu()
with torch.autograd.graph.saved_tensors_hooks(lambda t: t.numpy(force=True), torch.from_numpy):
    hidden = hidden * hidden
"""),
    ),
]

_PRECISION = [
    Feature(
        "autocast (bfloat16)", "Mixed precision", "traced", "Every op; the casts that autocast makes are part of the op.",
        _training("""
with torch.autocast("cpu", torch.bfloat16):
    hidden = middle(signal)
hidden = hidden.float()
"""),
    ),
    Feature(
        "GradScaler: scaled, unscaled, clipped", "Mixed precision", "traced", "The loss, the step and its gradients.",
        _training("hidden = middle(signal)", 'scaler = torch.amp.GradScaler("cpu", init_scale=256.0)').replace(
            "loss.backward()", "scaler.scale(loss).backward()").replace(
            "    opt.step()", "    scaler.unscale_(opt)\n    nn.utils.clip_grad_norm_(held, 1.0)\n    scaler.step(opt)\n    scaler.update()"),
    ),
    Feature(
        "GradScaler: a skipped step, fused optimizer", "Mixed precision", "traced",
        "That a step was skipped because of a gradient that is not finite; that it moved nothing is told by value.",
        _training("hidden = middle(signal) * (1e38 if step == 0 else 1.0) ** 2", 'scaler = torch.amp.GradScaler("cpu", init_scale=65536.0)')
        .replace("lr=0.1)", "lr=0.1, fused=True)").replace("head(hidden).tanh()", "head(hidden)")
        .replace("loss.backward()", "scaler.scale(loss).backward()").replace("    opt.step()", "    scaler.step(opt)\n    scaler.update()"),
    ),
    Feature(
        "module.to(dtype) after the optimizer was built", "Mixed precision", "traced", "Every op, before and after.",
        _training("hidden = middle(signal.double()).float()", "middle = nn.Linear(8, 8)").replace("for step in", "middle.double()\nfor step in"),
    ),
]

_FUNCTIONS = [
    Feature(
        "custom autograd.Function", "Functions of one's own", "traced", "The Function as one op over what its forward computed.",
        _training("hidden = Scale.apply(middle(signal), middle.bias)", """
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y, (g * x).sum(0)
"""),
    ),
    Feature(
        "custom autograd.Function with setup_context, under vmap", "Functions of one's own", "gap",
        "Alone as any Function; under vmap as part of that one op.",
        _training("hidden = torch.vmap(Square.apply)(Square.apply(middle(signal)))", """
class Square(torch.autograd.Function):
    generate_vmap_rule = True
    @staticmethod
    def forward(x):
        return x * x
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
    @staticmethod
    def backward(ctx, g):
        return 2 * g * ctx.saved_tensors[0]
"""), "torch.func.vmap",
    ),
    Feature(
        "custom autograd.Function that drops a gradient", "Functions of one's own", "traced", "Which parameter its backward leaves without gradient.",
        _training("hidden = Mixed.apply(middle(signal), inner(signal))", """
inner = nn.Linear(8, 8)
class Mixed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return x + y
    @staticmethod
    def backward(ctx, g):
        return g, None  # <- blame 3  # right: return g, g
""", _INSIDE),
    ),
    Feature(
        "torch.library.custom_op with register_autograd", "Functions of one's own", "traced", "The op as one op.",
        _training("hidden = double(middle(signal))", """
@torch.library.custom_op("support::double", mutates_args=())
def double(x: torch.Tensor) -> torch.Tensor:
    return x * 2
double.register_autograd(lambda ctx, g: g * 2)
"""),
    ),
    Feature(
        "double backward (gradient penalty)", "Functions of one's own", "traced", "Both backward calls and the path through the inner gradient.",
        _training("""
point = signal.detach().requires_grad_()
slope, = torch.autograd.grad(middle(point).pow(2).sum(), point, create_graph=True)
hidden = middle(signal) + slope.pow(2).mean()
"""),
    ),
    Feature(
        "cond", "Higher-order ops", "gap", "The call as one op from its operands and what the branches take from around them.",
        _training("hidden = torch.cond(signal.sum() > 0, middle, lambda x: middle(x).relu(), (signal,))"), "cond was watched from outside",
    ),
    Feature(
        "while_loop, scan", "Higher-order ops", "gap", "The call as one op from its operands and what the body takes from around it.",
        _training("""
with torch.no_grad():
    count, _ = while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (torch.tensor(0), torch.ones(2)))
last, every = scan(lambda carry, x: (carry + x, carry * x), torch.ones(8), middle(signal))
hidden = every * count
""", "from torch._higher_order_ops import scan, while_loop"), "scan was watched from outside",
    ),
]

_FUNCTORCH = [
    Feature(
        "functional_call", "torch.func", "traced", "Every op, on the tensors that were handed over.",
        _training("hidden = functional_call(middle, dict(middle.named_parameters()), (signal,))", "from torch.func import functional_call"),
    ),
    Feature(
        "vmap", "torch.func", "gap", "The call as one op from its arguments and what the function takes from around it.",
        _training("hidden = torch.vmap(lambda row: middle(row).relu())(signal)"), "torch.func.vmap",
    ),
    Feature(
        "grad, jacrev, jvp", "torch.func", "gap", "The same.",
        _training("""
slope = torch.func.vmap(torch.func.grad(lambda row: middle(row).pow(2).sum()))(signal)
_, push = torch.func.jvp(middle, (signal,), (torch.ones_like(signal),))
jacobian = torch.func.jacrev(lambda row: middle(row).tanh())(signal[0])
hidden = middle(signal) + slope + push + jacobian.sum(0)
"""), "torch.func.",
    ),
    Feature(
        "vjp", "torch.func", "gap", "The same; the function that it returns as well.",
        _training("""
out, pull = torch.func.vjp(middle, signal)
hidden = out + pull(torch.ones_like(out))[0]
"""), "torch.func.vjp",
    ),
    Feature(
        "stack_module_state (an ensemble)", "torch.func", "gap", "The stacked parameters, which are what is trained.",
        _training("hidden = torch.vmap(run, (0, 0, None))(stacked, buffers, signal).mean(0)", """
from torch.func import functional_call, stack_module_state
copies = [nn.Linear(8, 8) for _ in range(3)]
stacked, buffers = stack_module_state(copies)
def run(weights, buffers, x):
    return functional_call(copies[0], (weights, buffers), (x,))
""").replace("*middle.parameters()", "*stacked.values()"), "torch.func.vmap",
    ),
    Feature(
        "forward-mode AD", "torch.func", "traced", "Every op; a tangent that becomes part of a loss is followed.",
        _training("""
with torch.autograd.forward_ad.dual_level():
    dual = torch.autograd.forward_ad.make_dual(signal, torch.ones_like(signal))
    out = torch.autograd.forward_ad.unpack_dual(middle(dual))
    hidden = out.primal + out.tangent
"""),
    ),
]

_PARAMETRIZED = [
    Feature(
        "weight_norm, spectral_norm, orthogonal", "Parametrizations", "traced", "The originals, as the author's module names them.",
        _training("hidden = middle(signal)", """
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm
middle = nn.Sequential(weight_norm(nn.Linear(8, 8)), spectral_norm(nn.Linear(8, 8)), orthogonal(nn.Linear(8, 8)))
"""),
    ),
    Feature(
        "a parametrization of one's own", "Parametrizations", "traced", "The original; a line inside the parametrization is named.",
        _training("hidden = middle(signal)", """
class Positive(nn.Module):
    def forward(self, weight):
        return weight.detach().exp()  # <- blame 3  # right: return weight.exp()
nn.utils.parametrize.register_parametrization(middle, "weight", Positive())
""", "# expect: blockage middle.parametrizations.*"),
    ),
]

_OPTIMIZERS = [
    Feature(
        f"{kind} optimizer", "Optimizers", "traced", "What each step moved, by value.",
        _training("hidden = middle(signal)").replace("torch.optim.SGD(held, lr=0.1)", f"torch.optim.AdamW(held, lr=0.1, {kind}=True)"),
    )
    for kind in ("fused", "foreach")
] + [
    Feature(
        "optimizer step in the backward (post-accumulate hooks)", "Optimizers", "traced", "Which step moved which parameter, inside the backward.",
        """\
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, head, critic = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(1, 1)
held = [*encoder.parameters(), *head.parameters(), *critic.parameters()]  # right: held = [*encoder.parameters(), *head.parameters()]
critic.requires_grad_(True)  # right: critic.requires_grad_(False)
optimizers = {p: torch.optim.SGD([p], lr=0.1) for p in held}
def hook(p):
    optimizers[p].step()
    optimizers[p].zero_grad()
for p in held:
    p.register_post_accumulate_grad_hook(hook)
for _ in range(3):
    hidden = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: hidden = encoder(torch.randn(16, 4))
    loss = critic(head(hidden).tanh()).pow(2).mean()
    loss.backward()
    print(loss.item())
""",
    ),
    Feature(
        "LBFGS (closure)", "Optimizers", "traced", "Every forward and backward inside the step.",
        """\
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, head, critic = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(1, 1)
held = [*encoder.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.LBFGS(held, lr=0.1, max_iter=3)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.LBFGS(held, lr=0.1, max_iter=3)
for _ in range(3):
    x = torch.randn(16, 4)
    def closure():
        opt.zero_grad()
        hidden = encoder(x).detach()  # <- blame 2  # right: hidden = encoder(x)
        loss = critic(head(hidden).tanh()).pow(2).mean()
        loss.backward()
        return loss
    print(opt.step(closure).item())
""",
    ),
]

_HOOKS = [
    Feature(
        "tensor hooks", "Hooks", "traced", "Every op; a hook that zeroes a gradient shows in `.grad`.",
        _training("hidden = middle(signal)\nhidden.register_hook(lambda g: g * 0.5)"),
    ),
    Feature(
        "forward and full backward hooks of modules", "Hooks", "traced", "Every op, those of the hooks included; a line in a hook is named.",
        _training("hidden = middle(signal)", """
inner = nn.Linear(8, 8)
def replace(module, args, output):
    return output + inner(args[0]).detach()  # <- blame 3  # right: return output + inner(args[0])
middle.register_forward_hook(replace)
middle.register_full_backward_hook(lambda module, given, received: (given[0] * 2,) if given[0] is not None else None)
""", _INSIDE),
    ),
]

_TENSORS = [
    Feature(
        "nested tensors (jagged)", "Kinds of tensors", "traced", "Every op.",
        _training("""
nested = torch.nested.nested_tensor_from_jagged(signal, torch.tensor([0, 3, 9, 16]))
hidden = middle(nested).values()
"""),
    ),
    Feature(
        "nested tensors (strided)", "Kinds of tensors", "traced", "Every op.",
        _training("""
nested = torch.nested.as_nested_tensor([signal[:3], signal[3:]])
hidden = torch.cat(middle(nested).unbind())
"""),
    ),
    Feature(
        "sparse gradients of an embedding, SparseAdam", "Kinds of tensors", "traced", "Gradients and updates of the table, by value.",
        """\
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, table, critic = nn.Linear(4, 8), nn.Embedding(20, 8, sparse=True), nn.Embedding(5, 8, sparse=True)
opt = torch.optim.SGD(encoder.parameters(), lr=0.1)
held = [*table.parameters(), *critic.parameters()]
rows = torch.optim.SparseAdam(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); rows = torch.optim.SparseAdam([table.weight], lr=0.1)
for _ in range(3):
    hidden = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: hidden = encoder(torch.randn(16, 4))
    loss = (hidden * table(torch.randint(0, 20, (16,))) * critic(torch.randint(0, 5, (16,)))).pow(2).mean()
    opt.zero_grad(); rows.zero_grad()
    loss.backward()
    opt.step(); rows.step()
    print(loss.item())
""",
    ),
    Feature(
        "sparse matrices (COO, CSR)", "Kinds of tensors", "traced", "Every op.",
        _training("hidden = torch.sparse.mm(coo, middle(signal)) + csr @ signal", """
dense = torch.eye(16)
coo, csr = dense.to_sparse_coo(), dense.to_sparse_csr()
"""),
    ),
    Feature(
        "complex tensors", "Kinds of tensors", "traced", "Every op.",
        _training("""
spectrum = torch.fft.fft(middle(signal)) * filter
hidden = torch.fft.ifft(spectrum).real + torch.view_as_real(spectrum)[..., 1]
""", "filter = nn.Parameter(torch.randn(8, dtype=torch.complex64))").replace("*middle.parameters()", "*middle.parameters(), filter"),
    ),
    Feature(
        "subclasses with __torch_function__", "Kinds of tensors", "traced", "Every op, also on a subclass.",
        _training("hidden = middle(signal.as_subclass(Tagged)).relu().as_subclass(torch.Tensor)", """
class Tagged(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return super().__torch_function__(func, types, args, kwargs or {})
"""),
    ),
    Feature(
        "wrapper subclasses (__torch_dispatch__)", "Kinds of tensors", "traced", "Every op on the wrappers; gradients and updates of wrapped parameters by value.",
        _training("hidden = F.linear(Wrapped(signal), middle.weight, middle.bias).unwrap()", """
import torch.utils._pytree as pytree
class Unwrap(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.elem
    @staticmethod
    def backward(ctx, g):
        return Wrapped(g)
class Wrapped(torch.Tensor):
    @staticmethod
    def __new__(cls, elem):
        return torch.Tensor._make_wrapper_subclass(cls, elem.shape, dtype=elem.dtype, requires_grad=elem.requires_grad)
    def __init__(self, elem):
        self.elem = elem.detach()
    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        plain = lambda t: t.elem if isinstance(t, Wrapped) else t
        out = func(*pytree.tree_map(plain, args), **pytree.tree_map(plain, kwargs or {}))
        return pytree.tree_map(lambda t: Wrapped(t) if isinstance(t, torch.Tensor) else t, out)
    def unwrap(self):
        return Unwrap.apply(self)
""").replace("Wrapped(signal), middle.weight", "Wrapped(signal.detach()), middle.weight").replace(".unwrap()", ".unwrap() + signal"),
    ),
    Feature(
        "torch.utils.swap_tensors", "Kinds of tensors", "traced", "Every op; the swapped parameter goes on under its name.",
        _training("hidden = middle(signal)\nif step == 1:\n    torch.utils.swap_tensors(middle.weight, nn.Parameter(middle.weight.detach() * 1.5))".replace(
            "hidden = middle(signal)\nif", "if") + "\nhidden = middle(signal)"),
    ),
    Feature(
        "quantisation-aware training (torch.ao fake quantisation)", "Kinds of tensors", "traced", "Every op; fake quantisation passes the gradient through.",
        _training("hidden = middle(signal)", """
import warnings
warnings.simplefilter("ignore")
from torch.ao import quantization
middle = nn.Sequential(quantization.QuantStub(), nn.Linear(8, 8), quantization.DeQuantStub())
middle.qconfig = quantization.get_default_qat_qconfig("x86")
middle = quantization.prepare_qat(middle.train())
"""),
    ),
    Feature(
        "torch.set_default_device", "Kinds of tensors", "traced", "Every op.",
        _training("hidden = middle(signal)", 'torch.set_default_device("cpu")'),
    ),
    Feature(
        "inference_mode around a part", "Kinds of tensors", "traced", "Every op; the line that enters the mode is named.",
        _training("""
with torch.inference_mode():  # <- blame 3  # right: with torch.enable_grad():
    target = inner(signal)
hidden = middle(signal) * target.clone()
""", "inner = nn.Linear(8, 8)", _INSIDE),
    ),
]

_MODULES = [
    Feature(
        "MultiheadAttention, its fast path in eval mode", "Modules", "traced", "Each call as one op; the fast path is taken as without the tool.",
        _training("""
encoded = layer(signal.view(2, 8, 8))
layer.eval()
with torch.no_grad():
    print(layer(signal.view(2, 8, 8)).sum().item())
layer.train()
hidden = middle(encoded.reshape(16, 8))
""", "layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)").replace("*middle.parameters()", "*layer.parameters(), *middle.parameters()"),
    ),
    Feature(
        "LSTM on packed sequences", "Modules", "traced", "Each call as one op.",
        _training("""
packed = nn.utils.rnn.pack_padded_sequence(signal.view(2, 8, 8), torch.tensor([8, 5]), batch_first=True)
out, _ = nn.utils.rnn.pad_packed_sequence(lstm(packed)[0], batch_first=True)
hidden = middle(out.reshape(-1, 8))
""", "lstm = nn.LSTM(8, 8, batch_first=True)").replace("*middle.parameters()", "*lstm.parameters(), *middle.parameters()"),
    ),
    Feature(
        "scaled_dot_product_attention", "Modules", "traced", "Each call as one op.",
        _training("hidden = F.scaled_dot_product_attention(*middle(signal).view(3, 1, 16, 8)).view(16, 8)", "middle = nn.Linear(8, 24)").replace(
            "view(3, 1, 16, 8)", "view(16, 3, 8).transpose(0, 1).unsqueeze(1)"),
    ),
    Feature(
        "nn.DataParallel (on CPU it calls the module)", "Modules", "traced", "Every op.",
        _training("hidden = parallel(signal)", "parallel = nn.DataParallel(middle)"),
    ),
]

_UNTESTED = [
    Feature("capturable optimizers", "Not tested", "gap", "Not tested: torch refuses them on CPU.", ""),
    Feature("CUDA graphs", "Not tested", "gap", "Not tested: no GPU was there. A step that is replayed makes no call that could be seen.", ""),
]

FEATURES = (
    *_COMPILE, *_SCRIPT, *_RECOMPUTE, *_PRECISION, *_FUNCTIONS, *_FUNCTORCH, *_PARAMETRIZED, *_OPTIMIZERS, *_HOOKS, *_TENSORS, *_MODULES,
    *_UNTESTED,
)  # fmt: skip
