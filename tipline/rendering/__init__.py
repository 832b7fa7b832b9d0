"""
What runs inside the desk's sandbox: it opens what strangers sent, and answers with plain bytes.

1. It looks for itself, before it reads a byte, whether it stands in a sandbox. If not, it ends.
2. Then it gives up every right that it does not need (`lockdown`), for good.
3. It is taken for lost all the same: whoever made the file may hold this process. What comes out is
   untrusted: pixels with their measures, lengths and words from fixed lists, and nothing else
   (`answers`). `tipline/desk/sandbox.py` holds what it may use up, and how long.

Nothing outside imports this folder but `answers`. It imports nothing of ours but
`tipline.cleaning`, `tipline.core_dumps` and `tipline.seccomp`: the sandbox holds no more.
"""
