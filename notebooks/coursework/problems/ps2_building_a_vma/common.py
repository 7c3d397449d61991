"""What several parts of ps2 use."""

from mmlab.check import vmas
from mmlab.coursework.checks import HOME


def rows(value, length):
    """Give a list of tuples of that length as such; None if it is anything else."""
    if not isinstance(value, list | tuple) or not all(isinstance(row, list | tuple) for row in value):
        return None
    return [tuple(row) for row in value] if all(len(row) == length for row in value) else None


def difference(given, right):
    """Say in what a list differs from the right one."""
    if not isinstance(given, list | tuple):
        return "has not the form that was asked for"
    if len(given) != len(right):
        return f"has too {'few' if len(given) < len(right) else 'many'} entries"
    return "has another order" if all(each in right for each in given) else "has some other entries than the kernel's"


def here(proc):
    """The VMAs of a process at HOME and above, but not those that exec has mapped."""
    return [vma for vma in vmas(proc.task.mm) if HOME <= vma.vm_start < 1 << 46]


def file_of(vma):
    """The name of the open file, or None."""
    return vma.vm_file and vma.vm_file.name
