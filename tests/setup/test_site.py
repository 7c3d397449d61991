"""The parts of the static site: what its builder writes, and what makes mmlab at home in a page."""

import errno
import json
import os
import re
import zipfile

import nbformat
import pytest

from mmlab.include import errors
from mmlab.setup import checks, site
from mmlab.setup.page import compiled, mmlab_site
from mmlab.setup.places import LOCKS, NOTEBOOKS
from mmlab.setup.report import Trouble


def wheel(folder, name, needs=()):
    """Write a wheel of one module, and return it."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as package:
        about = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
        lines = [*about, *(f"Requires-Dist: {need}" for need in needs)]
        package.writestr(f"{name}-1.0.dist-info/METADATA", "\n".join(lines) + "\n")
        package.writestr(f"{name}/__init__.py", "answer = 42\n")
    return path


def test_each_notebook_begins_with_one_hidden_cell_and_is_else_the_same(tmp_path):
    site.write_contents(tmp_path / "contents")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        ours = nbformat.read(path, as_version=4).cells
        theirs = nbformat.read(tmp_path / "contents" / "notebooks" / path.name, as_version=4).cells
        assert theirs[1].source == site.HIDDEN
        assert theirs[1].metadata == {"jupyter": {"source_hidden": True}}
        assert [*theirs[:1], *theirs[2:]] == ours, path.name


def test_links_of_the_lessons_lead_to_files_of_the_site(tmp_path):
    site.write_contents(tmp_path / "contents")
    folder = tmp_path / "contents" / "notebooks"
    links = set()
    for path in folder.glob("[01]*.ipynb"):
        links |= {link for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
                  for link in re.findall(r"\]\(([\w./]+)", cell.source) if ":" not in link}
    assert "../mmlab/mm/memory.py" in links
    assert not [link for link in links if not (folder / link).exists()]


def test_pyodide_is_told_what_a_package_needs_in_a_page(tmp_path):
    needs = ["comm>=0.1", "pexpect; sys_platform != 'emscripten'", "pytest; extra == 'test'", "jupyterlab"]
    found = site.entry("six", wheel(tmp_path, "six", needs), {"six", "comm"})
    assert (found["depends"], found["imports"], found["version"]) == (["comm"], ["six"], "1.0")


def test_a_package_that_the_page_lacks_is_named(tmp_path):
    with pytest.raises(Trouble, match=r"six needs comm, which the page lacks(.|\n)*requirements/page.in"):
        site.entry("six", wheel(tmp_path, "six", ["comm"]), {"six"})


def test_a_missing_extension_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(site.places, "environment", lambda: tmp_path)
    with pytest.raises(Trouble, match="make clean"):
        site.extension("@nobody/nothing")


def test_without_node_the_locked_one_is_installed(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(site.shutil, "which", lambda name: None)
    monkeypatch.setattr(site, "NODE", tmp_path)
    monkeypatch.setattr(site, "pip", lambda what, verb, lock, *words: asked.append((verb, lock)))
    node = site.node_command("npm")
    assert asked == [("install", "node.lock")]
    assert str(node[1]).endswith("npm-cli.js")


def test_compiled_packages_hold_no_sources_but_mmlabs(tmp_path):
    for name in ("six", "mmlab"):
        wheel(tmp_path, name)
    compiled.compile_all(tmp_path)
    names = {name: zipfile.ZipFile(tmp_path / f"{name}-1.0-py3-none-any.whl").namelist() for name in ("six", "mmlab")}
    assert names["six"][-1:] == ["six/__init__.pyc"]
    assert names["mmlab"][-2:] == ["mmlab/__init__.py", "mmlab/__pycache__/__init__.cpython-314.pyc"]


def test_npm_packages_are_pinned_by_integrity_and_without_addresses():
    text = (LOCKS / "npm" / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    assert "://" not in text
    assert all(found["integrity"].startswith("sha512-") for name, found in packages.items() if name)
    asked = json.loads((LOCKS / "npm" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert asked == packages[""]["dependencies"]
    assert all(packages[f"node_modules/{name}"]["version"] == version for name, version in asked.items())


def test_linux_numbers_are_those_of_linux():
    assert all(getattr(errno, name) == number for name, number in mmlab_site.LINUX.items())
    for name, number in mmlab_site.LINUX.items():
        ours, theirs = mmlab_site.linux_error(number, "f: no"), OSError(number, "f: no")
        assert isinstance(ours, mmlab_site.CLASSES.get(name, OSError)), name
        assert (type(ours).__name__, ours.errno, ours.strerror, str(ours)) == (
            type(theirs).__name__, theirs.errno, theirs.strerror, str(theirs)
        ), name  # fmt: skip


def test_linux_words_are_those_of_linux():
    assert all(os.strerror(number) == words for number, words in mmlab_site.WORDS.items())


def test_every_errno_that_the_rooms_use_is_known_in_a_page():
    used = set()
    for path in (site.ROOT / "mmlab").rglob("*.py"):
        for line in re.findall(r"^from errno import (.*)$", path.read_text(encoding="utf-8"), re.M):
            used |= set(line.split(", "))
    assert len(used) > 20
    assert used <= set(mmlab_site.LINUX)


def test_failures_carry_linux_numbers_where_the_platform_has_others(monkeypatch):
    for name, value in vars(errno).copy().items():
        monkeypatch.setitem(vars(errno), name, value)
    monkeypatch.setitem(vars(errno), "EINVAL", 28)
    monkeypatch.setitem(vars(errors), "OSError", OSError)
    monkeypatch.setattr(os, "strerror", os.strerror)
    mmlab_site.speak_linux()
    assert (errno.EINVAL, errno.errorcode[22]) == (22, "EINVAL")
    assert repr(errors.failure(errno.EINVAL, "do_mmap", "no")) == "OSError(22, 'do_mmap: no')"
    assert type(errors.failure(errno.EACCES, "do_mmap", "no")) is PermissionError
    assert os.strerror(12) == "Cannot allocate memory"


def test_in_a_page_the_doctor_asks_what_matters_there(monkeypatch):
    monkeypatch.setattr(checks.sys, "platform", "emscripten")
    report = checks.doctor()
    assert [check.name for check in report.checks] == ["Python", "graph renderer", "system"]
    assert repr(report) == "All 3 checks passed."
