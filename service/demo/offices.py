"""三个台账: each office with its paper, its rule set, its script and its figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from service.demo.changning import cast as changning
from service.demo.changning import figures as changning_figures
from service.demo.changning import script as changning_script
from service.demo.figures import Figure
from service.demo.kunming import cast as kunming
from service.demo.kunming import figures as kunming_figures
from service.demo.kunming import script as kunming_script
from service.demo.script import Paper, Scene
from service.demo.shizong import cast as shizong
from service.demo.shizong import figures as shizong_figures
from service.demo.shizong import script as shizong_script

C = TypeVar("C")

HERE = Path(__file__).parent
SHIPPED = HERE.parent / "rulesets"


@dataclass(frozen=True)
class Office(Generic[C]):
    """演示台账: what is played into one ledger, and what is to be found in it afterwards."""

    slug: str
    title: str
    paper: Paper
    rules: Path
    cast: C
    script: Callable[[C], Iterator[Scene]]
    figures: Sequence[Figure]
    visit: tuple[str, str]
    """What a visitor may want to know, and where it is answered."""

    def scenes(self) -> list[Scene]:
        return list(self.script(self.cast))

    @property
    def rule_set(self) -> Any:
        return msgspec.json.decode(self.rules.read_bytes())


KUNMING = Office(
    slug="kunming-edz",
    title="昆明经济技术开发区",
    paper=kunming.PAPER,
    rules=SHIPPED / "kunming_edz.json",
    cast=kunming.Cast(),
    script=kunming_script.scenes,
    figures=kunming_figures.FIGURES,
    visit=(
        "停拨期间国库可否支付，为什么",
        "projects/2021-012/payable?year=2021&line=L1&amount=1.00&on=2021-09-30&as_of=2021-09-30",
    ),
)
SHIZONG = Office(
    slug="shizong",
    title="师宗县",
    paper=shizong.PAPER,
    rules=SHIPPED / "shizong.json",
    cast=shizong.Cast(),
    script=shizong_script.scenes,
    figures=shizong_figures.FIGURES,
    visit=("审核为差的项目经过了什么，哪些办理被拒绝", "projects/2020-34/history"),
)
CHANGNING = Office(
    slug="changning",
    title="常宁市",
    paper=changning.PAPER,
    rules=HERE / "changning" / "rules.json",
    cast=changning.Cast(),
    script=changning_script.scenes,
    figures=changning_figures.FIGURES,
    visit=("残联有哪些整改事项，多少资金尚未收回", "units/cl"),
)
OFFICES: tuple[Office[Any], ...] = (KUNMING, SHIZONG, CHANGNING)
