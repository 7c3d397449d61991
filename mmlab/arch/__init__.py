"""arch/x86: what the processor does, and what it hands to the kernel.

    sys_x86_64.py   where a mapping goes                             arch/x86/kernel/sys_x86_64.c
    fault.py        a page fault, from the exception to the signal   arch/x86/mm/fault.c
    usercopy.py     the kernel's own accesses to a program's memory  arch/x86/lib/{copy_user_64.S,usercopy_64.c}
    cpu.py          loads and stores                                 the hardware itself
"""
