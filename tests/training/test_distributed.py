"""Two processes of one fold (DDP, gloo on the CPU) train one model and score every
utterance once.
"""

import pytest

from mmser.training.fit import train


@pytest.mark.slow
def test_two_processes_train_one_fold(settings):
    changes = {
        "trainer.devices": 2,
        "trainer.strategy": "ddp",
        "trainer.epochs": 2,
        "data.batch_size": 4,
    }
    run = train(settings(folds=["s0"], **changes))
    table = run.fold("s0", 0).curve
    assert list(table["epoch"]) == [1, 2]
    # 24 training rows, 4 a batch, dealt to two processes.
    assert list(table["step"]) == [3, 6]
    assert run.fold("s0", 0).facts["best_epoch"] in (1, 2)
    run.fold("s0", 0).model()


@pytest.mark.slow
def test_scores_do_not_depend_on_the_number_of_processes(settings):
    """With a learning rate of zero both validate the same weights, 12 rows in batches of 5."""
    frozen = {"optimizer.lr": 0.0, "trainer.epochs": 1, "data.batch_size": 5}
    one = train(settings(run="one", folds=["s0"], **frozen)).fold("s0", 0).curve
    both = {"trainer.devices": 2, "trainer.strategy": "ddp"}
    two = train(settings(run="two", folds=["s0"], **frozen, **both)).fold("s0", 0).curve
    for name in ("validation_loss", "validation_ua", "validation_wf1"):
        assert two[name][0] == pytest.approx(one[name][0], abs=1e-6)
