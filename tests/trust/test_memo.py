from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from trust.memo import ArithmeticMemo


def test_what_was_used_last_stays() -> None:
    memo = ArithmeticMemo(max_bytes=300)
    for name in "abc":
        memo.remember((name,), name, 100)
    assert memo.recall(("a",)) == "a"
    memo.remember(("d",), "d", 100)
    assert [memo.recall((name,)) for name in "abcd"] == ["a", None, "c", "d"]


def test_the_bound_holds_whatever_comes() -> None:
    memo = ArithmeticMemo(max_bytes=1_000)
    for number in range(100):
        memo.remember((number % 40,), number, number * 7)
        assert memo.used_bytes <= 1_000
    memo.remember(("giant",), True, 1_001)
    assert memo.recall(("giant",)) is None
    assert memo.used_bytes == 0 == len(memo)


def test_remembering_again_replaces() -> None:
    memo = ArithmeticMemo(max_bytes=1_000)
    memo.remember(("a",), 1, 400)
    memo.remember(("a",), 2, 300)
    assert (memo.recall(("a",)), memo.used_bytes, len(memo)) == (2, 300, 1)


def test_a_negative_outcome_is_an_outcome() -> None:
    memo = ArithmeticMemo()
    memo.remember(("bad signature",), False)
    assert memo.recall(("bad signature",)) is False


def test_threads_share_it() -> None:
    memo = ArithmeticMemo(max_bytes=50_000)

    def work(seed: int) -> None:
        for number in range(500):
            memo.remember((seed * number % 97,), number, 700)
            memo.recall((number % 97,))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert memo.used_bytes == 700 * len(memo) <= 50_000
