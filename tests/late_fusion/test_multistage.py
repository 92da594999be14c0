"""Multistage regression: the leak guard, and what must come out where the answer is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from makers.fusion_folders import smooth_noise

from mmser.core.errors import MmserError, UsageError
from mmser.late_fusion.frame_protocols import fit_protocol
from mmser.late_fusion.frame_windows import Form
from mmser.late_fusion.grouping import Grouping
from mmser.late_fusion.linear_svr import fit_linear
from mmser.late_fusion.multistage import StageSettings, fit_chain, pooled_ccc

SMALL = StageSettings(
    stages=2, contexts=(1, 2), costs=(0.01, 0.1), rows=400, folds=3, inner_folds=2
)


def silent(_: int) -> None:
    pass


def own_subjects(names: Mapping[str, object]) -> Grouping:
    return Grouping({name: name for name in names}, "each its own")


def scored(stages: list[dict[str, np.ndarray]], labels: Mapping[str, np.ndarray]) -> list[float]:
    attributes = range(next(iter(labels.values())).shape[1])
    return [
        float(np.mean([pooled_ccc(labels, stage, labels, a) for a in attributes]))
        for stage in stages
    ]


@pytest.fixture(scope="module")
def noise() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """12 models' outputs and labels of 28 subjects, all independent smooth noise: there is nothing
    to learn.
    """
    generator = np.random.default_rng(3)
    names = [f"s{i:02d}" for i in range(28)]
    outputs = {
        name: 0.3 * smooth_noise(generator, 500, 12, 40).reshape(500, 12, 1) for name in names
    }
    return outputs, {name: 0.3 * smooth_noise(generator, 500, 1, 40) for name in names}


def test_resubstitution_rises_on_pure_noise_and_by_subject_does_not(
    noise: tuple[dict[str, np.ndarray], dict[str, np.ndarray]],
) -> None:
    """Acceptance check 6 of the specification."""
    outputs, labels = noise
    settings = StageSettings(
        stages=3, contexts=(5,), costs=(0.1,), rows=3000, folds=4, inner_folds=2
    )
    fooled = scored(
        fit_protocol(
            "resubstitution", outputs, labels, own_subjects(labels), settings, silent
        ).stages,
        labels,
    )
    honest = scored(
        fit_protocol("by_subject", outputs, labels, own_subjects(labels), settings, silent).stages,
        labels,
    )
    assert 0.05 < fooled[0] < fooled[1] < fooled[2]
    assert max(map(abs, honest)) < 0.1


@pytest.mark.parametrize("protocol", ["resubstitution", "by_subject"])
def test_the_answer_itself_as_only_model_is_found_both_ways(protocol: str) -> None:
    """Acceptance check 7."""
    generator = np.random.default_rng(0)
    labels = {f"s{i}": smooth_noise(generator, 120, 2) for i in range(6)}
    outputs = {name: values[:, None] for name, values in labels.items()}
    settings = StageSettings(stages=1, contexts=(2,), costs=(1.0,), folds=3, inner_folds=2)
    fitted = fit_protocol(protocol, outputs, labels, own_subjects(labels), settings, silent)  # type: ignore[arg-type]
    assert scored(fitted.stages, labels)[0] > 0.99


class Watched(Mapping[str, np.ndarray]):
    """Labels that note who reads them."""

    def __init__(self, labels: Mapping[str, np.ndarray]) -> None:
        self.labels, self.read = dict(labels), set[str]()

    def __getitem__(self, name: str) -> np.ndarray:
        self.read.add(name)
        return self.labels[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def __len__(self) -> int:
        return len(self.labels)


def study() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    generator = np.random.default_rng(1)
    labels = {f"s{i}": smooth_noise(generator, 60, 2) for i in range(6)}
    outputs = {
        n: v[:, None] + smooth_noise(generator, 60, 4).reshape(60, 2, 2) for n, v in labels.items()
    }
    return outputs, labels


def test_no_stage_reads_a_label_of_its_own_evaluation_fold() -> None:
    """Acceptance check 8: the labels a fold may not see are made worthless, and its outputs do not
    change.
    """
    outputs, labels = study()
    grouping = own_subjects(labels)
    honest = fit_protocol("by_subject", outputs, labels, grouping, SMALL, silent)
    generator = np.random.default_rng(9)
    for held in grouping.folds(SMALL.folds):
        spoilt = {n: generator.permutation(v) * 50 if n in held else v for n, v in labels.items()}
        other = fit_protocol("by_subject", outputs, spoilt, grouping, SMALL, silent)
        for stage, expected in zip(other.stages, honest.stages, strict=True):
            assert all(np.array_equal(stage[name], expected[name]) for name in held)
        free = [name for name in labels if name not in held]
        assert any(
            not np.array_equal(other.stages[0][name], honest.stages[0][name]) for name in free
        )


def test_out_of_fold_outputs_of_a_recording_do_not_know_its_label() -> None:
    """Inside a chain: what stage 2 is trained on for a recording came from stage 1 without that
    recording's label.
    """
    outputs, labels = study()
    base = {name: values.reshape(60, -1) for name, values in outputs.items()}
    one = StageSettings(stages=1, contexts=(1,), costs=(0.1,), rows=400)
    folds = own_subjects(labels).folds(3)
    chain = fit_chain(base, labels, one, folds, silent)
    for held in folds:
        spoilt = {n: -v if n in held else v for n, v in labels.items()}
        other = fit_chain(base, spoilt, one, folds, silent)
        assert all(np.array_equal(other.outputs[0][name], chain.outputs[0][name]) for name in held)


@pytest.mark.parametrize("form", ["distinct", "released"])
def test_no_frame_of_another_recording_stands_in_a_window(
    form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acceptance check 5: each recording is one number throughout, so every row of every fit must
    be constant.
    """
    rows: list[np.ndarray] = []

    def watched(features: np.ndarray, targets: np.ndarray, *rest: object) -> np.ndarray:
        rows.append(features)
        return fit_linear(features, targets, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("mmser.late_fusion.multistage.fit_linear", watched)
    labels = {f"s{i}": smooth_noise(np.random.default_rng(i), 30, 1) for i in range(4)}
    base = {name: np.full((30, 3), 1.0 + place, np.float32) for place, name in enumerate(labels)}
    one = StageSettings(stages=1, contexts=(40,), costs=(0.1,), rows=400, form=form)
    fit_chain(base, labels, one, own_subjects(labels).folds(2), silent)
    assert len(rows) == 3, "two folds and the whole"
    for features in rows:
        assert features.shape[1] == 3 * 81 and np.ptp(features, axis=1).max() == 0
    assert set(rows[-1][:, 0]) == {1.0, 2.0, 3.0, 4.0}


def test_labels_are_read_by_name_and_only_those_given() -> None:
    outputs, labels = study()
    watched = Watched({name: labels[name] for name in list(labels)[:4]})
    base = {name: values.reshape(60, -1) for name, values in outputs.items()}
    chain = fit_chain(base, watched, SMALL, None, silent)
    assert watched.read == set(list(labels)[:4])
    assert [len(values) for values in chain.apply(base["s5"])] == [60, 60]


def test_partners_of_a_conversation_are_held_out_together() -> None:
    outputs, labels = study()
    pairs = Grouping({f"s{i}": f"pair{i // 2}" for i in range(6)}, "pairs")
    honest = fit_protocol("by_subject", outputs, labels, pairs, SMALL, silent)
    spoilt = labels | {"s1": -labels["s1"]}
    other = fit_protocol("by_subject", outputs, spoilt, pairs, SMALL, silent)
    assert np.array_equal(other.stages[1]["s0"], honest.stages[1]["s0"])
    assert not np.array_equal(other.stages[1]["s2"], honest.stages[1]["s2"])


def test_recordings_and_frames_without_labels_are_predicted() -> None:
    outputs, labels = study()
    del labels["s5"]
    labels["s0"][20:] = np.nan
    labels["s1"][:, 1] = np.nan
    for protocol in ("resubstitution", "by_subject"):
        fitted = fit_protocol(protocol, outputs, labels, own_subjects(labels), SMALL, silent)  # type: ignore[arg-type]
        for stage in fitted.stages:
            assert set(stage) == set(outputs)
            assert all(
                np.isfinite(values).all() and values.shape == (60, 2) for values in stage.values()
            )
            assert np.isfinite(scored([stage], labels)[0])


def test_choices_name_fold_stage_and_grid_point() -> None:
    outputs, labels = study()
    choices = fit_protocol(
        "by_subject", outputs, labels, own_subjects(labels), SMALL, silent
    ).choices
    assert {(c["fold"], c["stage"], c["attribute"]) for c in choices} == {
        (fold, stage, attribute)
        for fold in ("1", "2", "3")
        for stage in (1, 2)
        for attribute in (0, 1)
    }
    assert all(
        c["context"] in SMALL.contexts and c["cost"] in SMALL.costs and c["score"] <= 1
        for c in choices
    )


def test_standardising_makes_units_irrelevant() -> None:
    outputs, labels = study()
    scaled = {
        name: values * np.array([[1000.0], [0.01]], np.float32) for name, values in outputs.items()
    }
    settings = StageSettings(stages=1, contexts=(1,), costs=(0.1,), standardise=True)
    both = [
        fit_protocol("resubstitution", o, labels, own_subjects(labels), settings, silent)
        for o in (outputs, scaled)
    ]
    for name in labels:
        np.testing.assert_allclose(both[0].stages[0][name], both[1].stages[0][name], atol=2e-3)


def test_two_subjects_cannot_be_cross_validated() -> None:
    outputs, labels = study()
    two = {name: labels[name] for name in ("s0", "s1")}
    with pytest.raises(MmserError, match=r"at least three groups .* found 2 .*resubstitution"):
        fit_protocol("by_subject", outputs, two, own_subjects(two), SMALL, silent)


@pytest.mark.parametrize(
    "wrong", [{"stages": 0}, {"contexts": ()}, {"costs": (0.0,)}, {"folds": 1}]
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="stages and rows from 1"):
        StageSettings(**wrong)  # type: ignore[arg-type]
