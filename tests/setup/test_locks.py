"""The locks name every package with its hashes, agree with each other and pyproject.toml, and hold no address."""

import re
import tomllib
from itertools import pairwise

import pytest
from packaging.requirements import Requirement

from mmlab.setup import locks
from mmlab.setup.install import LEVELS
from mmlab.setup.places import LOCKS, ROOT
from mmlab.setup.report import Trouble

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def requirements_of(name):
    """Return the requirements in a file of `requirements/`."""
    return [line for line in (LOCKS / name).read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]


TOOLS = requirements_of("tools.in")


def pinned(level):
    """Return name → set of locked versions."""
    versions = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", (LOCKS / f"{level}.lock").read_text(), re.M):
        versions.setdefault(name, set()).add(version)
    return versions


@pytest.mark.parametrize("level", [*LEVELS, "page", "node"])
def test_no_address_and_a_hash_for_each(level):
    text = (LOCKS / f"{level}.lock").read_text(encoding="utf-8")
    assert "://" not in text
    for block in re.split(r"\n(?=\w)", text.split("\n", 1)[1]):
        assert re.fullmatch(r"[\w.-]+==\S+( ; .*)? (\\\n    --hash=sha256:[0-9a-f]{64} ?)+\n?", block), block


@pytest.mark.parametrize(
    ("level", "requirements"),
    [
        ("lab", PROJECT["dependencies"] + TOOLS),
        *((level, PROJECT["dependencies"] + TOOLS + EXTRAS[level]) for level in LEVELS[1:]),
        ("page", requirements_of("page.in")),
        ("node", requirements_of("node.in")),
    ],
)
def test_direct_dependencies_are_locked_within_their_bounds(level, requirements):
    versions = pinned(level)
    for requirement in map(Requirement, requirements):
        assert all(version in requirement.specifier for version in versions[requirement.name]), requirement


@pytest.mark.parametrize(("part", "whole"), list(pairwise(LEVELS)))
def test_each_level_is_a_part_of_the_next(part, whole):
    larger = pinned(whole)
    assert all(larger[name] == versions for name, versions in pinned(part).items())


def test_what_slows_each_process_is_left_out():
    assert "rfc3987-syntax==1.1.0 ; sys_platform == 'never'" in (LOCKS / "lab.lock").read_text()


def test_settings_of_this_machine_do_not_reach_the_lock():
    kept = locks.public_only({"UV_EXTRA_INDEX_URL": "x", "UV_CACHE_DIR": "/cache", "PATH": "/bin"})
    assert "UV_EXTRA_INDEX_URL" not in kept
    assert (kept["UV_CACHE_DIR"], kept["PATH"]) == ("/cache", "/bin")


def test_a_lock_with_an_address_is_refused(monkeypatch, tmp_path):
    (tmp_path / "lab.lock").write_text("six @ file:///six.whl\n")
    monkeypatch.setattr(locks, "LOCKS", tmp_path)
    monkeypatch.setattr(locks, "ROOT", tmp_path)
    monkeypatch.setattr(locks, "quietly", lambda *_, **__: "")
    with pytest.raises(Trouble, match="names an address"):
        locks.resolve(tmp_path, "lab", [])
