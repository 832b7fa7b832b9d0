"""
Take from this very process, for good, system calls that it must not have.

The kernel holds the filter. It needs no right, holds for every child, and cannot be taken back.

1. `refuse_sockets`: no socket, whatever its family, and no io_uring, which could make one unseen.
   For machines that make no network namespace for whoever asks (containers, Ubuntu's users).
2. `refuse_processes`: no process beside this one, nor any look into another one, no memory beside
   its own, and no socket but of the kind that stays on the machine. It can still become another
   program.
3. `allow_computing`: nothing but what a decoder needs that reads one file and writes its answer: an
   allow-list. No socket, no process, no program, no file to write.

Source: Linux, Documentation/userspace-api/seccomp_filter.rst; linux/audit.h, linux/filter.h; the
numbers are those of asm/unistd_64.h (x86_64) and asm-generic/unistd.h (aarch64).
"""

from __future__ import annotations

import ctypes
import dataclasses
import errno
import os
import platform
import socket
from collections.abc import Iterable, Mapping
from typing import Final

PR_SET_SECCOMP: Final = 22
PR_SET_NO_NEW_PRIVS: Final = 38
SECCOMP_MODE_FILTER: Final = 2
RETURN_KILL_PROCESS: Final = 0x8000_0000
RETURN_ERROR: Final = 0x0005_0000
ALLOW: Final = 0x7FFF_0000
# Calls of the x32 kind have this bit, and numbers of their own.
X32_BIT: Final = 0x4000_0000
CLONE_THREAD: Final = 0x0001_0000  # linux/sched.h: what is made is a thread of this process
# Any of these makes a file writable, or makes one.
WRITING_FLAGS: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Offsets in struct seccomp_data; of an argument, its lower half on machines that begin with it.
NUMBER_OFFSET: Final = 0
ARCHITECTURE_OFFSET: Final = 4
ARGUMENT_OFFSETS: Final = (16, 24, 32)
LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
JUMP_IF_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
JUMP_IF_NOT_LESS: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
JUMP_IF_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
RETURN: Final = 0x06  # BPF_RET | BPF_K
REFUSE: Final = RETURN_ERROR | errno.EPERM
NOT_THERE: Final = RETURN_ERROR | errno.ENOSYS  # the caller takes an older way

_ARCHITECTURES: Final = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}

# By name: the number on x86_64 and on aarch64; None where there is no such call.
_Numbers = tuple[int | None, int | None]
_SOCKET: Final = (41, 198)
_SOCKETS: Final[Mapping[str, _Numbers]] = {
    "socket": _SOCKET,
    "socketpair": (53, 199),
    "connect": (42, 203),
    "accept": (43, 202),
    "io_uring_setup": (425, 425),
}
_PROCESSES: Final[Mapping[str, _Numbers]] = {
    "io_uring_setup": _SOCKETS["io_uring_setup"],
    "fork": (57, None),
    "vfork": (58, None),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    # Memory that no bound of a process counts.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
}
_CLONE: Final = (56, 220)
_CLONE3: Final = (435, 435)  # its flags lie in memory, where no filter sees them
_OPENAT: Final = (257, 56)
_COMPUTING: Final[Mapping[str, _Numbers]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "readv": (19, 65),
    "writev": (20, 66),
    "access": (21, None),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "exit": (60, 93),
    "uname": (63, 160),
    "fcntl": (72, 25),
    "getcwd": (79, 17),
    "readlink": (89, None),
    "gettimeofday": (96, 169),
    "sysinfo": (99, 179),
    "getuid": (102, 174),
    "getgid": (104, 176),
    "geteuid": (107, 175),
    "getegid": (108, 177),
    "sigaltstack": (131, 132),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "getdents64": (217, 61),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "newfstatat": (262, 79),
    "readlinkat": (267, 78),
    "faccessat": (269, 48),
    "set_robust_list": (273, 99),
    "prlimit64": (302, 261),
    "getcpu": (309, 168),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
    "statx": (332, 291),
    "rseq": (334, 293),
    "faccessat2": (439, 439),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    """What the kernel calls an architecture, and which of the two columns above is its own."""

    architecture: int
    column: int

    def numbers(self, calls: Mapping[str, _Numbers]) -> list[int]:
        found = (numbers[self.column] for numbers in calls.values())
        return [number for number in found if number is not None]


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
    machine = _find_machine()
    _install(machine, _decide(machine.numbers(_SOCKETS), REFUSE), otherwise=ALLOW)


def refuse_processes() -> None:
    """
    Refuse this process every process beside it, and every socket but one of the machine's own kind
    (AF_UNIX), for good.

    Raises:
        OSError: the kernel does not take the filter, or the machine is none that is known here.
    """
    machine = _find_machine()
    _install(
        machine,
        [
            *_decide_clone(machine),
            *_decide_family(machine),
            *_decide(machine.numbers(_PROCESSES), REFUSE),
        ],
        otherwise=ALLOW,
    )


def allow_computing() -> None:
    """
    Leave this process nothing but to read, to compute in threads, and to write what is open.

    Raises:
        OSError: the kernel does not take the filter, or the machine is none that is known here.
    """
    machine = _find_machine()
    _install(
        machine,
        [
            *_decide_clone(machine),
            *_decide_by_bits(
                _OPENAT[machine.column], argument=2, bits=WRITING_FLAGS, some=REFUSE, none=ALLOW
            ),
            *_decide(machine.numbers(_COMPUTING), ALLOW),
        ],
        otherwise=REFUSE,
    )


def _find_machine() -> _Machine:
    name = platform.machine()
    if name not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, "seccomp")
    return _Machine(architecture=_ARCHITECTURES[name], column=list(_ARCHITECTURES).index(name))


def _decide(numbers: Iterable[int], answer: int) -> list[_Instruction]:
    """Give one answer to each of these calls."""
    return [
        instruction
        for number in numbers
        for instruction in (
            _Instruction(JUMP_IF_EQUAL, 0, 1, number),
            _Instruction(RETURN, 0, 0, answer),
        )
    ]


def _decide_clone(machine: _Machine) -> list[_Instruction]:
    return [
        *_decide_by_bits(
            _CLONE[machine.column], argument=0, bits=CLONE_THREAD, some=ALLOW, none=REFUSE
        ),
        *_decide([_CLONE3[machine.column]], NOT_THERE),
    ]


def _decide_family(machine: _Machine) -> list[_Instruction]:
    return [
        _Instruction(JUMP_IF_EQUAL, 0, 4, _SOCKET[machine.column]),
        _Instruction(LOAD, 0, 0, ARGUMENT_OFFSETS[0]),
        _Instruction(JUMP_IF_EQUAL, 0, 1, socket.AF_UNIX),
        _Instruction(RETURN, 0, 0, ALLOW),
        _Instruction(RETURN, 0, 0, REFUSE),
    ]


def _decide_by_bits(
    number: int, *, argument: int, bits: int, some: int, none: int
) -> list[_Instruction]:
    """Answer a call by whether any of these bits stands in an argument."""
    return [
        _Instruction(JUMP_IF_EQUAL, 0, 4, number),
        _Instruction(LOAD, 0, 0, ARGUMENT_OFFSETS[argument]),
        _Instruction(JUMP_IF_ANY_BIT, 0, 1, bits),
        _Instruction(RETURN, 0, 0, some),
        _Instruction(RETURN, 0, 0, none),
    ]


def _install(machine: _Machine, decisions: list[_Instruction], *, otherwise: int) -> None:
    instructions = [
        _Instruction(LOAD, 0, 0, ARCHITECTURE_OFFSET),
        _Instruction(JUMP_IF_EQUAL, 1, 0, machine.architecture),
        _Instruction(RETURN, 0, 0, RETURN_KILL_PROCESS),
        _Instruction(LOAD, 0, 0, NUMBER_OFFSET),
        _Instruction(JUMP_IF_NOT_LESS, 0, 1, X32_BIT),
        _Instruction(RETURN, 0, 0, REFUSE),
        *decisions,
        _Instruction(RETURN, 0, 0, otherwise),
    ]
    array = (_Instruction * len(instructions))(*instructions)
    program = _Program(len(instructions), array)
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")
