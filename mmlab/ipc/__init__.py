"""ipc/: System V inter-process communication, of which this machine has one kind.

    shm.py   shared memory with a number   ipc/shm.c, ipc/util.c
"""
