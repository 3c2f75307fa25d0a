"""Two diagnoses are compared by module: what is said is what changed, once, and old findings stay old."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_freeze.report.change.compare import compare
from gradcheck_freeze.report.change.renames import same_parameters
from gradcheck_freeze.report.change.sentences import headline, sentence, totals
from gradcheck_freeze.rules.finding import Finding, Location, Severity


def said(base, head):
    return [sentence(shift, str) for shift in compare(base, head).shifts]


def finding(where="encoder", parameters=("encoder.0.weight",), rule="GF201", severity=Severity.ERROR, line=8, **cause):
    place = Location(**{
        "path": "train.py", "line": line, "end_line": line, "function": "<module>",
        "text": "Z = encoder(Y).detach()", **cause,
    })  # fmt: skip
    return Finding(rule, "detached-path", "blockage", severity, parameters, where, f"{where} is cut.", place)


@pytest.fixture
def model(examples):
    """Return a function that makes a diagnosis of modules: name → (state, losses, optimizer)."""

    def make(*findings, depth=2, **modules):
        records = [
            record
            for name, (state, losses, optimizer) in modules.items()
            for index in range(depth)
            for record in examples.linear(
                f"{name.replace('__', '.')}.{index}", state, losses=losses, optimizer=optimizer
            )
        ]
        names = sorted({name for record in records for name in record.losses})
        held = sorted({o.name for record in records for o in record.optimizers})
        return examples.diagnosis(
            records,
            *findings,
            losses=tuple(
                examples.LossRecord(n, examples.at(11), 3, tuple(r.name for r in records if n in r.losses))
                for n in names
            ),
            optimizers=tuple(
                examples.OptimizerRecord(
                    n, "Adam", examples.at(3), 3, tuple(r.name for r in records if n in [o.name for o in r.optimizers]),
                    (), (),
                )
                for n in held
            ),
        )  # fmt: skip

    return make


FROZEN, TRAINED, CUT = ("frozen", [], ""), ("learning", ["loss"], "opt"), ("BLOCKED", [], "opt")


def test_equal_runs_have_no_difference(story):
    change = compare(story, story)
    assert (change.shifts, change.new, change.gone) == ((), (), ())
    assert len(change.kept) == len(story.findings)
    assert headline(change).startswith("no change of the gradient flow")
    assert totals(change) == []


def test_an_unfrozen_encoder_is_one_line(model):
    base, head = model(encoder=FROZEN, generator=TRAINED), model(encoder=TRAINED, generator=TRAINED)
    assert said(base, head) == [
        "encoder is now trained (160 elements): by opt, with the gradient of loss; before, it was frozen"
    ]
    assert said(head, base) == [
        "encoder is now frozen (160 elements); before, it was trained by opt, with the gradient of loss"
    ]
    assert totals(compare(base, head)) == ["trainable parameters: 160 → 320 elements (+160) in 4 → 8 tensors"]


def test_a_leak_under_a_contract_is_said_to_be_trained_too(model):
    assert said(model(encoder=FROZEN), model(encoder=("LEAK", ["loss"], "opt"))) == said(
        model(encoder=FROZEN), model(encoder=TRAINED)
    )


def test_a_cut_is_told_from_a_gradient_that_moves_nothing(model):
    assert said(model(net=TRAINED), model(net=CUT)) == [
        "net is now cut off (160 elements): no gradient reaches it; before, it was trained by opt, with the gradient of loss"
    ]
    assert said(model(net=FROZEN), model(net=("BLOCKED", ["loss"], ""))) == [
        "net is now blocked (160 elements): the gradient of loss reaches it and does not move it; before, it was frozen"
    ]


def test_another_loss_and_another_optimizer_are_told_by_module(model):
    base = model(g=("learning", ["loss_g"], "opt_g"), d=("learning", ["loss_d"], "opt_d"))
    fed = model(g=("learning", ["loss_d", "loss_g"], "opt_g"), d=("learning", ["loss_d"], "opt_d"))
    assert said(base, fed) == ["g (160 elements) is now also fed by loss_d"]
    assert said(fed, base) == ["g (160 elements) is no longer fed by loss_d"]
    moved = model(g=("learning", ["loss_g"], "opt_d"), d=("learning", ["loss_d"], "opt_d"))
    assert said(base, moved) == ["g (160 elements) moved from opt_g to opt_d"]


def test_new_and_gone_modules_are_told_with_what_happens_to_them(model):
    base, head = model(net=TRAINED), model(net=TRAINED, head=CUT)
    assert said(base, head) == ["head is new (160 elements): but it is blocked"]
    assert said(head, model(net=TRAINED, depth=3)) == [
        "net.2 is new (80 elements): it is trained by opt, with the gradient of loss",
        "head is gone (160 elements); it was blocked",
    ]
    assert said(model(net=TRAINED, more=TRAINED), base) == [
        "more is gone (160 elements); it was trained by opt, with the gradient of loss"
    ]


def test_five_hundred_renamed_parameters_are_one_line(model):
    base = model(depth=250, net__encoder=TRAINED, other=TRAINED)
    head = model(depth=250, net__module__backbone=TRAINED, other=TRAINED)
    assert said(base, head) == [
        "net.module.backbone takes the place of net.encoder (20,000 elements): same names and shapes below it"
    ]


def test_a_module_that_is_renamed_and_frozen_is_told_as_both(model):
    assert said(model(encoder=TRAINED, net=TRAINED), model(backbone=FROZEN, net=TRAINED)) == [
        "backbone is now frozen (160 elements); before, it was trained by opt, with the gradient of loss",
        "backbone takes the place of encoder (160 elements): same names and shapes below it",
    ]


def test_a_renamed_module_with_a_layer_more_keeps_what_is_the_same(model):
    head = model(depth=3, enc=TRAINED)
    head = replace(head, losses=model(enc=TRAINED).losses, optimizers=model(enc=TRAINED).optimizers)
    words = said(model(encoder=TRAINED), head)
    assert words == [
        "enc.2 is new (80 elements): it is trained by opt, with the gradient of loss",
        "enc takes the place of encoder (160 elements): same names and shapes below it",
    ]


def test_a_loss_or_optimizer_under_another_name_is_one_line_and_not_one_per_module(model):
    base = model(a=("learning", ["loss"], "optimizer"), b=("learning", ["loss"], "optimizer"))
    head = model(a=("learning", ["total"], "opt"), b=("learning", ["total"], "opt"))
    assert said(base, head) == [
        "loss total takes the place of loss: it has most of what loss reached (8 tensors)",
        "optimizer opt takes the place of optimizer: it has most of what optimizer held (8 tensors)",
    ]


def test_a_tied_tensor_under_its_other_name_is_no_change(examples):
    one = examples.parameter("decoder.weight", "learning", losses=["loss"], optimizer="optimizer")
    base = examples.diagnosis([replace(one, aliases=("embedding.weight",))])
    head = examples.diagnosis([replace(one, name="embedding.weight", aliases=("decoder.weight",))])
    assert said(base, head) == []
    apart = examples.diagnosis([one, replace(one, name="embedding.weight")])
    assert said(base, apart) == ["embedding is no longer tied (64 elements)"]
    assert said(apart, base) == ["embedding is now another name of a tensor it was apart from (64 elements)"]


def test_buffers_that_stop_moving_are_one_line_beside_the_parameters(examples):
    def run(moving):
        buffers = [
            examples.parameter(f"net.norm.{name}", "frozen", kind="buffer", updated=moving, requires_grad=False)
            for name in ("running_mean", "running_var")
        ]
        return examples.diagnosis([*examples.linear("net.0", "frozen"), *buffers])

    assert said(run(True), run(False)) == ["net no longer changes (buffers) (128 elements)"]


def test_a_base_without_a_backward_pass_is_said_to_be_none_to_compare_with(examples):
    change = compare(examples.nothing(), examples.clean())
    assert change.caveats == ("the base saw no backward pass, so nothing was judged in it",)


@pytest.mark.parametrize(
    "edit",
    [
        {"line": 80},
        {"path": "moved.py"},
        {"text": "Z = encoder(Y, scale=2).detach()"},
        {"where": "encoder.0"},
        {"where": "encoder.0", "text": "x"} | {"where": "encoder"},
    ],
)
def test_a_finding_whose_line_moved_or_was_edited_is_the_same(edit, model):
    change = compare(model(finding(), encoder=CUT), model(finding(**edit), encoder=CUT))
    assert (change.new, change.gone, len(change.kept)) == ((), (), 1)


@pytest.mark.parametrize(
    "edit",
    [
        {"rule": "GF202"},
        {"where": "generator", "parameters": ("generator.0.weight",)},
        {"where": "*", "parameters": ("encoder.0.weight", "generator.0.weight")},
    ],
)
def test_another_rule_or_more_parameters_make_a_finding_new(edit, model):
    base = model(finding(), encoder=CUT, generator=TRAINED)
    change = compare(base, model(finding(**edit), encoder=CUT, generator=TRAINED))
    assert (len(change.new), len(change.gone), change.kept) == (1, 1, ())


def test_a_finding_that_became_louder_is_new(model):
    quiet, loud = finding(severity=Severity.WARNING), finding()
    assert compare(model(quiet, encoder=CUT), model(loud, encoder=CUT)).new == (loud,)
    assert compare(model(loud, encoder=CUT), model(quiet, encoder=CUT)).new == ()


def test_a_finding_stays_the_same_in_a_renamed_module_and_one_twice_there_is_new(model):
    now = finding("backbone", ("backbone.0.weight",), text="Z = backbone(Y).detach()")
    change = compare(model(finding(), encoder=CUT), model(now, replace(now), backbone=CUT))
    assert (len(change.new), len(change.kept), change.gone) == (1, 1, ())


def test_a_finding_that_is_ignored_now_is_not_gone_and_one_no_longer_ignored_is_new(model):
    accepted = replace(model(encoder=CUT), ignored=(replace(finding(), ignored="second stage"),))
    plain = model(finding(), encoder=CUT)
    assert compare(plain, accepted).gone == ()
    assert len(compare(plain, accepted).accepted) == 1
    assert len(compare(accepted, plain).new) == 1


NAMES = st.lists(st.sampled_from(["a", "b", "c", "0", "1"]), min_size=1, max_size=4).map(".".join)


@settings(max_examples=200, deadline=None)
@given(left=st.sets(NAMES, max_size=12), right=st.sets(NAMES, max_size=12))
def test_no_parameter_has_two_partners_whatever_the_names(left, right, examples):
    base, head = ({n: examples.parameter(n, "learning") for n in names} for names in (left, right))
    names, renames = same_parameters(base, head)
    assert set(names) <= left
    assert set(names.values()) <= right
    assert len(set(names.values())) == len(names)
    assert all(names[name] == name for name in left & right)
    assert len(names) - len(left & right) == sum(len(rename.parameters) for rename in renames)
