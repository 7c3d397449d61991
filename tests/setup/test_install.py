"""Making `.venv`: what if it was interrupted, moved, broken, or is something else."""

import json
import sys

import pytest

from mmlab.setup import install, report
from mmlab.setup.report import CommandFailed, Trouble, told


@pytest.fixture
def venv(tmp_path, monkeypatch):
    """A `.venv` of its own, not yet there."""
    folder = tmp_path / "Übung 1" / ".venv"
    folder.parent.mkdir()
    for module in (install, install.places):
        monkeypatch.setattr(module, "VENV", folder)
    monkeypatch.setattr(install, "STAMP", folder / "mmlab-setup.json")
    return folder


def pretend_it_starts(monkeypatch, answer):
    monkeypatch.setattr(install, "starts", lambda: answer)


def test_a_complete_environment_is_left_alone(venv, monkeypatch):
    install.mark(install.wanted("lab"))
    pretend_it_starts(monkeypatch, True)
    monkeypatch.setattr(install, "install", lambda level: pytest.fail("installed again"))
    assert install.ensure("lab") == venv


def test_what_the_tests_need_holds_for_the_lab_too(venv, monkeypatch):
    install.mark(install.wanted("test"))
    pretend_it_starts(monkeypatch, True)
    assert install.enough("lab") == "test"
    assert install.is_ready("lab")


@pytest.mark.parametrize("change", [{"digest": "another lock"}, {"root": "/elsewhere"}, {"unfinished": "yes"}])
def test_a_stamp_that_differs_means_installing(venv, monkeypatch, change):
    install.mark(install.wanted("lab") | change)
    pretend_it_starts(monkeypatch, True)
    assert not install.is_ready("lab")


def test_an_unreadable_stamp_means_installing(venv, monkeypatch):
    venv.mkdir()
    (venv / "mmlab-setup.json").write_text('{"level": "la')
    pretend_it_starts(monkeypatch, True)
    assert not install.is_ready("lab")
    assert install.can_be_continued()


@pytest.mark.parametrize(
    ("change", "starts", "told"),
    [
        ({"unfinished": "yes"}, True, "An earlier set-up was interrupted"),
        ({"root": "/elsewhere"}, True, "This folder was /elsewhere"),
        ({}, False, "does not start"),
        ({"digest": "another lock"}, True, ""),
    ],
)
def test_what_cannot_be_continued_is_said(venv, monkeypatch, capsys, change, starts, told):
    install.mark(install.wanted("lab") | change)
    pretend_it_starts(monkeypatch, starts)
    assert install.can_be_continued() == (not told)
    assert told in capsys.readouterr().out


def test_an_environment_is_discarded(venv):
    install.mark({"unfinished": "yes"})
    install.discard()
    assert not venv.exists()


def test_a_dangling_link_is_discarded(venv):
    venv.symlink_to("nowhere")
    install.discard()
    assert not venv.is_symlink()


def test_a_folder_that_is_something_else_is_never_discarded(venv):
    venv.mkdir()
    (venv / "thesis.txt").touch()
    with pytest.raises(Trouble, match="move it away"):
        install.discard()
    assert (venv / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("apt", "prefix", "told"),
    [
        ("/usr/bin/apt-get", "/usr", "sudo apt-get install -y python3.*-venv"),
        ("/usr/bin/apt-get", "/opt/python", "ensurepip is missing"),
        (None, "/usr", "ensurepip is missing"),
    ],
)
def test_without_ensurepip_it_says_what_to_install(monkeypatch, apt, prefix, told):
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(install.shutil, "which", lambda name: apt)
    monkeypatch.setattr(install, "is_root", lambda: False)
    monkeypatch.setattr(sys, "base_prefix", prefix)
    with pytest.raises(Trouble, match=told):
        install.prepare_venv_module()


def test_a_full_disk_is_told(monkeypatch, venv):
    def fail(level):
        raise OSError(28, "No space left on device", str(venv))

    monkeypatch.setattr(install, "is_ready", fail)
    with pytest.raises(Trouble, match="free about 1 GB"):
        install.ensure("lab")


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("error: No space left on device (os error 28)", "The disk is full"),
        ("error sending request for url\n  dns error: failed to lookup", "cannot be reached"),
        ("Retrying after NewConnectionError\nCould not find a version that satisfies", "cannot be reached"),
        ("ERROR: Could not find a version that satisfies the requirement (from versions: none)", "fits this machine"),
        ("Hash mismatch for `six==1.17.0`", "not the one whose hash is locked"),
        ("something never seen before", "Installing into /somewhere failed. *\n    something never seen before"),
    ],
)
def test_a_failed_command_is_told_in_sentences(monkeypatch, tmp_path, output, cause):
    monkeypatch.setattr(report, "LOG", tmp_path / "build" / "setup.log")
    trouble = told(CommandFailed(["uv", "pip"], output), "Installing into /somewhere")
    with pytest.raises(Trouble, match=cause):
        raise trouble
    assert "What to do: " in str(trouble)
    assert output in (tmp_path / "build" / "setup.log").read_text()


def test_the_locked_installer_is_found_with_its_hashes():
    lines = install.entry(install.LOCKS / "lab.lock", "uv").splitlines()
    assert lines[0].startswith("uv==")
    assert len(lines) > 5
    assert all("--hash=sha256:" in line for line in lines[1:])


def test_an_index_that_pip_is_set_to_holds_for_uv(monkeypatch):
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.setattr(install, "quietly", lambda *_, **__: "global.index-url='http://mirror/simple'\n")
    assert install.installer_variables()["UV_DEFAULT_INDEX"] == "http://mirror/simple"


def test_the_news_pop_up_is_switched_off(venv):
    install.silence_news()
    written = json.loads((venv / "etc" / "jupyter" / "labconfig" / "page_config.json").read_text())
    assert "@jupyterlab/apputils-extension:announcements" in written["disabledExtensions"]


def test_the_kernel_of_the_site_is_set_aside(venv, monkeypatch):
    monkeypatch.setattr(install, "ASIDE", venv / "aside")
    folder = venv / "share" / "jupyter" / "labextensions" / install.SITE_KERNEL
    for text in ("old", "new"):
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(text)
        install.set_aside(install.SITE_KERNEL)
        assert not folder.exists()
        assert (venv / "aside" / install.SITE_KERNEL / "package.json").read_text() == text
    install.set_aside(install.SITE_KERNEL)
    assert (venv / "aside" / install.SITE_KERNEL).exists()
