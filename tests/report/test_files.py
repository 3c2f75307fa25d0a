"""A report file is written whole or not at all, in the format its suffix names."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import files, terminal


def test_unknown_suffix_is_refused_with_the_known_ones():
    with pytest.raises(UsageError) as error:
        files.format_of("report.docx")
    assert str(error.value).startswith("'report.docx' names no known format.\n  ")
    for suffix in (".json", ".txt", ".dot", ".gv", ".svg", ".png"):
        assert suffix in str(error.value)
        files.format_of(f"report{suffix.upper()}")


@pytest.mark.parametrize("path", ["report", ".json", "json", "report."])
def test_name_without_a_suffix_is_refused(path):
    with pytest.raises(UsageError, match="no known format"):
        files.format_of(path)


def test_suffix_names_the_format(examples, tmp_path):
    files.save(examples.leak(), tmp_path / "a.json")
    files.save(examples.leak(), str(tmp_path / "a.txt"))
    files.save(examples.leak(), tmp_path / "a.DOT")
    assert json.loads((tmp_path / "a.json").read_text())["schema_version"] == "1.0"
    assert (tmp_path / "a.txt").read_bytes().decode() == terminal.render(examples.leak())
    assert "digraph" in (tmp_path / "a.DOT").read_text()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("report.json", "json"), ("report.codequality.json", "gitlab"), ("gl-code-quality-report.json", "gitlab"),
        ("report.md", "markdown"), ("report.gitlab.md", "gitlab-markdown"), ("gitlab.md", "markdown"),
        ("report.sarif", "sarif"), ("report.sarif.json", "sarif"), ("report.xml", "junit"), ("flow.mmd", "mermaid"),
    ],
)  # fmt: skip
def test_longest_suffix_names_the_format(name, form):
    assert files.format_of(name) is files.FORMATS[form]


def test_every_format_is_told_of_in_the_documents():
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
    told = [line.split("|")[1].strip().strip("`") for line in page.splitlines() if line.startswith("| `")]
    assert sorted(told) == sorted(files.FORMATS)
    for form in files.FORMATS.values():
        assert all(f"`{suffix}`" in page for suffix in form.suffixes)


def test_every_story_can_be_saved_as_text_and_json(story, tmp_path):
    for suffix in ("json", "txt"):
        files.save(story, tmp_path / f"story.{suffix}")
        assert (tmp_path / f"story.{suffix}").read_bytes().decode()


def test_new_file_has_the_permissions_that_any_new_file_gets(examples, tmp_path):
    (tmp_path / "plain").touch()
    files.save(examples.clean(), tmp_path / "report.json")
    assert (tmp_path / "report.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_replaced_file_keeps_its_permissions_and_a_link_stays_a_link(examples, tmp_path):
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    files.save(examples.clean(), link)
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == terminal.render(examples.clean())
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


@pytest.mark.parametrize("failing", ["replace", "chmod"])
def test_old_file_stays_whole_and_nothing_is_left_behind_on_failure(examples, tmp_path, monkeypatch, failing):
    (tmp_path / "report.txt").write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, failing, fail)
    with pytest.raises(UsageError, match=r"report\.txt' could not be written: No space left on device"):
        files.save(examples.clean(), tmp_path / "report.txt")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("report.txt", "old")]


def test_interrupted_write_leaves_nothing_behind(examples, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.save(examples.clean(), tmp_path / "report.txt")
    assert list(tmp_path.iterdir()) == []


def test_failing_renderer_leaves_the_old_file_alone(examples, tmp_path, monkeypatch):
    (tmp_path / "report.txt").write_text("old")
    monkeypatch.setattr(terminal, "render", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        files.save(examples.clean(), tmp_path / "report.txt")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("report.txt", "old")]


def test_missing_folder_is_named_with_the_reason(examples, tmp_path):
    path = tmp_path / "missing" / "report.json"
    with pytest.raises(UsageError) as error:
        files.save(examples.clean(), path)
    assert str(error.value).startswith(f"{str(path)!r} could not be written: No such file or directory.")


def test_folder_in_place_of_the_file_is_refused(examples, tmp_path):
    (tmp_path / "report.json").mkdir()
    with pytest.raises(UsageError, match="could not be written: Is a directory"):
        files.save(examples.clean(), tmp_path / "report.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipe_is_written_to_and_not_replaced(examples, tmp_path):
    pipe = tmp_path / "report.json"
    os.mkfifo(pipe)
    reader = subprocess.Popen(
        [sys.executable, "-c", "import sys; print(len(open(sys.argv[1]).read()))", pipe], stdout=subprocess.PIPE
    )
    files.save(examples.clean(), pipe)
    assert int(reader.communicate(timeout=30)[0]) > 100
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_reports_in_text_load_neither_torch_nor_the_picture():
    code = (
        "import sys; import gradcheck_freeze.report.files, gradcheck_freeze.report.json, gradcheck_freeze.report.terminal;"
        "assert not {'torch', 'graphviz', 'gradcheck_freeze.report.picture'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_format_loads_torch_or_asks_for_what_a_saved_report_lacks(examples, tmp_path):
    files.save(examples.leak(), tmp_path / "report.json")
    code = (
        "import sys; from gradcheck_freeze.report import files, reading;"
        "diagnosis = reading.load(sys.argv[1]);"
        "[form.render(diagnosis) for name, form in files.FORMATS.items() if name != 'png'];"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "report.json"], check=True)
