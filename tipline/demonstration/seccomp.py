"""
Take from this very process, for good, the system calls by which a network is reached.

For machines that make no network namespace for whoever asks (containers, Ubuntu's users): a filter
in the kernel refuses to make any socket, whatever its family, and io_uring, which could make one
unseen. It needs no right, holds for every child, and cannot be taken back.

Source: Linux, Documentation/userspace-api/seccomp_filter.rst; linux/audit.h, linux/filter.h.
"""

from __future__ import annotations

import ctypes
import dataclasses
import errno
import platform
from typing import Final

PR_SET_SECCOMP: Final = 22
PR_SET_NO_NEW_PRIVS: Final = 38
SECCOMP_MODE_FILTER: Final = 2
RETURN_KILL_PROCESS: Final = 0x8000_0000
RETURN_ERROR: Final = 0x0005_0000
RETURN_ALLOW: Final = 0x7FFF_0000
# Calls of the x32 kind have this bit, and numbers of their own.
X32_BIT: Final = 0x4000_0000
# Offsets in struct seccomp_data.
NUMBER_OFFSET: Final = 0
ARCHITECTURE_OFFSET: Final = 4
LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
JUMP_IF_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
JUMP_IF_NOT_LESS: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
RETURN: Final = 0x06  # BPF_RET | BPF_K


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    """What the kernel calls an architecture, and the numbers of the calls that are refused."""

    architecture: int
    refused: tuple[int, ...]


# socket, socketpair, connect, accept, io_uring_setup
_MACHINES: Final = {
    "x86_64": _Machine(architecture=0xC000_003E, refused=(41, 53, 42, 43, 425)),
    "aarch64": _Machine(architecture=0xC000_00B7, refused=(198, 199, 203, 202, 425)),
}


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jump_true", ctypes.c_uint8),
        ("jump_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("first", ctypes.POINTER(_Instruction)))


def refuse_sockets() -> None:
    """
    Refuse every socket to this process and its children, for good.

    Raises:
        OSError: the kernel does not take the filter, or the machine is none that is known here.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise OSError(errno.ENOSYS, "seccomp")
    instructions = _make_filter(machine)
    array = (_Instruction * len(instructions))(*instructions)
    program = _Program(len(instructions), array)
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")


def _make_filter(machine: _Machine) -> list[_Instruction]:
    count = len(machine.refused)
    refuse = RETURN_ERROR | errno.EPERM
    return [
        _Instruction(LOAD, 0, 0, ARCHITECTURE_OFFSET),
        _Instruction(JUMP_IF_EQUAL, 1, 0, machine.architecture),
        _Instruction(RETURN, 0, 0, RETURN_KILL_PROCESS),
        _Instruction(LOAD, 0, 0, NUMBER_OFFSET),
        # Each jump goes over the comparisons that are left, and over the permission.
        _Instruction(JUMP_IF_NOT_LESS, count + 1, 0, X32_BIT),
        *(
            _Instruction(JUMP_IF_EQUAL, count - place, 0, number)
            for place, number in enumerate(machine.refused)
        ),
        _Instruction(RETURN, 0, 0, RETURN_ALLOW),
        _Instruction(RETURN, 0, 0, refuse),
    ]
