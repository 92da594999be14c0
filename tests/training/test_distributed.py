"""Two processes of one fold (DDP, gloo on the CPU) train one model and score every utterance once."""

import pytest

from mmser.training.fit import train


@pytest.mark.slow
def test_two_processes_train_one_fold_and_score_as_one_does(settings):
    """With a learning rate of zero both validate the same weights, 12 rows in batches of 5."""
    frozen = {"optimizer.lr": 0.0, "trainer.epochs": 2, "data.batch_size": 5}
    both = {"trainer.devices": 2, "trainer.strategy": "ddp"}
    one = train(settings(run="one", folds=["s0"], **frozen)).fold("s0", 0).curve
    run = train(settings(run="two", folds=["s0"], **frozen, **both))
    two = run.fold("s0", 0).curve
    assert list(two["epoch"]) == [1, 2]
    # 24 training rows dealt to two processes: 12 each, 5 a batch.
    assert list(two["step"]) == [3, 6]
    assert run.fold("s0", 0).facts["best_epoch"] in (1, 2)
    run.fold("s0", 0).model()
    for name in ("validation_loss", "validation_ua", "validation_wf1"):
        assert two[name][0] == pytest.approx(one[name][0], abs=1e-6)
