"""A value at which an op has no finite derivative is seen just where PyTorch gives a gradient that is not finite."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from gradcheck_freeze.trace.placement import Placement
from gradcheck_freeze.trace.record import Trace
from gradcheck_freeze.trace.recorder import Recorder

INF = math.inf


def masked(x: Tensor) -> Tensor:
    """Return minus infinity for every entry that is zero."""
    return torch.zeros(2).masked_fill(x.detach() == 0, -INF)


OPS: dict[str, Callable[[Tensor], Tensor]] = {
    "sqrt": torch.sqrt,
    "Tensor.sqrt": lambda x: x.sqrt(),
    "rsqrt": torch.rsqrt,
    "log": lambda x: x.log(),
    "log2": torch.log2,
    "log1p": lambda x: torch.log1p(x - 1),
    "acos": lambda x: torch.acos(1 - x),
    "asin": lambda x: (x - 1).asin(),
    "acosh": lambda x: torch.acosh(x + 1),
    "atanh": lambda x: torch.atanh(1 - x),
    "logit": torch.logit,
    "erfinv": lambda x: torch.erfinv(1 - x),
    "reciprocal": lambda x: x.reciprocal(),
    "one over": lambda x: 1 / x,
    "over": lambda x: x / x.detach(),
    "over what learns": lambda x: torch.ones(2) / x,
    "torch.div": lambda x: torch.div(torch.ones(2), x),
    "root": lambda x: x**0.5,
    "torch.pow": lambda x: torch.pow(x, 0.3),
    "negative power": lambda x: x**-2,
    "power of a negative": lambda x: (x - 0.5).pow(1.5),
    "power, tensor": lambda x: x ** torch.tensor([0.5, 2.0]),
    "exp": lambda x: torch.exp(100 - 100 * x),
    "expm1": lambda x: (100 - 100 * x).expm1(),
    "softmax": lambda x: functional.softmax(torch.stack([x, x]) + masked(x), 0) @ x,
    "log_softmax": lambda x: (torch.stack([x, x]) + masked(x)).log_softmax(0),
    "logsumexp": lambda x: torch.logsumexp(torch.stack([x, x]) + masked(x), 0),
    "hypot": lambda x: torch.hypot(x, x),
    "std of one": lambda x: x[x > 0].std() if bool((x == 0).any()) else x.std(),
    "var of one": lambda x: x[x > 0].unsqueeze(0).var(0) if bool((x == 0).any()) else x.var(0),
    "where after log": lambda x: torch.where(x > 0, x.log(), 0.0),
    "masked fill after division": lambda x: (1 / x).masked_fill(x == 0, 0.0),
    "index after root": lambda x: x.sqrt()[x > 0],
}
FINE: dict[str, Callable[[Tensor], Tensor]] = {
    "norm": lambda x: (x * 0).norm(),
    "abs": torch.abs,
    "square": lambda x: x**2,
    "power above one": lambda x: x**1.5,
    "normalize": lambda x: functional.normalize(x * 0, dim=0),
    "where before log": lambda x: torch.where(x > 0, x, 1.0).log(),
    "biased variance of one": lambda x: x[:1].var(unbiased=False),
    "over a number": lambda x: x / 2,
    "masked softmax": lambda x: x.masked_fill(x == 0, -INF).softmax(0),
    "logarithm of what does not learn": lambda x: x * torch.log(torch.zeros(2)).clamp_min(-1),
}


def watched(function: Callable[[Tensor], Tensor], values: list[float]) -> tuple[Trace, Tensor]:
    """Return what one watched step saw, and the gradient that it applied."""
    recorder = Recorder(Placement())
    x = torch.tensor(values, requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=0.1)
    recorder.open()
    function(x).sum().backward()
    optimizer.step()
    trace = recorder.trace()
    assert not trace.gaps
    assert x.grad is not None
    return trace, x.grad


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("values", [[0.0, 0.25], [0.5, 0.25]])
def test_the_op_is_known_where_the_gradient_is_not_finite(name: str, values: list[float]) -> None:
    trace, gradient = watched(OPS[name], values)
    finite = bool(gradient.isfinite().all())
    assert any(trace.singular.values()) != finite
    assert not (finite and 0.0 in values), "this shows nothing"


@pytest.mark.parametrize("name", FINE)
def test_an_op_that_keeps_the_gradient_finite_is_not_suspected(name: str) -> None:
    def function(x: Tensor) -> Tensor:
        return torch.cat([FINE[name](x).flatten(), x.log()])

    trace, gradient = watched(function, [0.0, 0.25])
    assert not bool(gradient.isfinite().all())
    assert [trace.op_names[trace.ops.name[op]] for op, told in trace.singular.items() if told] == ["log"]


def test_a_gradient_that_is_finite_leaves_nothing() -> None:
    trace, _ = watched(lambda x: x.relu().sqrt(), [-1.0, 0.25])
    assert not trace.singular


def test_attention_over_nothing_but_padding_is_seen() -> None:
    attention = torch.nn.MultiheadAttention(4, 1, batch_first=True)
    padding = torch.tensor([[True, True], [False, True]])
    trace, _ = watched(lambda x: attention(*[x.view(2, 1, 1).expand(2, 2, 4)] * 3, padding)[0], [0.0, 1.0])
    assert [trace.op_names[trace.ops.name[op]] for op, told in trace.singular.items() if told] == [
        "multi_head_attention_forward"
    ]


@pytest.mark.filterwarnings("ignore:`torch.jit.trace` is deprecated")
def test_neither_a_dispatch_mode_nor_a_trace_of_the_programs_sees_what_is_looked_at() -> None:
    seen: list[str] = []

    class Counting(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    x = torch.tensor([4.0, 9.0], requires_grad=True)
    recorder = Recorder(Placement())
    recorder.open()
    with Counting():
        x.sqrt().exp()
    traced = torch.jit.trace(lambda x: x.sqrt().exp(), (x,), check_trace=False)
    recorder.close("the test is over")
    assert set(seen) - {"aten.detach.default"} == {"aten.sqrt.default", "aten.exp.default"}
    assert [node.kind() for node in traced.graph.nodes()] == ["aten::sqrt", "aten::exp"]
