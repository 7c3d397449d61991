"""Judge submissions, each in a process of its own that has a limit on time and memory, several at once.

Three processes stand around a student's code: the sandbox runs it and may do nothing else; the judge reads the
notebook, asks the sandbox and decides, and is ended when it takes too long; the course, which alone writes to the
gradebook, hears from the judge nothing but a Verdict.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nbformat

from mmlab.coursework.grading import NOT_YET, Grader, Mark, OutOfTime, printable
from mmlab.coursework.persona import uses_numbers
from mmlab.coursework.problem import ProblemSet, load
from mmlab.coursework.sandbox import SECONDS, TOTAL, Failed, Nursery, Stopped
from mmlab.coursework.source import released
from mmlab.coursework.submission import Unreadable, ask_again, find, merged, read, remarks, to_run

if sys.platform == "linux":
    import resource

MARGIN = 10  # seconds that a judge may take beyond the time for a submission: to come to an end, and say what it has
MEMORY = 2 << 30  # bytes of a judge's address space
PR_SET_PDEATHSIG = 1


@dataclass
class Job:
    """A submission: whose it is, and the folder that holds it."""

    student: str
    folder: Path
    key: str = ""  # stands for what is in the folder, when it is judged


@dataclass
class Verdict:
    """What came of a submission: the marks, in words what is odd about it, and its notebook, cleaned."""

    student: str
    marks: list[Mark]
    remarks: list[str] = field(default_factory=list)
    notebook: str = ""

    @property
    def points(self) -> float:
        return sum(mark.points for mark in self.marks)


@dataclass
class Limits:
    """How long, in seconds, one cell or one question of a check may take, and all of a submission; shut in or not."""

    seconds: float = SECONDS
    total: float = TOTAL
    confined: bool = True


def judged(problems: ProblemSet, course: str, job: Job, nursery: Nursery, limits: Limits) -> Verdict:
    """Judge a submission, in this process."""
    try:
        path = find(job.folder, problems.name)
        found = read(path)
    except Unreadable as reason:
        return nothing(problems, course, job.student, str(reason))
    odd = [printable(each) for each in remarks(problems, job.student, path, found)]
    notebook = merged(problems, course, found)
    grader = Grader(problems, job.student, course, nursery, limits.seconds, limits.total)
    cells = list(to_run(problems, notebook))
    marks = grader.grade([cell for _, cell in cells])
    ask_again(cells)
    for mark in marks:
        lost = mark.points < mark.out_of and mark.word != NOT_YET
        if lost and uses_numbers(problems.part(mark.grade_id).setup):
            mark.word = "\n".join([mark.word, *(each for each in odd if "works here" in each)])
    return Verdict(job.student, marks, odd, nbformat.writes(notebook))


def nothing(problems: ProblemSet, course: str, student: str, reason: str) -> Verdict:
    """Give no points, and the reason with each part; the notebook is the blank one."""
    reason = printable(reason)
    marks = [Mark(problems.grade_id(part), 0.0, part.points, reason) for part in problems.parts if part.check]
    return Verdict(student, marks, [reason], nbformat.writes(released(problems, course)))


class Judges:
    """Judges at work side by side, each with a nursery of its own; a judge is a child of this process, for one job."""

    def __init__(self, problems: ProblemSet, course: str, side_by_side: int, limits: Limits) -> None:
        self.problems, self.course, self.limits = problems, course, limits
        nbformat.writes(released(problems, course))  # what is imported for it now, no child need import
        self.idle = [Nursery(limits.confined) for _ in range(side_by_side)]
        self.busy: dict[int, Judge] = {}  # by the pipe through which one speaks
        self.selector = selectors.DefaultSelector()
        self.try_out()

    def try_out(self) -> None:
        """Open a sandbox, with nothing in it: if that fails here, it is no student's fault. OSError."""
        try:
            with self.idle[0].sandbox("nobody") as sandbox:
                sandbox.run("pass", "a trial")
        except (Failed, Stopped, ValueError) as error:
            self.close()
            raise OSError(f"Submitted code cannot be shut in here: {str(error).strip().splitlines()[-1]}") from error

    def verdicts(self, jobs: Iterable[Job]) -> Iterator[Verdict]:
        """Give the verdict of each job, in the order in which they are reached."""
        waiting = iter(jobs)
        try:
            while True:
                while self.idle and (job := next(waiting, None)):
                    self.begin(job)
                if not self.busy:
                    return
                yield from self.heard()
        finally:
            self.close()

    def begin(self, job: Job) -> None:
        """Start a judge."""
        judge = Judge(self.problems, self.course, job, self.idle.pop(), self.limits)
        self.busy[judge.pipe] = judge
        self.selector.register(judge.pipe, selectors.EVENT_READ)

    def heard(self) -> Iterator[Verdict]:
        """Listen until somebody says something or is late; give the verdicts that are complete."""
        soonest = min(judge.until for judge in self.busy.values())
        for key, _ in self.selector.select(max(0.0, soonest - time.monotonic())):
            self.busy[key.fd].hear()
        for judge in list(self.busy.values()):
            if judge.ended or judge.late:
                self.selector.unregister(judge.pipe)
                del self.busy[judge.pipe]
                verdict, whole = judge.verdict()
                if not whole:
                    judge.nursery.close()
                self.idle.append(judge.nursery if whole else Nursery(self.limits.confined))
                yield verdict

    def close(self) -> None:
        """End all that is under way."""
        for judge in self.busy.values():
            judge.kill()
            judge.nursery.close()
        for nursery in self.idle:
            nursery.close()
        self.selector.close()


class Judge:
    """A child of this process that judges one job, and what it has said so far."""

    def __init__(self, problems: ProblemSet, course: str, job: Job, nursery: Nursery, limits: Limits) -> None:
        self.problems, self.course, self.job, self.nursery = problems, course, job, nursery
        self.until = time.monotonic() + limits.total + MARGIN
        self.said, self.ended = bytearray(), False
        self.pipe, theirs = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            work(theirs, problems, course, job, nursery, limits)
        os.close(theirs)

    @property
    def late(self) -> bool:
        return time.monotonic() >= self.until

    def hear(self) -> None:
        """Take in what it says next."""
        piece = os.read(self.pipe, 1 << 16)
        self.said += piece
        self.ended = not piece

    def verdict(self) -> tuple[Verdict, bool]:
        """Give what it decided, and whether it came to an end of its own."""
        self.kill()
        try:
            told = json.loads(self.said)
            marks = [Mark(**mark) for mark in told.pop("marks")]
            return Verdict(marks=marks, **told), True
        except (ValueError, TypeError, LookupError):
            reason = "Judging took too long." if self.late else "Judging ended with an error: please look at this work."
            if self.said.startswith(b"Traceback"):
                print(self.said.decode(errors="replace"), file=sys.stderr)
            return nothing(self.problems, self.course, self.job.student, reason), False

    def kill(self) -> None:
        """End it, if it has not ended."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.pipe)


def work(pipe: int, problems: ProblemSet, course: str, job: Job, nursery: Nursery, limits: Limits) -> None:
    """Be a judge: say the verdict, or the error, into the pipe, and end."""
    try:
        limit(limits.total)
        said = json.dumps(asdict(judged(problems, course, job, nursery, limits)))
    except BaseException:
        said = traceback.format_exc()
    data = said.encode()
    while data:
        data = data[os.write(pipe, data) :]
    os._exit(0)


def limit(seconds: float) -> None:
    """End with the process that began this one; take no more memory and time than a judge needs; say nothing."""
    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    nothing_there = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing_there, fd)


def over(*_: object) -> None:
    """Say that the time is over."""
    raise OutOfTime


def main(words: list[str]) -> None:
    """Judge one submission and print the verdict: PROBLEMS COURSE STUDENT FOLDER SECONDS TOTAL CONFINED."""
    problems, course, student, folder, seconds, total, confined = words
    judges = Judges(load(Path(problems)), course, 1, Limits(float(seconds), float(total), confined == "True"))
    for verdict in judges.verdicts([Job(student, Path(folder))]):
        print(json.dumps(asdict(verdict)))


if __name__ == "__main__":
    main(sys.argv[1:])
