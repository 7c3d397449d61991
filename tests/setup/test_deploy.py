"""What is in deploy/ and .devcontainer/: files that point to what is there, and lessons that arrive whole."""

import json
import re
import sys

import pytest
import yaml

from mmlab.setup import apps, badges, hub, series
from mmlab.setup.places import NOTEBOOKS, ROOT
from mmlab.setup.report import Trouble

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
VALUES = yaml.safe_load((DEPLOY / "values.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def start(monkeypatch):
    """deploy/start_server.py as a module."""
    monkeypatch.syspath_prepend(str(DEPLOY))
    yield __import__("start_server")
    del sys.modules["start_server"]


def test_lessons_arrive_and_the_learners_work_stays(start, tmp_path):
    """What if the course changes a lesson that the learner has changed, one they have not, and one they removed?"""
    source, home = tmp_path / "course", tmp_path / "home" / "mmlab"
    for name in ("notebooks/1.ipynb", "notebooks/2.ipynb", "notebooks/3.ipynb", "mmlab/mm/mmap.py", "tests/x.py"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("first")
    assert len(start.give_lessons(source, home)) == 4
    assert home.stat().st_mode & 0o777 == 0o700
    assert start.give_lessons(source, home) == []

    (home / "notebooks/1.ipynb").write_text("mine")
    (home / "notebooks/3.ipynb").unlink()
    for name in ("notebooks/1.ipynb", "notebooks/2.ipynb"):
        (source / name).write_text("second")
    assert start.give_lessons(source, home) == ["notebooks/2.ipynb", "notebooks/3.ipynb"]
    assert [(home / f"notebooks/{n}.ipynb").read_text() for n in (1, 2, 3)] == ["mine", "second", "first"]
    assert start.give_lessons(source, home) == []


@pytest.mark.parametrize("damage", ["", "[", "[1]", "null"])
def test_a_damaged_list_overwrites_no_work(start, tmp_path, damage):
    source, home = tmp_path / "course", tmp_path / "home"
    (source / "notebooks").mkdir(parents=True)
    (source / "notebooks/1.ipynb").write_text("first")
    start.give_lessons(source, home)
    (home / "notebooks/1.ipynb").write_text("mine")
    (home / ".given.json").write_text(damage)
    assert start.give_lessons(source, home) == []
    assert (home / "notebooks/1.ipynb").read_text() == "mine"


def test_a_home_that_cannot_be_written_still_gets_its_server(start, tmp_path, monkeypatch, capsys):
    (tmp_path / "mmlab").write_text("a file where a folder should be")
    monkeypatch.setattr(start.Path, "home", lambda: tmp_path)
    ran = []
    monkeypatch.setattr(start.os, "execvp", lambda *command: ran.append(command))
    start.main(["jupyter", "lab"])
    assert ran == [("jupyter", ["jupyter", "lab"])]
    assert "could not be brought up to date" in capsys.readouterr().err


def test_the_image_has_what_it_names():
    assert len(re.findall(r"^FROM \S+:\d\S+$", DOCKERFILE, re.M)) == 1  # a version, never "latest"
    for path in re.findall(r"/opt/mmlab/([\w./]+)", DOCKERFILE):
        assert (ROOT / path).exists(), path
    assert "--file environment.yml" in DOCKERFILE
    assert re.findall(r"^USER (\d+)$", DOCKERFILE, re.M)[-1] == "1000"


def test_the_chart_and_the_image_agree():
    release = re.search(r"JUPYTERHUB_VERSION=(\S+)", DOCKERFILE)[1]
    assert f"(JupyterHub {release})" in (DEPLOY / "values.yaml").read_text(encoding="utf-8")
    server = VALUES["singleuser"]
    volumes, mounts = server["storage"]["extraVolumes"], server["storage"]["extraVolumeMounts"]
    exchange = yaml.safe_load((DEPLOY / "exchange.yaml").read_text(encoding="utf-8"))
    claim, mount = volumes["mmlab-exchange"]["persistentVolumeClaim"]["claimName"], mounts["mmlab-exchange"]
    assert claim == exchange["metadata"]["name"] and mount["name"] == volumes["mmlab-exchange"]["name"]
    assert mount["mountPath"] == server["extraEnv"]["MMLAB_EXCHANGE"]
    assert "password" not in json.dumps(VALUES["hub"]["config"]).replace("shared-password", "")


@pytest.mark.parametrize("file", ["values.yaml", "jupyterhub_config.py"])
def test_a_server_opens_on_the_contents_page(file):
    found = re.search(r"/lab/tree/mmlab/(notebooks/[\w.]+)", (DEPLOY / file).read_text(encoding="utf-8"))
    assert (ROOT / found[1]).exists()


def test_the_proxy_is_locked_with_hashes_and_without_an_index():
    packages = json.loads((DEPLOY / "proxy" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all("resolved" not in each for each in packages.values())
    assert all(each["integrity"].startswith("sha512-") for path, each in packages.items() if path)
    assert hub.LOCKED == DEPLOY / "proxy"


def test_the_devcontainer_sets_up_as_readme_says():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert container["postCreateCommand"] == "make setup"
    assert all((ROOT / path).exists() for path in container["customizations"]["codespaces"]["openFiles"])


@pytest.mark.parametrize("address", ["https://github.com/you/mmlab.git", "git@github.com:you/mmlab", "ssh://git@GitHub.com/you/mmlab/"])
def test_badges_lead_to_the_repository_however_it_is_written(address):
    binder, codespaces = badges.badges(address)
    assert "(https://mybinder.org/v2/gh/you/mmlab/HEAD?urlpath=lab%2Ftree%2Fnotebooks%2F00_start_here.ipynb)" in binder
    assert "(https://codespaces.new/you/mmlab?quickstart=1)" in codespaces


def test_a_badge_of_a_server_of_ones_own_holds_no_password():
    (binder,) = badges.badges("https://me:secret@git.example.org/you/mmlab.git")
    assert "/v2/git/https%3A%2F%2Fgit.example.org%2Fyou%2Fmmlab/HEAD" in binder and "secret" not in binder


@pytest.mark.parametrize("address", ["/srv/mmlab", "file:///srv/mmlab", "", "mmlab", "C:\\mmlab"])
def test_a_folder_is_no_address_to_launch_from(address):
    with pytest.raises(Trouble, match="make badges ARGS=https"):
        badges.badges(address)


def test_readme_names_no_owner_that_does_not_exist():
    assert not re.search(r"mybinder\.org/v2|codespaces\.new", (ROOT / "README.md").read_text(encoding="utf-8"))


def test_each_lesson_has_an_app_with_its_lab_and_its_words(tmp_path):
    lessons = [path for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")) if path.name[:2] != "00"]
    assert [path.name for path in apps.write(tmp_path)] == [path.name for path in lessons]
    for path in lessons:
        words, lab = apps.app(path).cells
        assert len(words.source) > 150 and "](" not in words.source
        assert sum(map(apps.is_lab, series.cells(path))) == 1
        compile(lab.source, path.name, "exec")
