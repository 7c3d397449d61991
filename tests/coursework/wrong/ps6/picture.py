from tests.coursework.wrong import then

WRONG = {
    "pages are numbered from 1": (then("ps6-picture", '''
name, *numbers = call.split()
call = " ".join([name, str(int(numbers[0]) + 1), *numbers[1:]])
back += 1
'''), 1),
    "it is the earlier move": (then("ps6-picture", "call = first[1]"), 2),
    "what has gone was unmapped": (then("ps6-picture", '''
if call.startswith("munmap"):
    call = f"mprotect {min(after)} 1"
else:
    call = "munmap 0 1"
'''), 2),
    "back to the first hole": (then(
        "ps6-picture", "back = min(page for page in range(8) if page not in after and page != back)"), 2),
    "beside any neighbour": (then(
        "ps6-picture", "back = next((page for page in range(7, -1, -1) if page not in after and page != back), 7)"), 2),
    "back is where it is now": (then("ps6-picture", "back = moved"), 2),
    "all that is mapped faults": (then("ps6-picture", "faults = len(after)"), 2),
    "what has an entry faults": (then("ps6-picture", 'faults = table.count("page#")'), 2),
    "holes fault, too": (then("ps6-picture", 'faults = 8 - table.count("page#")'), 2),
    "nothing faults": (then("ps6-picture", "faults = 0"), 2),
}  # fmt: skip
