"""arch/x86: what the processor does, and what it hands to the kernel.

    fault.py   a page fault, from the exception to the signal   arch/x86/mm/fault.c
    cpu.py     loads and stores                                 the hardware itself
"""
