"""Becomes another program, after tying its life to its starter's. Run by path, with the standard library only:

    python -I -S launch.py PARENT SIGNAL IDENTITY PROGRAM [ARGUMENT...]

PARENT    process number of the starter; when it is gone already, nothing is started
SIGNAL    number of the signal that the kernel sends to PROGRAM when PARENT ends in whatever way
IDENTITY  `same`; `namespace` (root only: a user namespace in which our files are owned by an ordinary user,
          because PostgreSQL refuses root); or `uid:gid` to drop to

A program of its own, and no `preexec_fn`, because code between fork and exec is unsafe in a process with threads.
"""

import ctypes
import os
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
ORDINARY = 1000


def enter_user_namespace() -> None:
    """Root outside becomes the ordinary user 1000 inside; it owns exactly what it owned before."""
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{ORDINARY} {uid} 1"),
        ("gid_map", f"{ORDINARY} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def become(identity: str) -> None:
    """Take the identity; raises OSError when the machine does not allow it."""
    if identity == "namespace":
        enter_user_namespace()
    elif identity != "same":
        uid, gid = (int(number) for number in identity.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def main() -> None:
    """Carry out the command line; never returns."""
    parent, signal, identity, *command = sys.argv[1:]
    become(identity)
    # After the change of identity, which would clear it.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
