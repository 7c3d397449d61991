"""What if a lesson runs on Windows or macOS? Simulated: elsewhere.py says what that can show, and what it cannot."""

import json
import subprocess
import sys

import nbformat
import pytest

from mmlab.setup.places import NOTEBOOKS
from tests.platforms.__main__ import ELSEWHERE, ROOMS, main

LESSONS = [str(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]


def differences(system, lessons, tmp_path):
    """Run lessons as if on a system; give what they show that they do not store."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path / "ipython"), "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, ELSEWHERE, system, *lessons], capture_output=True, text=True, env=env)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("system", ["windows", "macos"])
def test_every_lesson_shows_there_what_it_shows_here(system, tmp_path):
    assert differences(system, LESSONS, tmp_path) == []


@pytest.mark.parametrize("code", [
    "import sys\nsys.platform", "open('/proc/self/maps').read(1)", "import os\nos.memfd_create('x')",
    "import pygraphviz", "exec('open(\"x\", \"w\")', {'__name__': 'mmlab.x'})",
])  # fmt: skip
def test_what_only_linux_has_is_found(code, tmp_path):
    stored = nbformat.v4.new_output("execute_result", {"text/plain": "'linux'"})
    cell = nbformat.v4.new_code_cell(code, outputs=[stored])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "x.ipynb")
    assert len(differences("macos", [str(tmp_path / "x.ipynb")], tmp_path)) == 1


@pytest.mark.parametrize("system", ["windows", "macos"])
def test_the_real_kernel_says_that_it_is_not_there(system, tmp_path):
    code = "from mmlab import linux\ntry:\n    linux.Kernel()\nexcept linux.Unavailable as reason:\n    print(reason)"
    name = {"windows": "Windows on AMD64", "macos": "Darwin on arm64"}[system]
    said = f"mmlab.linux needs Linux on x86-64: this is {name}; the lessons show recorded results instead\n"
    cell = nbformat.v4.new_code_cell(code, outputs=[nbformat.v4.new_output("stream", name="stdout", text=said)])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "x.ipynb")
    assert differences(system, [str(tmp_path / "x.ipynb")], tmp_path) == []


def test_rooms_and_lessons_hold_on_the_other_pythons_of_this_machine(capsys):
    """All lessons, the rooms' doctests, and what a fault does; all tests of the kernel: python -m tests.platforms."""
    with capsys.disabled():
        print()
        assert main([], ["tests/kernel/test_fault.py", *(f"mmlab/{room}" for room in ROOMS.split())]) == 0
