"""The corpus's own test split stays, whole training speakers validate."""

import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.protocols.held_out_speakers import OwnTestPart


def table(speakers: int) -> pd.DataFrame:
    rows = [
        {"id": f"{s}-{u}", "speaker": f"s{s}", "part": "train"}
        for s in range(speakers)
        for u in range(3)
    ]
    return pd.DataFrame([*rows, {"id": "t-0", "speaker": "t", "part": "test"}])


@pytest.mark.parametrize(("speakers", "share", "held"), [(20, 0.15, 3), (2, 0.01, 1), (4, 1.0, 3)])
def test_whole_speakers_of_the_training_part_validate(
    speakers: int, share: float, held: int
) -> None:
    (fold,) = OwnTestPart(share, seed=4)(table(speakers))
    assert fold.test == ("t-0",)
    assert len(fold.validation) == 3 * held and len(fold.train) == 3 * (speakers - held)
    assert not {i.split("-")[0] for i in fold.train} & {i.split("-")[0] for i in fold.validation}


def test_the_seed_alone_decides() -> None:
    people = table(20)
    shuffled = people.sample(frac=1.0, random_state=1).sort_values("id", ignore_index=True)
    again = people.sort_values("id", ignore_index=True)
    assert list(OwnTestPart(seed=1)(shuffled)) == list(OwnTestPart(seed=1)(again))
    assert len({next(OwnTestPart(seed=seed)(people)).validation for seed in range(6)}) > 1


def test_a_corpus_without_a_test_part_is_refused() -> None:
    with pytest.raises(MmserError, match="found 0 test utterances, 3 training speakers"):
        list(OwnTestPart()(table(3).query("part == 'train'")))
