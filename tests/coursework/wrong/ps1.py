"""Wrong answers to problem set 1: part → misconception → code, or (code, what it still earns).

Most are the reference answer with one thing wrong.
"""

from mmlab.coursework.problem import load
from mmlab.setup.places import NOTEBOOKS

PARTS = {part.id: part for part in load(NOTEBOOKS / "coursework" / "problems" / "ps1_address_space").parts}


def but(part: str, *changes: tuple[str, str]) -> str:
    """The reference answer, but with each (right, wrong): the wrong in the one place where it has the right."""
    solution = PARTS[part].solution
    for right, wrong in changes:
        assert solution.count(right) == 1, f"{part} holds {right!r} {solution.count(right)} times"
        solution = solution.replace(right, wrong)
    return solution


def then(part: str, code: str) -> str:
    """The reference answer, and then something done to it."""
    return f"{PARTS[part].solution}\n{code}"


PAGE_BY_PAGE = """
edges = {edge for _, first, count, _ in calls for edge in (first, first + count)}
pages = {}
for call, first, count, prot in calls:
    for page in range(first, first + count):
        pages[page] = None if call == "munmap" else "r--p" if prot == "PROT_READ" else "rw-p"
lines = []
for page in sorted(page for page in pages if pages[page]):
    if lines and lines[-1][1] == page and lines[-1][2] == pages[page]:
        lines[-1] = (lines[-1][0], page + 1, pages[page])
    else:
        lines.append((page, page + 1, pages[page]))
"""


def paged(right: str, wrong: str) -> str:
    """The lines, worked out page by page, with one thing wrong."""
    assert right in PAGE_BY_PAGE
    return PAGE_BY_PAGE.replace(right, wrong)


NAME, ALLOWED = 'name[0] if name else ""', '"w" in permissions'
ROUNDED, INSIDE = "hint = hint // 4096 * 4096", "start <= addr < end"
SHARED, STACK = 'found -= {"SHARED", "MAYWRITE"}', "(mode or shared)"
GROWS = f'    if flags & MAP_GROWSDOWN and {STACK}:\n        return "EINVAL"\n'
REFUSED = '    if mode == "O_RDONLY" and prot & PROT_WRITE:\n        return "EACCES"\n    if shared:'
FOUND = "area, tree = (start, end), left if addr < start else None"
NEXT = '"BCDEFGHA"["ABCDEFGH".index(bug)]'

WRONG = {
    "places": {
        "the offset does not matter": but("places", ("start + (byte - offset)", "start + byte")),
        "the offset is in pages": but("places", ("split()[2], 16)", "split()[2], 16) * 4096")),
        "whatever file it is": but("places", ('line.endswith("/book.txt") and ', "")),
        "the byte at the end address is in it": but("places", ("byte < offset", "byte <= offset")),
        "every piece has it": but("places", ("offset <= byte < offset + (end - start)", "byte < 1 << 30")),
        "the distance from the first line": "addresses = [HERE + byte]",
        "a byte is in one place": (then("places", "addresses = addresses[:1]"), 1),
        "the order of the file": (then("places", "addresses.reverse()"), 1),
    },
    "parse": {
        "a name has no blanks": (but("parse", (NAME, 'name[0].split()[0] if name else ""')), 2),
        "blanks in a row are one": (but("parse", (NAME, '" ".join(name[0].split()) if name else ""')), 2),
        "(deleted) is not of the name": (but("parse", (NAME, 'name[0].removesuffix(" (deleted)") if name else ""')), 2),
        "no name is None": (but("parse", (NAME, "name[0] if name else None")), 2),
        "the inode is hexadecimal, too": (but("parse", ("int(inode)", "int(inode, 16)")), 2),
        "the offset is in pages": (but("parse", ("int(offset, 16)", "int(offset, 16) // 4096")), 2),
        "the offset stays text": (but("parse", ("int(offset, 16)", "offset")), 2),
        "the end is the last address": (but("parse", ("int(end, 16)", "int(end, 16) - 1")), 2),
        "addresses are decimal": (but("parse", ("int(start, 16)", "int(start)")), 0),
        "every line has a name": (but("parse", (NAME, "name[0]")), 0),
        "anonymous lines do not count": (
            but("parse", ("    return areas", "    return [area for area in areas if area['name']]")), 0,
        ),
    },
    "lines": {
        "every page is a line": (paged("lines[-1][1] == page", "False"), 1),
        "what two calls have made stays two lines": (paged("lines and", "lines and page not in edges and"), 1),
        "neighbours are one line": (paged("and lines[-1][2] == pages[page]", ""), 0),
        "the second number is the end": (paged("range(first, first + count)", "range(first, count)"), 0),
        "the end is the last page": (PAGE_BY_PAGE + "lines = [(a, b - 1, perms) for a, b, perms in lines]", 0),
        "munmap only takes the permissions": (paged("None if call", "'---p' if call"), 0),
        "munmap takes the rest of the mapping": (
            paged("first, first + count):", "first, first + count if call != 'munmap' else 99):"), 0,
        ),
        "mprotect holds for the whole mapping": (paged("range(", "pages if call == 'mprotect' else range("), 0),
        "anonymous memory is shared": (PAGE_BY_PAGE.replace('"rw-p"', '"rw-s"').replace('"r--p"', '"r--s"'), 0),
        "mprotect cannot give a permission": (
            paged("(first, first + count):", "(first, first + count * (call != 'mprotect' or prot != 'RW')):"), 0,
        ),
        "the number of lines": (then("lines", "lines = [len(lines)]"), 0),
    },
    "tree": {
        "the list from its beginning": (then("tree", """
looked = []
for vma in vmas(proc.task.mm):
    looked.append(vma.name)
    if vma.vm_end > addr:
        break
"""), 1),
        "no VMA has the address: NULL": (then("tree", "gives = None"), 1),
        "the VMA where the way ends": (then("tree", "gives = looked[-1]"), 1),
        "the VMA below the address": (then("tree", "gives = find_vma(proc.task.mm, addr).vm_prev.name"), 1),
        "from the leaf to the root": (then("tree", "looked.reverse()"), 1),
        "the root is not looked at": (then("tree", "del looked[0]"), 1),
        "only the VMA that it gives": (then("tree", "looked = [gives]"), 1),
        "higher addresses are above": ("""
looked, vma = [], proc.task.mm.mm_rb.rb_node
while vma:
    looked.append(vma.name)
    vma = vma.rb_left if vma.vm_end <= addr else vma.rb_right
gives = looked[-1]
""", 0),
    },
    "find": {
        "the end still belongs to it": (but("find", ("end <= addr", "end < addr")), 0),
        "it has the address, or it is NULL": (
            but("find", (FOUND, f"{FOUND}\n            area = area if start <= addr else None")), 0,
        ),
        "the last VMA looked at": (but("find", ("tree = right", "area, tree = (start, end), right")), 0),
        "no VMA above is an empty range": (but("find", ("area, looked = None, 0", "area, looked = (0, 0), 0")), 0),
        "only the VMA": (but("find", ("return area, looked", "return area")), 0),
        "the start belongs to the left": (but("find", ("addr < start", "addr <= start")), 2),
        "it goes on after it is found": (but("find", ("left if addr < start else None", "left")), 2),
        "two comparisons are two looks": (but("find", (FOUND, f"{FOUND}\n            looked += 1")), 2),
        "the steps from the root": (but("find", ("return area, looked", "return area, max(looked - 1, 0)")), 2),
        "the list": ("""
def find(tree, addr):
    def flat(tree):
        return [*flat(tree[2]), tree[:2], *flat(tree[3])] if tree else []
    for looked, (start, end) in enumerate(flat(tree), 1):
        if addr < end:
            return (start, end), looked
    return None, len(flat(tree))
""", 2),
    },
    "access": {
        "the end still belongs to it": but("access", (INSIDE, "start <= addr <= end")),
        "the start does not": but("access", (INSIDE, "start < addr < end")),
        "what find_vma gives has the address": but("access", (INSIDE, "addr < end")),
        "a load needs r": but("access", ('permissions != "---"', '"r" in permissions')),
        "a store needs r and w": but("access", (ALLOWED, 'permissions.startswith("rw")')),
        "what is executed cannot be stored to": but("access", (ALLOWED, 'permissions in ("rw-", "-w-")')),
        "nothing may be done: not mapped": but("access", (INSIDE, f'{INSIDE} and permissions != "---"')),
        "the two codes the other way round": but(
            "access", ('else "SEGV_ACC', 'else "SEGV_MAP'), ('    return "SEGV_MAP', '    return "SEGV_ACC'),
        ),
    },
    "where": {
        "the lowest gap": ("""
def where(areas, base, hint, length):
    length, at = (length + 4095) // 4096 * 4096, 0x10000
    for start, end in areas:
        if start - at >= length:
            return at
        at = end
    return at
""", 0),
        "the lower end of the gap": (but("where", ("            return top - length", "            return end")), 0),
        "a gap must be larger": (but("where", ("top - end >= length", "top - end > length")), 0),
        "the gap nearest to the stack": (but("where", ("top = base", "top = 0x7ffffffde000")), 0),
        "the length is not rounded": (but("where", ("(length + 4095) // 4096 * 4096", "length")), 0),
        "the length is rounded down": (but("where", ("(length + 4095) // 4096", "length // 4096")), 0),
        "the gap under base, whatever its size": (but("where", (" and top - end >= length", "")), 0),
        "hints are for MAP_FIXED only": (but("where", ("if hint:", "if False:")), 2),
        "a hint is rounded up": (but("where", ("hint // 4096", "(hint + 4095) // 4096")), 2),
        "a hint is taken as it is": (but("where", (ROUNDED, "pass")), 2),
        "a hint replaces what is there": (but("where", ("if not taken and", "if")), 2),
        "only its first page must be free": (but("where", ("start < hint + length", "start <= hint")), 2),
        "a low hint is no hint": (but("where", ("if hint:", "if hint >= 0x10000:")), 2),
        "a hint in the first page is a hint": (
            but("where", (ROUNDED, "hint = max(hint // 4096 * 4096, 0x10000 if hint else 0)")), 2,
        ),
        "no hint is beyond the end": (but("where", (" and hint + length <= 0x7ffffffff000", "")), 2),
    },
    "first": {
        "whatever is wrong is EINVAL": then("first", """
answers = [each if each == "ok" else "EINVAL" for each in answers]
"""),
        "nothing is refused": 'answers = ["ok"] * 8',
        "all are refused with EINVAL": 'answers = ["EINVAL"] * 8',
        "the file comes before the address and the rest": then("first", """
for number, call in enumerate(calls):
    if "folder" in call or "wo" in call or "ro" in call and "RW" in call:
        answers[number] = "ENODEV" if "folder" in call else "EACCES"
"""),
        "what looks wrong is refused": then("first", """
answers = [each.replace("ok", "EACCES" if "ro" in call else "EINVAL") for each, call in zip(answers, calls)]
"""),
        "an errno by its sound": then("first", """
other = {"EPERM": "EACCES", "EACCES": "EPERM", "ENODEV": "EACCES", "EEXIST": "EINVAL", "ENOMEM": "EINVAL"}
answers = [other.get(each, each) for each in answers]
"""),
        "the calls in another order": then("first", "answers.reverse()"),
        "one is missing": (then("first", "answers.pop()"), 2),
    },
    "flags": {
        "MAP_SHARED is VM_SHARED, whatever the file": (but("flags", (SHARED, 'found -= {"MAYWRITE"}')), 3),
        "mprotect may make it writable later": (but("flags", (SHARED, 'found -= {"SHARED"}')), 3),
        "MAYSHARE goes with SHARED": (but("flags", (SHARED, 'found -= {"SHARED", "MAYWRITE", "MAYSHARE"}')), 3),
        "MAY is what was asked for": (then("flags", """
right = vm_flags
def vm_flags(prot, flags, mode):
    found = right(prot, flags, mode)
    return found if isinstance(found, str) else {name for name in found if name[:3] != "MAY" or name[3:] in found}
"""), 2),
        "a private mapping is not writable later if the file is not": (
            but("flags", ("    if shared:", '    if mode == "O_RDONLY": found -= {"MAYWRITE"}\n    if shared:')), 3,
        ),
        "what is only written need not be read": (
            but("flags", ('if mode == "O_WRONLY":', 'if mode == "O_WRONLY" and prot & PROT_READ:')), 3,
        ),
        "a private mapping must not be written if the file must not": (
            but("flags", ('mode == "O_RDONLY" and prot & PROT_WRITE:', "False:"), ("    if shared:", REFUSED)), 1,
        ),
        "a file may hold a stack": (but("flags", (STACK, "not mode and shared")), 3),
        "shared memory may grow down": (but("flags", (STACK, "mode")), 3),
        "the stack comes before the file": (
            but("flags", ('    found = {"MAYREAD"', GROWS + '    found = {"MAYREAD"')), 3,
        ),
        "MAP_STACK does nothing": (but("flags", (', (MAP_STACK, "NOHUGEPAGE")', "")), 3),
        "MAP_STACK grows down": (but("flags", ('(MAP_STACK, "NOHUGEPAGE")', '(MAP_STACK, "GROWSDOWN")')), 3),
        "neither is private": (but("flags", ('return "EINVAL"\n    found', "private = True\n    found")), 3),
        "what is written can be read": (but("flags", ("prot & bit:", "prot & bit or prot and bit == 1:")), 2),
    },
    "bug": {
        "the letter alone": (then("bug", "def witness(kernel): kernel.spawn('witness')"), 0),
        "the letter, and no program": (then("bug", "del witness"), 0),
        "no letter": (then("bug", "bug = None"), 2),
        "another letter": (then("bug", f"bug = {NEXT}"), 2),
        "the claim in words": (then("bug", "bug = claims[bug]"), 2),
        "a program that does the same on both": (then("bug", """
def witness(kernel):
    proc = kernel.spawn("witness")
    proc.pread(proc.open("/data/book.txt", O_RDONLY), 4096, 0)
"""), 0),
        "a witness that gives another value each time": (then("bug", """
from itertools import count
number = count()
def witness(kernel):
    kernel.spawn("witness")
    return next(number)
"""), 0),
        "a witness that looks whom it runs on": (then("bug", """
found = witness
def witness(kernel):
    return found(kernel) if "Mutant" in type(kernel).__name__ else kernel.spawn("witness")
"""), 0),
        "one long try of everything": (then("bug", """
def witness(kernel):
    for letter in claims:
        seen(programs[claims[letter]], kernel)
"""), 0),
    },
}  # fmt: skip
