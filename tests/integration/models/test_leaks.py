"""What a SavedModel leaves behind: in a file of its own, for it takes as long as all its others."""

from tests.support import models
from tests.support.memory import grown_mib

from modelstream.models import DEFAULT_SIGNATURE, SavedModel, warm_up


def test_nothing_leaks_over_five_hundred_open_and_close_cycles():
    model = SavedModel(models.mlp())

    def cycle():
        with model.open() as opened:
            warm_up(opened, DEFAULT_SIGNATURE)

    assert grown_mib(cycle, 500, before=50) < 5
