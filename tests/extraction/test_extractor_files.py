"""Words that name the files of extractors; where the files are looked for is tested with
`extractor_of`.
"""

import pytest

from mmser.core.errors import UsageError
from mmser.extraction.extractor_files import check_named, named_files


def test_words_that_name_files() -> None:
    words = ["a.wav", "extractor.glove.weights=/data/a=b.txt", "extractor.resnet18.weights=r.pth"]
    named, others = named_files(words)
    assert (named, others) == (
        {"glove": {"weights": "/data/a=b.txt"}, "resnet18": {"weights": "r.pth"}},
        ["a.wav"],
    )
    glove = {"extractor": "glove", "parameters": {"weights": "sha256:1"}}
    with pytest.raises(
        UsageError, match=r"extractor\.glove\.weights=PATH; found extractor\.resnet18"
    ):
        check_named(named, [glove])
    with pytest.raises(UsageError, match="expected no file: none of the extractors reads one"):
        check_named({"mfcc40": {"weights": "x"}}, [{"extractor": "mfcc40", "parameters": {}}])
