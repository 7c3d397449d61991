"""The command line, the stages of the tests, the launcher and the browser."""

import ast
import sys
from pathlib import Path

import pytest

import mmlab.__main__ as start
from mmlab.setup import browser, commands, export, launch, rerun, stages
from mmlab.setup.places import ROOT
from mmlab.setup.report import CommandFailed, Trouble
from mmlab.setup.stages import Stage


def test_any_python_3_can_read_the_start():
    ast.parse(Path(start.__file__).read_text(encoding="utf-8"), feature_version=(3, 5))


def test_an_old_python_without_a_newer_one_is_told(monkeypatch):
    monkeypatch.setattr(start, "is_new_enough", lambda command: False)
    with pytest.raises(SystemExit, match="needs Python 3.11 or newer"):
        start.hand_over()


def test_an_old_python_hands_over_to_a_newer_one(monkeypatch, capsys):
    monkeypatch.setattr(start, "is_new_enough", lambda command: command == "python3.12")
    monkeypatch.setattr(start.subprocess, "call", lambda words: words[0] == "python3.12" and 7)
    with pytest.raises(SystemExit, match="7"):
        start.hand_over()
    assert "too old for mmlab: using python3.12 instead" in capsys.readouterr().out


def test_help_names_each_command(capsys):
    assert commands.run([]) == 2
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in commands.COMMANDS)


def test_help_about_a_command_does_not_run_it(monkeypatch, capsys):
    def clean(words):
        """remove everything"""
        raise AssertionError("it ran")

    monkeypatch.setitem(commands.COMMANDS, "clean", clean)
    assert commands.run(["clean", "--help"]) == 0
    assert capsys.readouterr().out == "python -m mmlab clean: remove everything\n"


@pytest.mark.parametrize("main", [export.main, rerun.main])
def test_a_notebook_that_is_none_is_named(main, capsys):
    assert main(["nowhere/01_address_space.ipynb"]) == 1
    assert "there is no notebook nowhere/01_address_space.ipynb\nWhat to do: " in capsys.readouterr().err


def test_trouble_is_a_sentence_and_an_exit_code(monkeypatch, capsys):
    def fail(words):
        raise Trouble("The disk is full.")

    monkeypatch.setitem(commands.COMMANDS, "setup", fail)
    assert commands.run(["setup"]) == 1
    assert capsys.readouterr().err == "\nmmlab: The disk is full.\n"


def test_the_makefile_has_each_command():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"COMMANDS := {' '.join(commands.COMMANDS)}\n" in text


def test_stages_run_to_the_end_and_the_failed_one_shows_its_output(capfd):
    failing = Stage("bad", "a bad one", [["-c", "print('the reason'); raise SystemExit(3)"], ["-c", "print('never')"]])
    passing = Stage("good", "a good one", [["-c", "print('quiet')"]])
    live = Stage("live", "a live one", [["-c", "print('1 passed')"]], live=True)
    assert stages.run([failing, passing, live], Path(sys.prefix)) == 1
    out = capfd.readouterr().out
    assert "[1/3] a bad one … \nthe reason\n[1/3] a bad one … FAILED (again with: make test ARGS=bad)" in out
    assert "[2/3] a good one … ok (" in out
    assert "\n1 passed\n" in out
    assert "quiet" not in out and "never" not in out
    assert out.endswith("stages: 2 passed, 1 failed\n")


def test_a_stage_whose_needs_are_not_met_fails_and_the_others_run(capfd):
    def refuse(prefix):
        raise Trouble("No browser.")

    needy = Stage("needy", "a needy one", [["-c", "print('never')"]], before=refuse)
    passing = Stage("good", "a good one", [["-c", "pass"]])
    assert stages.run([needy, passing], Path(sys.prefix)) == 1
    out = capfd.readouterr().out
    assert "No browser.\n[1/2] a needy one … FAILED" in out
    assert "never" not in out
    assert out.endswith("stages: 1 passed, 1 failed\n")


def test_stages_are_chosen_by_name():
    assert [stage.name for stage in stages.choose(["unit", "lint"])] == ["lint", "unit"]
    assert len(stages.choose([])) >= 5
    with pytest.raises(Trouble, match="no stage uint"):
        stages.choose(["uint"])


def test_arguments_reach_jupyterlab():
    command = launch.lab_command(Path(sys.prefix), ["--port", "9999"])
    assert command[1:3] == ["-m", "jupyterlab"]
    assert command[-2:] == ["--port", "9999"]
    assert f"--ServerApp.root_dir={ROOT}" in command


def test_no_browser_is_a_failure_with_a_remedy(monkeypatch):
    for step in ("find", "install_by_apt"):
        monkeypatch.setattr(browser, step, lambda: None)
    for step in ("find_playwrights", "download"):
        monkeypatch.setattr(browser, step, lambda prefix: None)
    with pytest.raises(Trouble, match="sudo apt-get install chromium"):
        browser.provide(Path(sys.prefix))


def test_a_browser_that_only_asks_for_snap_is_none(monkeypatch):
    def fail(command):
        raise CommandFailed(command, "requires the chromium snap to be installed")

    monkeypatch.setattr(browser, "quietly", fail)
    assert not browser.runs(sys.executable)
