"""Somebody who checks what he is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from service.http.witness import create_witness
from service.proofs.custody import Custody
from service.proofs.policy import Policy
from service.proofs.rounds import keys_of
from service.proofs.wenxiao_verify import Report
from service.proofs.witness import Witness
from service.settings import Settings
from tests.proofs.bundles import POLICY, Members, packed
from tests.proofs.cast import SLUG, add, sealed_office, settings_in
from tests.proofs.machines import NAME, Copy, Machine
from tests.proofs.test_notes import witness
from tests.proofs.test_witness_cosigning import served
from tests.proofs.verdicts import Verify, judged


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An office's, of which nobody asks for witnesses."""
    return settings_in(tmp_path)


@pytest.fixture
def custody(settings: Settings) -> Custody:
    return Custody(Path(settings.custody), SLUG)


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    """What is found in a bundle by somebody who brings his own policy."""
    policy = tmp_path / "policy.txt"
    policy.write_text(POLICY)

    def report(members: Members, *options: str) -> Report:
        path = packed(members, tmp_path / "bundle.zip")
        return judged(path, "--policy", str(policy), *options)

    return report


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    with ExitStack() as stack:
        yield lambda it: stack.enter_context(served(it))


@pytest.fixture
def machine(
    engine: Engine, sqlite_engine: Engine, tmp_path: Path, serve: Callable[[Any], str]
) -> Machine:
    """301 records, sealed, and cosigned by a witness in another place."""
    alone = settings_in(tmp_path)
    key = keys_of(sealed_office(engine, alone), alone).signer().public
    log, its = f"log {key}\n", witness()
    seen = Witness(sqlite_engine, its, Policy.parse(f"{log}quorum none\n"))
    url = serve(create_witness(seen))
    policy = tmp_path / "policy"
    policy.write_text(f"{log}witness {NAME} {its.public} {url}\nquorum {NAME}\n", "utf-8")
    machine = Machine(engine, replace(alone, policy=str(policy)))
    assert machine.sealed().is_enough
    return machine


@pytest.fixture
def old(machine: Machine, tmp_path: Path) -> Copy:
    """A copy of the machine; since then fifty more records were made, and seen by the witness."""
    made = machine.copied(tmp_path / "old")
    add(machine.started(), 50)
    assert machine.sealed().is_enough
    return made
