"""The course from the shell: python -m mmlab course source|release|grade|feedback|export [SET …]."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mmlab.coursework.confine import missing
from mmlab.coursework.course import FOLDER, UNCONFINED, Course
from mmlab.coursework.judging import Limits
from mmlab.coursework.sandbox import SECONDS, TOTAL
from mmlab.setup.report import Trouble


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m mmlab course", description=__doc__)
    parser.add_argument("what", choices=list(COMMANDS), metavar="|".join(COMMANDS))
    parser.add_argument("sets", nargs="*", metavar="SET", help='such as "ps1"; all if none is named')
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the course (notebooks/coursework)")
    parser.add_argument("--db", default="", help="another gradebook: postgresql+psycopg://user@host/name")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1, help="grade so many side by side")
    parser.add_argument("--again", action="store_true", help="grade also what is graded already")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long one cell may take")
    parser.add_argument("--total", type=float, default=TOTAL, help="how long one submission may take")
    parser.add_argument("--unconfined", action="store_true", help="run submitted code without shutting it in")
    return parser


def source(course: Course, told: argparse.Namespace) -> None:
    """write the source notebooks, with their solutions"""
    for problems in course.sets(told.sets):
        print(course.source(problems))


def release(course: Course, told: argparse.Namespace) -> None:
    """write what students get"""
    for problems in course.sets(told.sets):
        print(course.release(problems))


def grade(course: Course, told: argparse.Namespace) -> None:
    """grade what was handed in"""
    reason = None if told.unconfined else missing()
    if reason:
        raise Trouble(f"Submitted code cannot be shut in here: {reason}.\n{UNCONFINED}")
    limits = Limits(told.seconds, told.total, not told.unconfined)
    handed_in = [each for each in course.sets(told.sets) if told.sets or course.submissions(each)]
    if not handed_in:
        raise Trouble(f"Nothing has been handed in: {course.folder / 'submitted'} is empty.")
    for problems in handed_in:
        begin = time.monotonic()
        verdicts = course.grade(problems, told.jobs, limits, told.again)
        odd = sum(bool(verdict.remarks) for verdict in verdicts)
        print(f"{problems.name}: {len(verdicts)} submissions, {odd} with remarks, in {time.monotonic() - begin:.0f} s. "
              f"Why: {course.folder / 'reports' / problems.name}.txt and .csv")


def feedback(course: Course, told: argparse.Namespace) -> None:
    """write what students read about their graded work"""
    for problems in course.sets(told.sets):
        if told.sets or course.submissions(problems):
            course.feedback(problems)
            print(course.folder / "feedback" / "*" / problems.name)


def export(course: Course, told: argparse.Namespace) -> None:
    """write grades.csv for a learning management system"""
    print(course.export())


COMMANDS = {"source": source, "release": release, "grade": grade, "feedback": feedback, "export": export}


def main(words: Sequence[str]) -> int:
    """Run the command line; Trouble becomes a sentence."""
    told = arguments().parse_args(words)
    try:
        COMMANDS[told.what](Course(told.folder.resolve(), told.db), told)
    except Trouble as trouble:
        print(f"\nmmlab: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmmlab: stopped; the same command goes on where it stopped.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
