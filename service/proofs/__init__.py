"""证明: what makes a ledger believable to somebody who believes nobody.

Public formats where there are any: the trees of RFC 9162, and of C2SP ``signed-note``,
``tlog-checkpoint``, ``tlog-cosignature``, ``tlog-policy``, ``tlog-proof``, ``tlog-tiles`` and
``tlog-witness``. The SHA-256 tree is exactly as they say; beside it stands the same tree by SM3.
"""
