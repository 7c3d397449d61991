from tests.coursework.wrong import then

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


WRONG = {
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
    "the number of lines": (then("ps1-lines", "lines = [len(lines)]"), 0),
}  # fmt: skip
