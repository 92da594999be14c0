"""The corpus's own split as one fold."""

import pytest
from makers.people import people

from mmser.core.errors import MmserError
from mmser.protocols.own_partition import OwnPartition
from mmser.protocols.plan import Fold


def test_own_partition() -> None:
    table = people(3, 2).assign(part=["train", "train", "validation", "validation", "test", ""])
    assert list(OwnPartition()(table)) == [
        Fold("official", ("u00-000", "u00-001"), ("u01-000", "u01-001"), ("u02-000",))
    ]
    with pytest.raises(MmserError, match="none in validation"):
        list(OwnPartition()(table[table["part"] != "validation"]))
