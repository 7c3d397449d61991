"""environment.yml asks conda-forge for what pyproject.toml asks PyPI for."""

import tomllib

import yaml
from packaging.requirements import Requirement

from mmlab.setup.places import ROOT

CONDA_NAMES = {"graphviz": "python-graphviz"}  # PyPI → conda-forge
PROGRAMS = {"graphviz": ">=14.1"}  # conda-forge alone has them: the `dot` command
BY_PIP = {"pygraphviz"}  # comes with mmlab itself, as a wheel

ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_names_and_ranges_are_the_same():
    wanted = {"python": PROJECT["requires-python"], "pip": "", **PROGRAMS}
    for requirement in map(Requirement, PROJECT["dependencies"]):
        if requirement.name not in BY_PIP:
            wanted[CONDA_NAMES.get(requirement.name, requirement.name)] = str(requirement.specifier)
    listed = [Requirement(line) for line in ENVIRONMENT["dependencies"] if isinstance(line, str)]
    assert {requirement.name: str(requirement.specifier) for requirement in listed} == wanted


def test_mmlab_itself_is_installed_from_the_folder():
    assert ENVIRONMENT["name"] == "mmlab"
    assert {"pip": ["-e ."]} in ENVIRONMENT["dependencies"]
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
