"""An auditor with a bundle, the verifier, and nothing else of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from service.ledger.application import Ledger
from service.proofs.bundles import Wanted
from service.proofs.prover import Prover
from service.proofs.rounds import Rounds
from service.settings import Settings

VERIFIER = Path(__file__).parents[2] / "service/proofs/wenxiao_verify.py"


@dataclass(frozen=True)
class Verdict:
    """How the verifier ended, and its findings: true, false or not checked, by what was checked."""

    exit: int
    findings: list[dict[str, Any]]

    def false(self) -> list[str]:
        """What is false."""
        return [each["check"] for each in self.findings if each["mark"] is False]

    def true(self) -> list[str]:
        """What is true."""
        return [each["check"] for each in self.findings if each["mark"] is True]

    def said(self, check: str) -> str:
        """What was found of it."""
        return "; ".join(each["says"] for each in self.findings if each["check"] == check)


def verified(path: Path, *words: str | Path) -> Verdict:
    """Run the verifier in a process of its own, where nothing of the service can be imported."""
    done = subprocess.run(
        [sys.executable, "-I", VERIFIER, "--json", *map(str, words), str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=path.parent,
    )
    assert done.returncode != 2, done.stderr
    told = json.loads(done.stdout)
    assert told["exit"] == done.returncode
    return Verdict(done.returncode, told["findings"])


@dataclass(frozen=True)
class Auditor:
    """审计人: keeps what he was given in a folder, and trusts the policy that he got beforehand."""

    folder: Path

    @property
    def policy(self) -> Path:
        return self.folder / "policy"

    def told_the_keys_of(self, ledger: Ledger, settings: Settings) -> None:
        """On paper, say."""
        self.policy.write_text(members(bundle(ledger, settings, Wanted((1,))))["policy"].decode())

    def checks(self, data: bytes, *words: str | Path) -> Verdict:
        """A bundle, against the keys that he knows."""
        path = self.folder / "bundle.zip"
        path.write_bytes(data)
        return verified(path, "--policy", self.policy, *words)

    def checks_tiles(self, folder: Path, *words: str | Path) -> Verdict:
        """A folder of tiles, against the same keys."""
        return verified(folder, "--policy", self.policy, *words)

    def keeps(self, name: str, data: bytes) -> Path:
        """A file."""
        path = self.folder / name
        path.write_bytes(data)
        return path


def bundle(ledger: Ledger, settings: Settings, wanted: Wanted) -> bytes:
    """What the office hands out."""
    out = BytesIO()
    Prover(ledger, settings).bundle(wanted, out)
    return out.getvalue()


def seal(ledger: Ledger, settings: Settings) -> None:
    """The office signs what was added."""
    Rounds(ledger, settings).go()


def members(data: bytes) -> dict[str, bytes]:
    """What is in a bundle, by name."""
    with ZipFile(BytesIO(data)) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def zipped(members: dict[str, bytes]) -> bytes:
    """A bundle of these members."""
    out = BytesIO()
    with ZipFile(out, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()
