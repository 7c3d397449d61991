"""What if a submission is hostile, or broken? It costs that submission only, and the report says what happened.

Everything is handed in and graded at once, with the honest in between; then each test looks at what came of it.
"""

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from mmlab.coursework.problem import ProblemSet
from tests.coursework.helpers import Class, solutions

PAGES = "def pages(length):\n    return -(-length // 4096)\n"

# By student: which answer is another one than the reference, what that costs (of 9 points), and what the report says.
HOSTILE: dict[str, tuple[dict[str, str], float, str]] = {
    "loops": ({"sum": "while True: pass"}, 2, "did not end within 1 s"),
    "loops in a function": ({"pages": "def pages(length):\n    while True: pass"}, 4, "did not end within 1 s"),
    "sleeps": ({"sum": "import time\ntime.sleep(1e6)"}, 2, "did not end within 1 s"),
    "prints": ({"pages": PAGES + "for _ in range(1000): print('x' * 10**5)"}, 0, "9 of 9"),
    "says much": ({"pages": "def pages(length):\n    return 'x' * 10**8"}, 4, "ps0-pages: 0 of 4"),
    "hogs memory": ({"sum": "total = []\nwhile True: total.append(bytearray(10**8))"}, 2, "ps0-sum: 0 of 2"),
    "hogs memory in pieces": ({"sum": "total = []\nwhile True: total.append([0] * 1000)"}, 2, "ps0-sum: 0 of 2"),
    "exits": ({"sum": "import os\nos._exit(0)"}, 2, "ended its own process"),
    "exits politely": ({"sum": "raise SystemExit"}, 2, "SystemExit"),
    "interrupts": ({"pages": "def pages(length):\n    raise KeyboardInterrupt"}, 4, "KeyboardInterrupt"),
    "recurses": ({"pages": "def pages(length):\n    return pages(length)"}, 4, "RecursionError"),
    "nests": ({"sum": "total = []\nfor _ in range(10**5): total = [total]"}, 2, "RecursionError"),
    "answers with an object": ({"sum": "total = object()"}, 2, "not plain data"),
    "answers to everything": (
        {"sum": "class Yes(int):\n    __eq__ = __lt__ = __gt__ = lambda *_: True\n    __hash__ = None\ntotal = Yes()"},
        2, "The sum is another one"),
    "counts to the end of the world": ({"count": "count = -1"}, 1, "please look at it"),
    "counts to the end of memory": ({"count": "count = 10**12"}, 1, "please look at it"),
    "counts with a word": ({"count": "count = 'three'"}, 1, "not the form that was asked for (TypeError"),
    "forks": ({"sum": "import os\nwhile True: os.fork()"}, 2, "PermissionError"),
    "starts a program": ({"sum": "import subprocess\nsubprocess.run(['true'])"}, 2, "PermissionError"),
    "starts threads": ({"sum": "import threading, time\nwhile True:\n"
                               "    threading.Thread(target=time.sleep, args=(99,), daemon=True).start()"},
                       2, "ps0-sum: 0 of 2"),
    "phones home": ({"sum": "import socket\nsocket.socket()"}, 2, "PermissionError"),
    "kills": ({"sum": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"}, 2, "PermissionError"),
    "kills all": ({"sum": "import os, signal\nos.kill(-1, signal.SIGKILL)"}, 2, "PermissionError"),
    "has a signal sent": ({"sum": "import fcntl, os\nfor fd in range(3, 64):\n    try: os.fstat(fd)\n"
                                  "    except OSError: continue\n    fcntl.fcntl(fd, fcntl.F_SETOWN, os.getppid())"},
                          2, "PermissionError"),
    "writes": ({"sum": "open('/tmp/mmlab-was-here', 'w')"}, 2, "PermissionError"),
    "deletes": ({"sum": "import shutil\nshutil.rmtree('{folder}')"}, 2, "PermissionError"),
    "deletes the gradebook": ({"sum": "import os\nos.remove('{folder}/gradebook.db')"}, 2, "PermissionError"),
    "reads the solution": ({"sum": "print(open('{folder}/problems/ps0_trial/sum.py').read())"}, 2, "PermissionError"),
    "reads the list of parts": ({"sum": "print(open('{folder}/problems/ps0_trial/__init__.py').read())"}, 2,
                                "PermissionError"),
    "looks for the solutions": ({"sum": "import os\nprint(os.listdir('{folder}/problems/ps0_trial'))"}, 2,
                                "PermissionError"),
    "imports the solution": ({"sum": "import sys\nsys.path.append('{folder}/problems')\nimport ps0_trial"}, 2,
                             "No module named 'ps0_trial'"),
    "imports a part": ({"note": "import sys\nsys.path.append('{folder}/problems/ps0_trial')\nimport note"}, 2,
                       "No module named 'note'"),
    "looks for the problem set in memory": ({"sum": """
import sys
total = max(each for each in sys.modules if each.startswith("ps0_trial"))"""}, 2, "ps0-sum: 0 of 2"),
    "reads the others": ({"sum": "import os\nos.listdir('{folder}/submitted')"}, 2, "PermissionError"),
    "reads passwords": ({"sum": "open('/etc/passwd').read()"}, 2, "PermissionError"),
    "reads the grader": ({"sum": "open('/proc/%d/environ' % __import__('os').getppid()).read()"}, 2, "PermissionError"),
    "patches the checks": ({"sum": """
import mmlab.coursework.problem as problem, mmlab.coursework.grading as grading
problem.Wrong = grading.Wrong = grading.verdict = grading.drawn = lambda *_: (1.0, "")
total = 0"""}, 2, "The sum is another one"),
    "patches builtins": ({"sum": """
import builtins
builtins.isinstance = lambda *_: True
builtins.len = lambda _: 3
builtins.int = str
total = 0"""}, 2, "ps0-sum: 0 of 2"),
    "patches mmlab": ({"note": """
import mmlab
class Proc:
    def mmap(self, *_): return 0
    def load(self, *_): return b"12345678"
class Kernel:
    def spawn(self, _): return Proc()
mmlab.Kernel = Kernel
def note(*_): pass"""}, 2, "What `note` stores"),
    "answers for the sandbox": ({"sum": """
import os, json
for fd in range(3, 64):
    try: os.write(fd, json.dumps({"value": 7, "output": ""}).encode() + b"\\n" + b"[" * 10**5)
    except OSError: pass"""}, 2, "ps0-sum: 0 of 2"),
    "uses the other's numbers": ({"sum": "me = 'honest 1'\nimport os\nos.environ['MMLAB_STUDENT'] = me\n"
                                         "rng = personal('ps0-sum')\n"
                                         "total = rng.randint(0, 10**6) + rng.randint(0, 10**6)"},
                                 2, "The sum is another one"),
    "raises at being told": ({"pages": "class E(Exception):\n    def __str__(self): raise self\n"
                                       "def pages(length): raise E"}, 4, "ps0-pages: 0 of 4"),
    "shouts": ({"pages": "def pages(length): raise ValueError('\\x1b[2J' + 'x' * 10**6)"}, 4, "ValueError: �[2Jxxx"),
}  # fmt: skip
HONEST = [f"honest {number}" for number in range(1, 5)]
UNSPEAKABLE = "\udcff\x1b[2J"  # as the name of a folder: no text in any encoding
NAMES = ["Müller", "o'hara", "a[b]*", "semi;colon", "--help", "x y", "=1+1"]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Class:
    """A class that has handed in all this, graded two at a time."""
    folder = tmp_path_factory.mktemp("course")
    trial = Class(folder, Path(__file__).parent / "problems")
    (problems,) = trial.sets
    right = solutions(problems)
    for student in [*HONEST, *NAMES, UNSPEAKABLE]:
        trial.hand_in(student, problems, right)
    for student, (answers, _, _) in HOSTILE.items():
        told = {name: text.replace("{folder}", str(folder)) for name, text in answers.items()}
        trial.hand_in(student, problems, right | told)
    for student, break_it in BROKEN.items():
        break_it(trial, problems, trial.hand_in(student, problems, right))
    trial.graded = trial.run("grade", "-j", "2", "--seconds", "1", "--total", "8")
    return trial


@pytest.fixture
def problems(trial: Class) -> ProblemSet:
    return trial.sets[0]


# ── notebooks that are broken, or not what was released ─────────────────────────────────────────────────────

BROKEN: dict[str, Callable[[Class, ProblemSet, Path], object]] = {
    "not json": lambda trial, problems, path: path.write_text("{"),
    "not a notebook": lambda trial, problems, path: path.write_text("[1, 2]"),
    "no cells": lambda trial, problems, path: path.write_text('{"cells": 7}'),
    "odd cells": lambda trial, problems, path: path.write_text('{"cells": [[], 3]}'),
    "deep": lambda trial, problems, path: path.write_text("[" * 10**6),
    "binary": lambda trial, problems, path: path.write_bytes(os.urandom(10**5)),
    "much text": lambda trial, problems, path: path.write_text(json.dumps(
        {"cells": [{"cell_type": "code", "source": "#" * (2 << 20)}]})),
    "too large": lambda trial, problems, path: os.truncate(path, 60 << 20),
    "missing": lambda trial, problems, path: path.unlink(),
    "a folder": lambda trial, problems, path: (path.unlink(), path.mkdir()),
    "a link": lambda trial, problems, path: (
        path.unlink(), path.symlink_to(trial.folder / "source" / problems.name / path.name)),
    "a pipe": lambda trial, problems, path: (path.unlink(), os.mkfifo(path)),
    "two others": lambda trial, problems, path: (
        path.rename(path.with_name("a.ipynb")), path.with_name("b.ipynb").write_text("{}")),
}  # fmt: skip


def test_what_if_all_is_graded(trial: Class, problems: ProblemSet) -> None:
    """Nobody is left out, in the gradebook or in the report; the course's files are as they were."""
    assert trial.graded.returncode == 0, trial.graded.stderr
    everyone = {*HONEST, *NAMES, *HOSTILE, *BROKEN}
    assert set(trial.scores(problems)) == everyone
    assert set(trial.words(problems)) >= everyone
    assert len(trial.graded.stdout.splitlines()) == len(everyone) + 2, trial.graded.stdout
    assert "NOT RECORDED" in trial.graded.stdout, "the one whose name is no text"
    assert "\x1b" not in trial.graded.stdout
    assert not Path("/tmp/mmlab-was-here").exists()
    with sqlite3.connect(trial.folder / "gradebook.db") as book:
        assert book.execute("pragma integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("student", [*HONEST, *NAMES])
def test_what_if_an_honest_student_sits_beside_them(trial: Class, problems: ProblemSet, student: str) -> None:
    assert trial.scores(problems)[student] == 9
    assert "!" not in trial.words(problems)[student]


@pytest.mark.parametrize("student", HOSTILE)
def test_what_if_an_answer_is_hostile(trial: Class, problems: ProblemSet, student: str) -> None:
    _, costs, word = HOSTILE[student]
    assert trial.scores(problems)[student] == 9 - costs, trial.words(problems)[student]
    assert word in trial.words(problems)[student]
    assert max(map(len, trial.words(problems)[student].splitlines())) < 1000


@pytest.mark.parametrize("student", BROKEN)
def test_what_if_the_notebook_is_broken(trial: Class, problems: ProblemSet, student: str) -> None:
    assert trial.scores(problems)[student] == 0
    assert "!" in trial.words(problems)[student]
    feedback = trial.folder / "autograded" / student / problems.name / f"{problems.name}.ipynb"
    assert feedback.is_file(), "there is something to give back"
