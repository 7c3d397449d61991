from tests.coursework.wrong import then

WRONG = {
    "the list from its beginning": (then("ps1-tree", """
looked = []
for vma in vmas(proc.task.mm):
    looked.append(vma.name)
    if vma.vm_end > addr:
        break
"""), 1),
    "no VMA has the address: NULL": (then("ps1-tree", "gives = None"), 1),
    "the VMA where the way ends": (then("ps1-tree", "gives = looked[-1]"), 1),
    "the VMA below the address": (then("ps1-tree", "gives = find_vma(proc.task.mm, addr).vm_prev.name"), 1),
    "from the leaf to the root": (then("ps1-tree", "looked.reverse()"), 1),
    "the root is not looked at": (then("ps1-tree", "del looked[0]"), 1),
    "only the VMA that it gives": (then("ps1-tree", "looked = [gives]"), 1),
    "higher addresses are above": ("""
looked, vma = [], proc.task.mm.mm_rb.rb_node
while vma:
    looked.append(vma.name)
    vma = vma.rb_left if vma.vm_end <= addr else vma.rb_right
gives = looked[-1]
""", 0),
}  # fmt: skip
