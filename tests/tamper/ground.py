"""A sealed ledger with some of everything in it, and an office that keeps what it should."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from click.testing import CliRunner

from aggregates.base import KINDS
from commands.base import ACTS
from service.cli import main
from service.desk import Desk
from service.ledger.application import Ledger
from service.ledger.recorder import create_ledger
from service.ledger.tables import cosignature
from service.proofs.bundles import Wanted
from service.proofs.custody import Custody
from service.proofs.rounds import Rounds, keys_of
from service.request import understand
from service.settings import Settings
from tests.conftest import opened
from tests.desk.conftest import CONSOLE
from tests.proofs.cast import SLUG, settings_in
from tests.proofs.checking import bundle, members
from tests.proofs.test_notes import witness
from tests.proofs.verdicts import judged

WITNESS, STRANGER = witness(), replace(witness(), name="stranger.example/w")
SEEN = 1_780_000_000
CRASHED = 70
"""The exit code that stands for a traceback."""

OUTSIDE = ("policy", "retired", "checkpoint")
"""What an auditor has in his own hands."""


@dataclass(frozen=True)
class Office:
    """办公处: its settings, custody among them, and what somebody outside keeps."""

    folder: Path

    @property
    def settings(self) -> Settings:
        return settings_in(self.folder)

    @property
    def policy(self) -> Path:
        return self.folder / "policy"

    @property
    def custody(self) -> Custody:
        return Custody(Path(self.settings.custody), SLUG)

    def begin(self, engine: sa.Engine) -> Ledger:
        """A ledger with a key, and a witness who is never asked over the network."""
        self.policy.write_text(f"witness audit {WITNESS.public}\nquorum none\n")
        create_ledger(engine, SLUG)
        ledger = Ledger(engine, SLUG)
        keys_of(ledger, self.settings).new()
        return ledger

    def seal(self, ledger: Ledger) -> None:
        """Sign what was added; a witness that the policy names cosigns, and one it does not."""
        made = Rounds(ledger, self.settings).go().sealed
        assert made is not None
        with ledger.engine.begin() as connection:
            for each in (WITNESS, STRANGER):
                connection.execute(
                    sa.insert(cosignature).values(
                        ledger=SLUG,
                        size=made.checkpoint.size,
                        origin=made.checkpoint.origin,
                        witness=each.name,
                        line=str(each.sign(made.note.text, SEEN)),
                    )
                )

    def verify(self, url: str) -> int:
        """The exit code of ``wenxiao verify --full``."""
        environment = {
            "WENXIAO_CUSTODY": self.settings.custody,
            "WENXIAO_POLICY": str(self.policy),
        }
        words = ("verify", "--full", "--processes", "1", "--database", url)
        done = CliRunner().invoke(main, words, env=environment)
        is_expected = done.exception is None or isinstance(done.exception, SystemExit)
        return done.exit_code if is_expected else CRASHED

    def tell_outside(self, ledger: Ledger) -> None:
        """Give an auditor the last checkpoint and the keys, on paper, say."""
        given = members(bundle(ledger, self.settings, Wanted((1,))))
        for name in OUTSIDE:
            (self.folder / f"outside.{name}").write_bytes(given[name])

    def is_doubted(self, url: str) -> bool:
        """Can no bundle of everything be cut, or does an auditor not find it true?"""
        with opened(url) as engine:
            ledger = Ledger(engine, SLUG)
            try:
                data = bundle(ledger, self.settings, Wanted(ranges=((1, self.size),)))
            except Exception:  # noqa: BLE001 - whatever it is, nobody is convinced by it
                return True
        outside = {name: str(self.folder / f"outside.{name}") for name in OUTSIDE}
        given = ("--policy", outside["policy"], "--retired", outside["retired"])
        path = self.folder / "bundle.zip"
        path.write_bytes(data)
        return judged(path, *given, "--against", outside["checkpoint"]).exit != 0

    @property
    def size(self) -> int:
        """How much was sealed."""
        sealed = self.custody.sealed()
        return sealed.checkpoint.size if sealed else 0


def fill(ledger: Ledger, first: int, last: int) -> None:
    """Acts, refusals, source rows and their later revisions, which correct; personal values."""
    desk = Desk(ledger)
    for n in range(first, last + 1):
        for nth, (act, subject, body) in enumerate(asked(ledger, n)):
            kind, _, code = subject.partition("/")
            key = f"{n}-{nth}"
            desk.carry_out(understand(ACTS[act], KINDS[kind], code, body, token=CONSOLE, key=key))


def asked(ledger: Ledger, n: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What is asked for around a number."""
    yield "register_unit", f"unit/{n}", {"name": f"单位{n}"}
    if n % 4 == 0:
        yield "register_unit", f"unit/{n}", {"name": "重复登记"}
    if n % 3 == 0:
        yield "register_unit", f"unit/s{n}", {"name": "交通运输局", **seen(n, 1)}
        yield "register_unit", f"unit/s{n}", {"name": "交通局", **seen(n, 2)}
    if n % 5 == 0:
        person = {"name": f"王{n}", "telephone": "13800000000"}
        yield "register_person", f"person/p{n}", person
    if n % 20 == 0:
        (registered,) = ledger.history(f"person/p{n}")
        order = {"digest": registered.fact.name, "order": f"〔2021〕{n}号", "reason": "本人申请"}
        yield "withhold_person_value", f"person/p{n}", order


def seen(n: int, revision: int) -> dict[str, Any]:
    """The circumstances of what was seen in another system."""
    source = {"system": CONSOLE.system, "table": "units", "row": str(n), "revision": str(revision)}
    return {"case": {"source": source}}
