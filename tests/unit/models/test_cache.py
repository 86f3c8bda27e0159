from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from modelstream.models.cache import ModelCache


class Loaded:
    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True


@pytest.fixture
def cache():
    return ModelCache()


def test_one_load_serves_all_who_open_at_the_same_time(cache):
    loads, barrier = [], Barrier(8)

    def load():
        loads.append(Loaded())
        return loads[-1]

    def use():
        with cache.lease("key", load) as model:
            barrier.wait(timeout=120)
            return model

    with ThreadPoolExecutor(8) as pool:
        models = list(pool.map(lambda _: use(), range(8)))
    assert len(loads) == 1
    assert set(models) == set(loads)


def test_the_last_user_closes(cache):
    with cache.lease("key", Loaded) as first:
        with cache.lease("key", Loaded) as second:
            assert second is first
        assert not first.closed
    assert first.closed
    assert len(cache) == 0


def test_the_next_user_after_the_last_loads_again(cache):
    with cache.lease("key", Loaded) as first:
        pass
    with cache.lease("key", Loaded) as second:
        assert second is not first
        assert not second.closed


def test_other_keys_have_other_copies_and_do_not_wait(cache):
    loading, release = Event(), Event()

    def slow():
        loading.set()
        release.wait(timeout=120)
        return Loaded()

    def use_slow():
        with cache.lease("slow", slow) as model:
            return model

    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(use_slow)
        assert loading.wait(timeout=120)
        with cache.lease("fast", Loaded) as fast:
            release.set()
            assert pending.result(timeout=120) is not fast


def test_a_failed_load_leaves_nothing_and_the_next_one_tries_again(cache):
    def fail():
        raise OSError("no")

    with pytest.raises(OSError, match="no"), cache.lease("key", fail):
        pass
    assert len(cache) == 0
    with cache.lease("key", Loaded) as model:
        assert not model.closed
