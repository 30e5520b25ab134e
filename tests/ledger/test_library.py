"""The eventsourcing library's own examination of recorders, on both databases."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from eventsourcing.persistence import StoredEvent
from sqlalchemy import Engine

from service.ledger.recorder import Recorder, create_ledger
from service.ledger.rows import Stored

if TYPE_CHECKING:
    from eventsourcing.tests.persistence import ApplicationRecorderTestCase
else:
    # Its module also examines a cipher, which wants a package that nothing else here needs.
    with pytest.MonkeyPatch.context() as patch:
        cipher = ModuleType("eventsourcing.cipher")
        cipher.AESCipher = None
        patch.setitem(sys.modules, cipher.__name__, cipher)
        examinations = importlib.import_module("eventsourcing.tests.persistence")
    ApplicationRecorderTestCase = examinations.ApplicationRecorderTestCase


class CountedFromZero(Recorder):
    """A ledger for an examination whose streams count from 0; ours count from 1."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> list[int]:
        counted = [replace(e, originator_version=e.originator_version + 1) for e in stored_events]
        return super().insert_events(counted, **kwargs)

    def select_notifications(self, *args: Any, **kwargs: Any) -> list[Stored]:
        found = super().select_notifications(*args, **kwargs)
        return [replace(each, originator_version=each.originator_version - 1) for each in found]


class Examination(ApplicationRecorderTestCase[Recorder]):
    """The library's cases, with those for recorders that can be subscribed to."""

    __test__ = False  # run below, on each database
    INITIAL_VERSION = 0

    def __init__(self, case: str, engine: Engine) -> None:
        super().__init__(case)
        self.engine = engine

    def new_originator_id(self) -> str:
        return f"dog/{uuid4()}"

    def create_recorder(self) -> Recorder:
        create_ledger(self.engine, "examined")
        return CountedFromZero(self.engine, "examined")

    def setUp(self) -> None:
        self.before = set(threading.enumerate())

    def tearDown(self) -> None:
        for reader in set(threading.enumerate()) - self.before:  # told to stop, not waited for
            reader.join()

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


CASES = [name for name in dir(Examination) if name.startswith("test_")]


@pytest.mark.parametrize("case", CASES)
def test_the_librarys_examination_of_recorders_is_passed(engine: Engine, case: str) -> None:
    Examination(case, engine).debug()
