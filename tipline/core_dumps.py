"""No core dump of a process that holds in memory what must not come to a disk."""

from __future__ import annotations

import resource


def forbid_core_dumps() -> None:
    """
    Let this process leave no core dump, and none that it starts.

    Source:
        Linux, fs/coredump.c. The limit is not 0: where the system hands dumps to a program, the
        kernel looks at no limit but for 1, which stops them there, too.
    """
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    limit = 0 if hard == 0 else 1  # what is 0 already cannot be raised
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
