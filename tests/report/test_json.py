"""The JSON report keeps its contract: by the schema, deterministic, readable by every parser."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_freeze.report import json as report

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/report-1.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
# Lone surrogates have a test of their own: `Finding.fingerprint` refuses them before any report is made.
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


def refuse(token):
    raise AssertionError(f"{token} is no JSON")


def parse(text):
    document = json.loads(text, parse_constant=refuse)
    VALIDATOR.validate(document)
    return document


def test_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_story_is_valid_by_the_schema_and_reads_as_its_golden_file(story, request, same_as_golden, monkeypatch):
    monkeypatch.setattr(report, "tool_version", lambda: "0.0.0")
    parse(report.render(story))
    if request.node.callspec.id not in ("large", "lora"):
        same_as_golden(f"{request.node.callspec.id}.json", report.render(story))


def test_top_level_has_the_keys_of_the_contract(examples):
    assert set(parse(report.render(examples.clean()))) == {
        "schema_version", "tool", "script", "window", "parameters", "losses", "optimizers", "attribution", "findings", "unneeded_ignores",
        "graph", "gaps", "excerpts",
    }  # fmt: skip


def test_finding_tells_its_cause_trail_and_fix(examples):
    finding = parse(report.render(examples.leak()))["findings"][0]
    assert finding["severity"] == "error"
    assert finding["cause"] == {
        "path": "train.py", "line": 3, "end_line": 3, "function": "<module>", "op": "Adam",
        "text": "optimizer = Adam([*encoder.parameters(), *generator.parameters()], lr=1e-4)",
    }  # fmt: skip
    assert [step["line"] for step in finding["trail"]] == [11, 9, 3, 1]
    assert finding["fix"]["verified"] is True
    assert finding["fingerprint"] == examples.leak().findings[0].fingerprint


def test_attribution_tells_what_each_loss_feeds_and_which_optimizer_applies_it(examples):
    shares = parse(report.render(examples.gan()))["attribution"]
    assert [tuple(share.values()) for share in shares] == [
        # fed, line, loss, module, moved, optimizers, parameters
        (10, 9, "loss_d", "netD", 10, ["opt_d"], 10),
        (10, 11, "loss_g", "netD", 0, [], 10),
        (12, 11, "loss_g", "netG", 12, ["opt_g"], 12),
    ]


def test_attribution_counts_the_parameters_of_a_module_that_are_fed_and_moved(examples):
    gan = examples.gan()
    loss = replace(gan.losses[1], parameters=gan.losses[1].parameters[-4:])
    optimizer = replace(gan.optimizers[1], updated=gan.optimizers[1].updated[-2:])
    [share] = parse(report.render(replace(gan, losses=(loss,), optimizers=(optimizer,))))["attribution"]
    assert (share["module"], share["parameters"], share["fed"], share["moved"]) == ("netG", 12, 4, 2)


def test_attribution_of_a_trainer_is_by_the_modules_that_self_keeps(examples):
    records = [examples.parameter(f"{name}.weight", "learning") for name in ("self.encoder", "self.decoder", "prior")]
    loss = examples.LossRecord("loss", examples.at(9), 3, tuple(record.name for record in records))
    shares = parse(report.render(examples.diagnosis(records, losses=(loss,))))["attribution"]
    assert [share["module"] for share in shares] == ["prior", "self.decoder", "self.encoder"]


def test_fix_without_patch_leaves_the_optional_keys_out(examples):
    assert set(parse(report.render(examples.blocked()))["findings"][0]["fix"]) == {"text"}


def test_findings_come_loudest_first(examples):
    leak = examples.leak()
    reversed_findings = replace(leak, findings=leak.findings[::-1])
    assert [f["severity"] for f in parse(report.render(reversed_findings))["findings"]] == ["error", "warning"]


def test_bare_tensor_is_called_a_parameter(examples):
    kinds = {p["name"]: p["kind"] for p in parse(report.render(examples.blocked()))["parameters"]}
    assert kinds["scale"] == "parameter"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_number_that_is_none_becomes_null(examples, number):
    record = examples.parameter("net.weight", "learning", grad_norm=number, update_ratio=number)
    [parameter] = parse(report.render(examples.diagnosis([record])))["parameters"]
    assert parameter["grad_norm"] is None
    assert parameter["update_ratio"] is None


def test_lone_surrogate_is_written_out_since_strict_parsers_refuse_it(examples):
    text = report.render(examples.hostile())
    assert text.isascii()
    assert parse(text)["script"]["arguments"][1] == "\\udc80"


def test_equal_diagnoses_give_equal_bytes_whatever_the_order_of_their_tables(examples):
    leak = examples.leak()
    turned = replace(
        leak,
        parameters=dict(reversed(leak.parameters.items())),
        excerpts=leak.excerpts[::-1],
        graph=leak.graph.__class__(leak.graph.reverse(copy=True)).reverse(copy=True),
    )
    assert report.render(turned) == report.render(leak) == report.render(examples.leak())


def test_schema_refuses_a_key_that_the_contract_does_not_know(examples):
    document = report.document(examples.blocked())
    document["findings"][0]["colour"] = "red"
    assert not VALIDATOR.is_valid(document)


@settings(max_examples=100, deadline=None)
@given(name=TEXTS, line=TEXTS, path=TEXTS, number=st.floats())
def test_any_names_and_lines_give_valid_json(examples, name, line, path, number):
    blocked = examples.blocked()
    place = replace(examples.at(8, name), path=path, text=line, function=name)
    finding = replace(
        blocked.findings[0], where=name, name=line, message=line, parameters=(name,), cause=place, trail=(place,)
    )
    record = examples.parameter(name, "BLOCKED", losses=[line], optimizer=name, grad_norm=number, declared=place)
    hostile = replace(
        blocked, findings=(finding,), parameters={name: record}, gaps=(line,), graph=examples.graph([record], (finding,)),
        excerpts=(replace(blocked.excerpts[0], path=path, lines=(line,)),), losses=(replace(blocked.losses[0], name=name),),
    )  # fmt: skip
    document = parse(report.render(hostile))
    assert document["parameters"][0]["name"] == name.encode("utf-8", "backslashreplace").decode()
