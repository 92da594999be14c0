"""The words of the commands become arguments; wrong ones are wrong usage."""

from mmser.cli import main


def test_ablate(trained, capsys):
    assert main(["ablate", f"run={trained.directory}"]) == 0
    assert "UA, pooled" in capsys.readouterr().out


def test_robustness(trained, capsys):
    assert main(["robustness", f"run={trained.directory}", "--wer", "0.4", "--draws", "1"]) == 0
    assert "WER 40%" in capsys.readouterr().out


def test_by_products_of_a_run_that_has_none(trained, capsys):
    assert main(["evaluate", f"run={trained.directory}", "also=poems"]) == 2
    assert (
        "also=hypotheses, listeners, domains, frames, validation or submission; found poems"
        in capsys.readouterr().err
    )
    assert main(["evaluate", f"run={trained.directory}", "also=hypotheses"]) == 1
    assert "expected a run trained with CTC" in capsys.readouterr().err
    assert main(["evaluate", f"run={trained.directory}", "also=domains"]) == 1
    assert "expected two corpora or two genders in the training split" in capsys.readouterr().err
    assert main(["evaluate", f"run={trained.directory}", "also=frames"]) == 1
    assert "expected a run that predicts every frame" in capsys.readouterr().err


def test_wrong_words(capsys):
    assert main(["ablate", "runs/x"]) == 2
    assert "expected run=DIR; found runs/x" in capsys.readouterr().err
    assert main(["ablate", "run=x", "--vary", "fusion="]) == 2
    assert "--vary KEY=A,B" in capsys.readouterr().err
