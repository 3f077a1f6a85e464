"""How many threads compute: what is fastest where it is measured, unless the user has said."""

from __future__ import annotations

import time

import pytest
import torch

from tds_atlas.measure import threads
from tds_atlas.measure.engines.models import Models


@pytest.mark.parametrize(
    ("speeds", "number"),
    [({1: 100.0, 2: 190.0}, 2), ({1: 190.0, 2: 100.0}, 1), ({1: 105.0, 2: 100.0}, 2), ({1: 5.0, 2: 9.0, 4: 6.0}, 2)],
)
def test_the_largest_number_unless_another_is_clearly_faster(speeds: dict[int, float], number: int) -> None:
    assert threads.best(speeds) == number


def test_each_number_is_timed_with_that_many_threads_and_the_old_number_comes_back() -> None:
    before = torch.get_num_threads()

    def work(seconds: float) -> float:  # two threads that wait for one another
        time.sleep(seconds if torch.get_num_threads() == 1 else 3 * seconds)
        return 1

    found = threads.measured([1, 2], work)
    assert torch.get_num_threads() == before
    assert found[1] > 2 * found[2] and threads.best(found) == 1


def test_the_users_choice_stands_and_a_measured_one_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    choose = threads.choose_threads.__wrapped__
    monkeypatch.setattr(threads, "measured", lambda numbers, work: {n: float(n in (2, 7)) for n in numbers})
    try:
        torch.set_num_threads(7)
        monkeypatch.setenv("OMP_NUM_THREADS", "7")
        assert choose() == "7 threads" and torch.get_num_threads() == 7
        for name in threads.CHOSEN_BY_USER:
            monkeypatch.delenv(name, raising=False)
        assert choose() == "7 of 7 threads (by measurement)"
        monkeypatch.setattr(threads, "measured", lambda numbers, work: {n: float(n == 4) for n in numbers})
        assert choose() == "4 of 7 threads (by measurement)" and torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


def test_the_number_is_part_of_the_record() -> None:
    assert Models("cpu").provenance()["threads"].endswith("threads")
