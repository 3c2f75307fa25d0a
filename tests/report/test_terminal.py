"""The report on a terminal says the verdict first, stays small, and shows hostile text without obeying it."""

import io
import time
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from gradcheck_freeze.report import rollup, terminal
from gradcheck_freeze.rules.finding import Severity

TEXTS = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(
    ["[red]", "\x1b[2J", "a\nb", "\r", "\udc80"]
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal of the given encoding."""

    def __init__(self, encoding="utf-8"):
        super().__init__()
        self._encoding = encoding

    encoding = property(lambda self: self._encoding)

    def isatty(self):
        return True


@pytest.fixture
def plain_environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    return monkeypatch


def control_characters(text):
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}


def first_line(diagnosis):
    return terminal.render(diagnosis).splitlines()[0]


def test_every_story_reads_as_its_golden_file(story, request, same_as_golden):
    same_as_golden(f"{request.node.callspec.id}.txt", terminal.render(story))


def test_wide_report_reads_as_its_golden_file(examples, same_as_golden):
    same_as_golden("blocked-120.txt", terminal.render(examples.blocked(), 120))


def test_first_line_names_each_fault_and_what_it_hits(examples):
    assert first_line(examples.leak()) == "gradcheck-freeze: LEAK ⚠ encoder, encoder.norm  (1 error, 1 warning)"
    assert first_line(examples.blocked()) == "gradcheck-freeze: BLOCKED ⛔ generator  (1 error)"


def test_first_line_of_a_run_without_fault_says_ok_and_counts_the_notes(examples):
    assert first_line(examples.clean()).endswith("ok ✓ every parameter learns or stays as declared")
    assert first_line(examples.gan()).endswith("ok ✓ every parameter learns or stays as declared (1 note)")


def test_gap_qualifies_the_verdict_and_is_stated(examples):
    text = terminal.render(replace(examples.clean(), gaps=("a compiled function",)), 100)
    assert text.splitlines()[0].endswith("stays as declared, as far as was seen")
    assert "not seen: a compiled function\n" in text


def test_warning_alone_is_not_called_ok(examples):
    leak = examples.leak()
    only_warning = replace(leak, findings=tuple(f for f in leak.findings if f.severity == Severity.WARNING))
    assert first_line(only_warning) == "gradcheck-freeze: LEAK ⚠ encoder.norm  (1 warning)"


def test_run_without_a_backward_pass_is_not_called_ok(examples):
    assert first_line(examples.nothing()) == "gradcheck-freeze: no backward pass was seen, so nothing was judged"


def test_blamed_line_is_marked_and_its_call_underlined(examples):
    lines = terminal.render(examples.blocked()).splitlines()
    marked = next(index for index, line in enumerate(lines) if line.startswith("  > "))
    assert lines[marked] == "  >  8 | Z = encoder(Y).detach()"
    assert lines[marked + 1] == "       |                ^^^^^^"


def test_call_that_stands_twice_in_its_line_is_not_underlined(examples):
    blocked = examples.blocked()
    line = "Z = f(Y.detach(), X.detach())"
    excerpt = replace(blocked.excerpts[0], lines=(*blocked.excerpts[0].lines[:7], line, ""))
    text = terminal.render(replace(blocked, excerpts=(excerpt,)))
    assert f"> 8 | {line}" in text
    assert "^" not in text


def test_long_blamed_line_is_shown_whole_and_underlined_in_its_row(examples):
    blocked = examples.blocked()
    line = "Z = encoder(" + ", ".join(f"argument_{i}" for i in range(9)) + ").detach()"
    excerpt = replace(blocked.excerpts[0], lines=(*blocked.excerpts[0].lines[:7], line, ""))
    lines = terminal.render(replace(blocked, excerpts=(excerpt,))).splitlines()
    start = next(index for index, text in enumerate(lines) if text.startswith("  > 8 | "))
    assert "".join(text[8:] for text in lines[start : start + 2]).replace(" ", "") == line.replace(" ", "")
    assert lines[start + 2].index("^") == lines[start + 1].index("detach")


def test_cause_without_an_excerpt_falls_back_on_its_own_text(examples):
    assert "  > 8 | Z = encoder(Y).detach()\n" in terminal.render(replace(examples.blocked(), excerpts=()))


def test_second_finding_at_one_line_comes_without_the_lines_around_it(examples):
    blocked = examples.blocked()
    twice = replace(blocked, findings=(blocked.findings[0], replace(blocked.findings[0], rule="GF999")))
    assert terminal.render(twice).count("  | X = encoder(x)") == terminal.render(blocked).count("  | X = encoder(x)")
    assert terminal.render(twice).count("> 8 | ") + terminal.render(twice).count(">  8 | ") == 2


def test_long_trail_keeps_its_ends_and_the_cause(examples):
    blocked = examples.blocked()
    steps = tuple(examples.at(100 + i, path="deep.py") for i in range(40))
    cause = examples.at(8, "detach")
    text = terminal.render(
        replace(blocked, findings=(replace(blocked.findings[0], trail=(*steps[:20], cause, *steps[20:])),))
    )
    assert "deep.py:100" in text
    assert "> train.py:8" in text
    assert "deep.py:139" in text
    assert len(text.splitlines()) < 45


def test_matrix_tells_a_gradient_that_is_applied_from_one_that_is_not(examples):
    rows = [line.split() for line in terminal.render(examples.gan()).splitlines()]
    assert ["netD", "opt_d", "gradient", "only"] in rows
    assert ["netG", "–", "opt_g"] in rows


def test_one_loss_and_one_optimizer_make_no_matrix(examples):
    assert "which loss teaches" not in terminal.render(examples.blocked())


def test_thousand_modules_with_eight_hundred_findings_stay_readable(examples):
    large = examples.large()
    started = time.perf_counter()
    text = terminal.render(large)
    assert time.perf_counter() - started < 2
    assert len(text.splitlines()) < 100
    table = text[text.index("  module") : text.index("\n\n", text.index("  module"))]
    assert len(table.splitlines()) <= 18


def test_numbered_siblings_of_one_state_share_a_row(examples):
    rows = rollup.roll_up(examples.lora().parameters.values())
    assert [(row.name, row.state, len(row.records)) for row in rows] == [
        ("model.layers.7.attn.lora_B", "LEAK", 1),
        ("model.layers.{0-6,8-39}.attn.lora_B", "learning", 39),
        ("model.layers.{0-39}.attn.lora_A", "learning", 40),
        ("model.layers.{0-39}.attn.weight", "frozen", 40),
    ]


def test_modules_held_by_self_are_told_apart(examples):
    records = [*examples.linear("self.encoder.0", "learning"), *examples.linear("self.head", "learning")]
    assert [row.name for row in rollup.roll_up(records)] == ["self.encoder", "self.head"]


def test_healthy_buffers_do_not_split_their_module(examples):
    records = [*examples.linear("net.0", "learning"), examples.parameter("net.1.running_mean", "idle", kind="buffer")]
    assert [(row.name, row.state) for row in rollup.roll_up(records)] == [("net", "learning")]


@pytest.mark.parametrize(
    ("count", "text"), [(9_999, "9,999"), (10_000, "10K"), (999_600, "1M"), (7_242_000_000, "7.24G")]
)
def test_elements_are_counted_in_few_characters(examples, count, text):
    clean = examples.diagnosis([examples.parameter("net.weight", "learning", numel=count)])
    assert next(line for line in terminal.render(clean).splitlines() if line.startswith("  net")).split()[-1] == text


@pytest.mark.parametrize("width", [1, 40, 59, 60, 80, 120])
def test_no_line_of_text_is_wider_than_asked(examples, width):
    for line in terminal.render(examples.gan(), width).splitlines():
        assert cell_len(line) <= max(40, width)
        assert line == line.rstrip()


def test_piped_report_is_the_plain_one_in_eighty_columns(examples, plain_environment):
    stream = io.StringIO()
    terminal.write(examples.leak(), stream)
    assert stream.getvalue() == terminal.render(examples.leak(), 80)


def test_terminal_gets_colour_and_the_same_words(examples, plain_environment):
    stream = Terminal()
    terminal.write(examples.blocked(), stream)
    assert "\x1b[1;35mBLOCKED ⛔" in stream.getvalue()


def test_coloured_report_reads_as_its_golden_file(examples, plain_environment, same_as_golden):
    stream = Terminal()
    terminal.write(examples.leak(), stream)
    same_as_golden("leak-coloured.txt", stream.getvalue().replace("\x1b", "␛"))


def test_only_the_blamed_line_of_an_excerpt_is_marked_in_colour(examples, plain_environment):
    stream = Terminal()
    terminal.write(examples.blocked(), stream)
    assert "\x1b[2mX = encoder(x)\x1b[0m" in stream.getvalue()
    assert "\x1b[1mZ = encoder(Y).detach()\x1b[0m" in stream.getvalue()


def test_no_color_is_honoured_on_a_terminal(examples, plain_environment):
    plain_environment.setenv("NO_COLOR", "1")
    stream = Terminal()
    terminal.write(examples.blocked(), stream)
    assert "35m" not in stream.getvalue()
    assert "31m" not in stream.getvalue()


def test_force_color_is_honoured_in_a_pipe(examples, plain_environment):
    plain_environment.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    terminal.write(examples.blocked(), stream)
    assert "\x1b[" in stream.getvalue()


def test_columns_sets_the_width(examples, plain_environment):
    plain_environment.setenv("COLUMNS", "120")
    stream = io.StringIO()
    terminal.write(examples.blocked(), stream)
    assert stream.getvalue() == terminal.render(examples.blocked(), 120)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_stream_that_cannot_spell_the_glyphs_gets_ascii(story, plain_environment, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    terminal.write(story, stream)
    stream.flush()
    assert "✓" not in stream.buffer.getvalue().decode(encoding)


def test_hostile_names_are_shown_and_not_obeyed(examples, plain_environment):
    stream = Terminal()
    plain_environment.setenv("NO_COLOR", "1")
    plain_environment.setenv("TERM", "dumb")
    terminal.write(examples.hostile(), stream)
    assert control_characters(stream.getvalue()) == set()
    assert r"[red]\x1b[31m\nnet\u202e\t\x00" in stream.getvalue()


@settings(max_examples=150, deadline=None)
@given(name=TEXTS, line=TEXTS, path=TEXTS, words=TEXTS, width=st.integers(0, 200))
def test_no_text_reaches_the_terminal_as_a_control_character(examples, name, line, path, words, width):
    blocked = examples.blocked()
    place = replace(examples.at(8, words), path=path, text=line, function=name)
    finding = replace(
        blocked.findings[0], where=name, name=words, rule=words, message=words, cause=place, trail=(place, examples.at(3), place),
        fix=replace(blocked.findings[0].fix, text=words, patch=line),
    )  # fmt: skip
    record = examples.parameter(name, "BLOCKED", losses=[words], optimizer=name)
    hostile = replace(
        blocked, findings=(finding,), parameters={name: record}, gaps=(words,), script=replace(blocked.script, path=path),
        excerpts=(replace(blocked.excerpts[0], path=path, first_line=7, lines=(line, line, words)),),
        losses=(replace(blocked.losses[0], name=words), replace(blocked.losses[0], name=name)),
    )  # fmt: skip
    text = terminal.render(hostile, width)
    assert control_characters(text) == set()
    assert text == terminal.render(hostile, width)
