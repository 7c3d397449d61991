"""The doctor: it passes here, and says what to do where something is wrong."""

import sys
from pathlib import Path

import pytest

from mmlab.setup import checks, doctor, places


def test_this_environment_is_healthy():
    report = doctor()
    assert repr(report) == "All 7 checks passed."
    assert report.table().count("ok  ") == 7


def test_a_failure_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(checks.sys, "prefix", "/opt/other")
    report = doctor()
    assert not report.ok
    assert "environment: this Python belongs to /opt/other" in repr(report)
    assert "→ start it with: make lab" in report.table()


def test_without_an_environment_it_says_how_to_make_one(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "VENV", tmp_path / ".venv")
    with pytest.raises(checks.Failed) as failed:
        checks.running_environment()
    assert "make setup" in failed.value.remedy


def test_a_version_that_is_not_the_locked_one(monkeypatch):
    monkeypatch.setattr(checks.metadata, "version", lambda name: "1.0" if name == "jupyterlab" else "0")
    assert checks.mismatch("jupyterlab", "==4.6.6") == "jupyterlab is 1.0, not ==4.6.6"
    with pytest.raises(checks.Failed, match="and [0-9]+ more"):
        checks.package_versions()


def test_in_conda_the_ranges_of_pyproject_count(monkeypatch):
    monkeypatch.setattr(places, "in_conda_environment", lambda: True)
    assert dict(checks.allowed_versions())["jupyterlab"].startswith(">=")
    assert "pyproject.toml allows" in checks.package_versions()


@pytest.mark.parametrize(("dot", "seen"), [("/opt/bin/dot", "/opt/bin/dot"), (None, None)])
def test_without_pygraphviz_a_dot_command_draws(monkeypatch, dot, seen):
    monkeypatch.setattr(checks, "draws", lambda command: command[0] == dot)
    monkeypatch.setattr(checks.shutil, "which", lambda name, path=None: dot)
    if seen:
        assert checks.renderer() == seen
    else:
        with pytest.raises(checks.Failed, match="neither pygraphviz nor a dot command") as failed:
            checks.renderer()
        assert "install Graphviz" in failed.value.remedy


def test_a_kernel_of_another_python_is_found_out(monkeypatch, tmp_path):
    kernel = tmp_path / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text('{"argv": ["/opt/other/bin/python", "-m", "ipykernel_launcher"], "display_name": "Wrong"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    with pytest.raises(checks.Failed, match="starts /opt/other/bin/python"):
        checks.kernel()


def test_the_launcher_puts_the_projects_kernel_first(monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", "/opt/other")
    monkeypatch.setenv("PYTHONHOME", "/opt/other")
    values = places.variables(Path(sys.prefix))
    assert values["JUPYTER_PATH"].startswith(str(Path(sys.prefix) / "share" / "jupyter"))
    assert "PYTHONHOME" not in values


@pytest.mark.parametrize(
    ("error", "seen", "remedy"),
    [
        (ModuleNotFoundError("No module named 'x'"), "No module named 'x'", checks.SET_UP),
        (ValueError("odd"), "ValueError: odd", f"make clean, then {checks.SET_UP}"),
    ],
)
def test_whatever_a_broken_package_raises_is_a_failed_check(error, seen, remedy):
    def broken():
        raise error

    assert checks.outcome("widgets", broken) == checks.Check("widgets", seen, remedy)


@pytest.mark.parametrize(("platform", "seen"), [("linux", "Linux"), ("darwin", "recorded results are shown")])
def test_any_system_will_do(monkeypatch, platform, seen):
    monkeypatch.setattr(checks.sys, "platform", platform)
    assert seen in checks.operating_system()
