"""Somebody who checks what he is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.proofs.wenxiao_verify import Report
from tests.proofs.bundles import POLICY, Members, packed
from tests.proofs.verdicts import Verify, judged


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    """What is found in a bundle by somebody who brings his own policy."""
    policy = tmp_path / "policy.txt"
    policy.write_text(POLICY)

    def report(members: Members, *options: str) -> Report:
        path = packed(members, tmp_path / "bundle.zip")
        return judged(path, "--policy", str(policy), *options)

    return report
