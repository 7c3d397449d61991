from tests.coursework.wrong import then
from tests.coursework.wrong.hunt import mistakes

WRONG = mistakes("ps4-bug") | {
    "always H, and no witness": 'bug = "H"\n\ndef witness(kernel):\n    kernel.spawn("witness")\n',
    "the witness only looks": (
        then("ps4-bug", "def witness(kernel):\n    return kernel.meminfo(), kernel.vmstat()"), 2),
    "the witness shows another bug": (
        then("ps4-bug", "witness = show_removed if witness is show_shrink else show_shrink"), 2),
}  # fmt: skip
