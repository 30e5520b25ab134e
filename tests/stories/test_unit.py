"""Units join the register and move within it."""

from aggregates.unit import Unit, UnitMoved, UnitRegistered
from commands import unit as rules
from commands.unit import MoveUnit, RegisterUnit
from tests.scenario import Scenario, given
from tests.stories.cast import DEPARTMENT, UNIT, department, first_level_unit, unit

OTHER = "200"
other_department = UnitRegistered("市城市管理局", "", 1)
moved = UnitMoved(DEPARTMENT, OTHER, 2, "机构改革")


def unit_below_its_department() -> Scenario:
    return given(Unit, unit, code=UNIT).and_given(Unit, department, code=DEPARTMENT)


def test_a_unit_without_a_superior_is_of_the_first_level() -> None:
    given(Unit, code=DEPARTMENT).when(RegisterUnit("市交通运输局")).then(department)


def test_a_unit_stands_one_level_below_its_superior() -> None:
    given(Unit, code=UNIT).and_given(Unit, department, code=DEPARTMENT).when(
        RegisterUnit("公路养护中心", DEPARTMENT)
    ).then(unit)


def test_a_unit_is_registered_once() -> None:
    given(Unit, department, code=DEPARTMENT).when(RegisterUnit("市交通局")).refused(
        rules.REGISTERED_ONCE
    )


def test_a_superior_has_to_be_registered() -> None:
    given(Unit, code=UNIT).when(RegisterUnit("公路养护中心", DEPARTMENT)).refused(
        rules.SUPERIOR_EXISTS
    )


def test_a_unit_is_not_its_own_superior() -> None:
    given(Unit, department, code=DEPARTMENT).when(MoveUnit("机构改革", DEPARTMENT)).refused(
        rules.NO_CIRCLE
    )


def test_a_unit_is_not_put_below_its_own_subordinate() -> None:
    given(Unit, department, code=DEPARTMENT).and_given(Unit, unit, code=UNIT).when(
        MoveUnit("机构改革", UNIT)
    ).refused(rules.NO_CIRCLE)


def test_a_circle_in_the_register_of_another_system_ends_the_climb() -> None:
    below_each_other = UnitMoved("", UNIT, 2, "误报")
    given(Unit, code="300").and_given(Unit, unit, code=UNIT).and_given(
        Unit, department, below_each_other, code=DEPARTMENT
    ).when(RegisterUnit("养护站", UNIT)).then(UnitRegistered("养护站", UNIT, 3))


def test_a_unit_moves_under_another_superior() -> None:
    unit_below_its_department().and_given(Unit, other_department, code=OTHER).when(
        MoveUnit("机构改革", OTHER)
    ).then(moved)


def test_a_unit_rises_to_the_first_level() -> None:
    unit_below_its_department().when(MoveUnit("单列")).then(UnitMoved(DEPARTMENT, "", 1, "单列"))


def test_a_unit_that_has_moved_may_move_back() -> None:
    given(Unit, unit, moved, code=UNIT).and_given(Unit, department, code=DEPARTMENT).when(
        MoveUnit("恢复", DEPARTMENT)
    ).then(UnitMoved(OTHER, DEPARTMENT, 2, "恢复"))


def test_a_unit_moves_somewhere_else() -> None:
    unit_below_its_department().when(MoveUnit("机构改革", DEPARTMENT)).refused(
        rules.MOVES_ELSEWHERE
    )


def test_only_a_registered_unit_moves() -> None:
    given(Unit, code=UNIT).and_given(Unit, department, code=DEPARTMENT).when(
        MoveUnit("机构改革", DEPARTMENT)
    ).refused(rules.REGISTERED_FIRST)


def test_a_first_level_unit_has_nobody_above_it() -> None:
    given(Unit, first_level_unit, code=UNIT).when(MoveUnit("单列")).refused(rules.MOVES_ELSEWHERE)
