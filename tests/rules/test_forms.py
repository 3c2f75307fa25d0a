"""The forms of a script do what the script does."""

import contextlib
import io
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import forms

SCRIPT = '''# options: --frozen total@loss
# expect: leak total.*
import math


class Scaled:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, value):
        return value * self.factor


def doubled(value):
    return value * 2


# what it starts from
total, factor = 0, Scaled(3)
text = """first
    second"""


def add(value, times=1):
    return total + factor(value) * times  # <- blame


def shown():
    return f"{len(text)}"


for n in [value for value in range(4)]:
    total = add(doubled(n), times=2)
    ceiling = max((factor for factor in (1, total)), key=lambda total: -total)
print(total, math.floor(ceiling), text, shown())
'''


def output(text: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "script.py", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


@pytest.mark.parametrize("form", forms.FORMS)
def test_every_form_prints_what_the_script_prints(form: str) -> None:
    text = forms.FORMS[form](SCRIPT)
    assert output(text) == output(SCRIPT)
    assert text.count("# <- blame") == text.count("# what it starts from") == 1


def test_names_in_marks_and_options_follow_the_variables() -> None:
    assert forms.as_trainer(SCRIPT).splitlines()[:2] == [
        "# options: --frozen self.total@loss",
        "# expect: leak self.total.*",
    ]
    assert forms.as_function(SCRIPT).splitlines()[:2] == SCRIPT.splitlines()[:2]


def test_a_class_that_uses_a_variable_of_the_script_is_refused() -> None:
    with pytest.raises(ValueError, match="class Uses uses a variable"):
        forms.as_method("width = 3\n\n\nclass Uses:\n    size = width\n")
