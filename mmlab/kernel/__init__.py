"""kernel/: processes.

    fork.py   a process begins    kernel/fork.c
    exit.py   a process ends      kernel/exit.c
    sys.py    its limits          kernel/sys.c
"""
