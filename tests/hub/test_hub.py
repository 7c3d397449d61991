"""A real hub: two learners run different lessons at once, one hands an assignment in, and all of it ends."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from mmlab.setup import hub as own
from mmlab.setup import places
from mmlab.setup.report import Trouble
from tests.hub.hub import Hub, Learner, execute, seen

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at the processes of a hub in /proc")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    started = Hub(tmp_path_factory.mktemp("hub"))
    started.start()
    yield started
    if started.process.poll() is None:
        started.stop()


RELEASE = """
import sys
from nbgrader.apps import NbGraderAPI
from traitlets.config.loader import PyFileConfigLoader

config = PyFileConfigLoader("nbgrader_config.py", path=sys.argv[1]).load_config()
config.CourseDirectory.root = sys.argv[2]
api = NbGraderAPI(config=config)
for act in api.generate_assignment, api.release_assignment:
    done = act("ps1")
    assert done["success"], done
"""


def release(hub, course):
    """Release an assignment of one notebook as the instructor, into the exchange of the hub."""
    source = course / "source" / "ps1"
    source.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]), source / "problem.ipynb")
    env = places.variables(Path(sys.prefix)) | {"MMLAB_EXCHANGE": str(hub.state / "exchange")}
    command = [sys.executable, "-c", RELEASE, str(places.ROOT / "deploy" / "jupyter"), str(course)]
    done = subprocess.run(command, cwd=course, env=env, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_two_learners_attend_and_the_hub_takes_all_with_it(hub, tmp_path):
    """Each runs a lesson in a server of their own; one fetches an assignment and hands it in; nothing is left over."""
    learners = {Learner(hub, "ada"): "04_three_links.ipynb", Learner(hub, "ben"): "01_address_space.ipynb"}
    with ThreadPoolExecutor(2) as pool:
        differing = list(pool.map(lambda learner: learner.attend(learners[learner]), learners))
    assert differing == [[], []]
    processes = [process for learner in learners for process in learner.processes()]
    assert len(processes) == 4  # a server and a kernel for each
    assert all(100_000 < learner.memory()["Pss"] < 400_000 for learner in learners)

    release(hub, tmp_path)
    ada = next(iter(learners)).connect()
    shown = execute(ada, "!nbgrader fetch_assignment ps1 && nbgrader submit ps1")
    ada.close()
    assert len(list((hub.state / "exchange").glob("mmlab/inbound/*+ps1+*/problem.ipynb"))) == 1, seen(shown)
    assert (hub.state / "exchange").stat().st_mode & 0o7777 == 0o1777

    hub.stop()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{process}").exists() for process in processes) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{process}").exists() for process in processes)


def test_a_hub_for_real_accounts_needs_root_and_says_so(monkeypatch):
    monkeypatch.setattr(own, "is_root", lambda: False)
    with pytest.raises(Trouble, match="ARGS=--trial"):
        own.refuse_where_it_cannot_run(trial=False)
    own.refuse_where_it_cannot_run(trial=True)


def test_what_learners_cannot_enter_is_named(tmp_path):
    closed = tmp_path / "root"
    (closed / "bin").mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(Trouble, match=r"may not enter \S*root\.(.|\n)*make hub PYTHON="):
        own.refuse_what_learners_cannot_enter(Path("/usr/bin"), closed / "bin")
    own.refuse_what_learners_cannot_enter(Path("/usr/bin"))


def test_windows_is_told_what_to_do_instead(monkeypatch):
    monkeypatch.setattr(places, "WINDOWS", True)
    with pytest.raises(Trouble, match="WSL"):
        own.refuse_where_it_cannot_run(trial=True)
