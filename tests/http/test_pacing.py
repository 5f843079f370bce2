import pytest

from mockserver.errors import UsageError
from mockserver.http.pacing import Pace, parse_pace


@pytest.mark.parametrize(
    ("speed", "max_gap", "made"),
    [
        pytest.param("recorded", None, Pace(1.0), id="recorded"),
        pytest.param("recorded", 0.0, Pace(1.0, 0.0), id="no gaps"),
        pytest.param("4", 2.0, Pace(4.0, 2.0), id="a factor"),
        pytest.param("0.5", None, Pace(0.5), id="slower"),
        pytest.param("instant", 2.0, Pace(None), id="instant has no gaps to cut"),
    ],
)
def test_a_speed_has_its_pace(speed: str, max_gap: float | None, made: Pace) -> None:
    assert parse_pace(speed, max_gap) == made


@pytest.mark.parametrize("speed", ["fast", "", "0", "-1", "nan", "inf", "1e6"])
def test_any_other_speed_is_refused(speed: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_pace(speed, None)

    said = f"--speed {speed}: write recorded, instant, or a factor such as 4"
    assert str(refused.value) == said


@pytest.mark.parametrize("max_gap", [-1.0, float("nan")])
def test_a_gap_is_a_number_of_seconds(max_gap: float) -> None:
    with pytest.raises(UsageError) as refused:
        parse_pace("instant", max_gap)

    assert str(refused.value) == f"--max-gap {max_gap}: write a number of seconds"


@pytest.mark.parametrize(
    ("made", "seconds", "gap"),
    [
        pytest.param(Pace(), 2.0, 2.0, id="as recorded"),
        pytest.param(Pace(4.0), 2.0, 0.5, id="faster"),
        pytest.param(Pace(0.5), 2.0, 4.0, id="slower"),
        pytest.param(Pace(1.0, 0.5), 2.0, 0.5, id="cut"),
        pytest.param(Pace(1.0, 0.5), 0.25, 0.25, id="short enough"),
        pytest.param(Pace(4.0, 0.5), 2.0, 0.5, id="cut after it was scaled"),
        pytest.param(Pace(None), 2.0, 0.0, id="instant"),
        pytest.param(Pace(), -1.0, 0.0, id="a clock that went back"),
    ],
)
def test_a_pause_lasts_as_long_as_the_pace_wants(made: Pace, seconds: float, gap: float) -> None:
    assert made.scale(seconds) == gap
