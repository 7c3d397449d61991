"""environment.yml asks conda-forge for what pyproject.toml asks PyPI for."""

import re
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from mmlab.setup.places import ROOT

CONDA_NAMES = {"graphviz": "python-graphviz"}  # PyPI → conda-forge
PROGRAMS = {"graphviz": ">=14.1"}  # conda-forge alone has them: the `dot` command
BY_PIP = {"pygraphviz"}  # comes with mmlab itself, as a wheel

ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_names_and_ranges_are_the_same():
    wanted = {"pip": "", **PROGRAMS}
    for requirement in map(Requirement, PROJECT["dependencies"]):
        if requirement.name not in BY_PIP:
            wanted[CONDA_NAMES.get(requirement.name, requirement.name)] = str(requirement.specifier)
    listed = [Requirement(line) for line in ENVIRONMENT["dependencies"][1:] if isinstance(line, str)]
    assert {requirement.name: str(requirement.specifier) for requirement in listed} == wanted


def test_one_python_is_named_so_that_binder_does_not_take_its_default():
    """repo2docker starts from its own packages for this Python; without `=` it takes 3.10, which is too old."""
    name, version = re.fullmatch(r"(python)=(\d+\.\d+)", ENVIRONMENT["dependencies"][0]).groups()
    assert name == "python" and version in SpecifierSet(PROJECT["requires-python"])


def test_mmlab_itself_is_installed_from_the_folder():
    assert ENVIRONMENT["name"] == "mmlab"
    assert {"pip": ["-e ."]} in ENVIRONMENT["dependencies"]
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
