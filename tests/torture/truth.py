"""What must be true afterwards: nothing lost, nothing doubled, nothing half-written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from service.desk import Busy
from service.ledger.application import Ledger
from service.ledger.errors import OutcomeUnknown, StorageUnavailable
from service.ledger.verifications import Verdict
from service.ledger.verify import verify
from service.projector import Projector, Rebuild


def require_exactly_once(ledger: Ledger, answered: Mapping[str, int]) -> None:
    """Every answered key has its one record where the answer said; no key has two."""
    found: dict[str, list[int]] = defaultdict(list)
    for record in ledger.every_record():
        found[record.envelope.request].append(record.position)
    found.pop("", None)
    lost = {key: position for key, position in answered.items() if found[key] != [position]}
    assert not lost, f"answered, but not so recorded: {lost}"
    doubled = {key: positions for key, positions in found.items() if len(positions) > 1}
    assert not doubled, f"recorded more than once: {doubled}"


def require_designed(errors: Iterable[Exception]) -> None:
    """Who was not answered was told that nothing was recorded, or that only asking again tells."""
    for error in errors:
        assert isinstance(error, StorageUnavailable | OutcomeUnknown | Busy), repr(error)


def require_sound(ledger: Ledger) -> None:
    """The ledger's own verification finds nothing that is not as it was recorded."""
    found = verify(ledger.engine, ledger.slug, processes=1, facts=True)
    assert found.verdict is Verdict.TRUE, found.finding
    assert found.size == ledger.head_position()


def require_projected(ledger: Ledger) -> None:
    """Every read model catches up, and is then what a rebuild makes of the same records."""
    projector = Projector(ledger.engine, ledger)
    assert projector.catch_up() == ledger.head_position()
    for model in projector.models:
        report = Rebuild(ledger.engine, ledger, model).fill()
        assert report.is_equal, report
        assert report.position == ledger.head_position()
