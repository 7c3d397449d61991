"""lib/: data structures that know nothing of memory, and the iov_iter, which moves bytes in and out of it.

    rbtree.py    the tree that VMAs are found in          lib/rbtree.c
    iov_iter.py  what read(2) and write(2) move, and to   lib/iov_iter.c
"""
