"""Runs a command under what a unit of systemd allows: confined.py CALLS FAMILIES COMMAND...

Comma-separated names of system calls and numbers of address families. Like SystemCallFilter=,
RestrictAddressFamilies=, RestrictNamespaces= and MemoryDenyWriteExecute= of the unit, by the
same library that systemd uses; but what is not allowed ends the process instead of failing,
so that nothing is overlooked. Only what libraries are known to try, and to do without, fails
with EPERM, as the unit has it.
"""

import ctypes
import os
import sys

ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
NO_FAMILY = 0x00050000 | 97
"""EAFNOSUPPORT, of AF_NETLINK: whoever resolves a name tries it, and does without."""
AF_NETLINK = 16
NOT_THERE = 0x00050000 | 38
"""ENOSYS: how systemd has clone3 fail, whose flags no filter can see."""
REFUSED = 0x00050000 | 1
TRIED = ("set_mempolicy",)
"""By libnuma, when it is loaded: whether the kernel knows MPOL_PREFERRED_MANY."""
EQUAL, MASKED_EQUAL = 4, 7
WRITE, EXECUTE = 2, 4
NEW_NAMESPACES = 0x7E020000


class Comparison(ctypes.Structure):
    """scmp_arg_cmp: with EQUAL `value` is compared; with MASKED_EQUAL it is the mask."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("other", ctypes.c_uint64),
    )


def confine(calls: list[str], families: list[int]) -> None:
    """This process and its children, from now on."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(KILL_PROCESS)))

    def rule(action: int, call: str, *comparisons: Comparison) -> None:
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:  # none of this machine's
            return
        several = (Comparison * len(comparisons))(*comparisons)
        failed = library.seccomp_rule_add_array(
            context, ctypes.c_uint32(action), number, len(comparisons), several
        )
        if failed:
            sys.exit(f"no rule for {call}: {os.strerror(-failed)}")

    conditions = {
        "socket": [Comparison(0, EQUAL, family, 0) for family in families],
        "clone": [Comparison(0, MASKED_EQUAL, NEW_NAMESPACES, 0)],
        "unshare": [Comparison(0, MASKED_EQUAL, NEW_NAMESPACES, 0)],
        "setns": [],
        "mmap": [Comparison(2, MASKED_EQUAL, bit, 0) for bit in (WRITE, EXECUTE)],
        "mprotect": [Comparison(2, MASKED_EQUAL, EXECUTE, 0)],
        "pkey_mprotect": [Comparison(2, MASKED_EQUAL, EXECUTE, 0)],
    }
    rule(NOT_THERE, "clone3")
    if AF_NETLINK not in families:
        rule(NO_FAMILY, "socket", Comparison(0, EQUAL, AF_NETLINK, 0))
    for call in set(TRIED) - set(calls):
        rule(REFUSED, call)
    for call in calls:
        if call in conditions:
            for condition in conditions[call]:
                rule(ALLOW, call, condition)
        elif call != "clone3":
            rule(ALLOW, call)
    if failed := library.seccomp_load(context):
        sys.exit(f"no filter: {os.strerror(-failed)}")


if __name__ == "__main__":
    _, names, numbers, *command = sys.argv
    confine(names.split(","), [int(number) for number in numbers.split(",")])
    os.execv(command[0], command)  # noqa: S606 - there is no shell to be had
