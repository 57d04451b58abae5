from threadpoolctl import threadpool_info

from suite_spectral.one_thread import one_thread


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "openmp"}


def test_inside_there_is_one_thread_and_outside_as_many_as_before() -> None:
    before = threads()
    with one_thread():
        assert threads() == {1}
    assert threads() == before
