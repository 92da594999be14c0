"""Words that are the same but for case, spaces, invisible characters or their form."""

from mmser.core.spelling import near_equal


def test_near_equal_words_are_grouped_and_others_left_alone() -> None:
    words = [
        "Happy",
        "happy",
        "happy",
        "hap py",
        "hap  py",
        "sad",
        "\uff53\uff41\uff44",
        "sa\u200bd",
        "anger",
        "fear",
    ]
    assert near_equal(words) == [
        ["Happy", "happy"],
        ["hap  py", "hap py"],
        ["sad", "sa\u200bd", "\uff53\uff41\uff44"],
    ]
    assert near_equal(["a", "b", "a"]) == []
