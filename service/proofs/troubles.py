"""故障: what may go wrong with custody, keys and policies without anybody's code being wrong."""

from __future__ import annotations

from service.proofs.custody import BadCustody
from service.proofs.hearing import TooFewHeard
from service.proofs.keyfiles import BadKeyFile
from service.proofs.keys import KeyRefused
from service.proofs.notes import BadNote
from service.proofs.policy import BadPolicy

TROUBLES = (BadCustody, BadKeyFile, BadNote, BadPolicy, KeyRefused, TooFewHeard)
"""Each says in a sentence what its operator has to look at."""
