"""What the environment may say, and what it may not."""

from __future__ import annotations

import pytest

from service.settings import BadSetting, Settings, variables


def test_what_is_not_said_has_a_default() -> None:
    assert Settings.from_environment({}) == Settings()


def test_what_is_said_holds() -> None:
    said = {"WENXIAO_DATABASE_URL": "sqlite:///a", "WENXIAO_BODY_LIMIT": "5", "PATH": "/"}
    assert Settings.from_environment(said) == Settings(database_url="sqlite:///a", body_limit=5)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("WENXIAO_POOL_SIZE", "many"),
        ("WENXIAO_POOL_SIZE", "0"),
        ("WENXIAO_BODY_LIMIT", "1.5"),
        ("WENXIAO_WAIT_SECONDS", "-1"),
        ("WENXIAO_WAIT_SECONDS", "nan"),
        ("WENXIAO_LOG_LEVEL", "loud"),
    ],
)
def test_what_means_nothing_is_refused_by_name(variable: str, text: str) -> None:
    with pytest.raises(BadSetting, match=variable):
        Settings.from_environment({variable: text})


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Settings(database_url="postgresql://u:secret@host/db"))


def test_every_variable_is_listed() -> None:
    assert variables()["WENXIAO_DATABASE_URL"] == "sqlite:///wenxiao.sqlite"
    assert all(name.startswith("WENXIAO_") for name in variables())
