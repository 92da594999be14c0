"""The words of the commands become arguments; wrong ones are wrong usage."""

import subprocess
import sys

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
        "also=hypotheses, listeners, domains, frames, validation, audformat or submission; found poems"
        in capsys.readouterr().err
    )
    assert main(["evaluate", f"run={trained.directory}", "also=hypotheses"]) == 1
    assert "expected a run trained with CTC" in capsys.readouterr().err
    assert main(["evaluate", f"run={trained.directory}", "also=domains"]) == 1
    assert "expected two corpora or two genders in the training split" in capsys.readouterr().err
    assert main(["evaluate", f"run={trained.directory}", "also=frames"]) == 1
    assert "expected a run that predicts every frame" in capsys.readouterr().err


def test_wrong_words(capsys, tmp_path):
    assert main(["ablate", "runs/x"]) == 2
    assert "expected run=DIR; found runs/x" in capsys.readouterr().err
    assert main(["ablate", f"run={tmp_path}", "--vary", "fusion="]) == 2
    assert "--vary KEY=A,B" in capsys.readouterr().err


def test_a_run_that_is_not_there_is_told_before_anything_heavy_is_loaded():
    program = (
        "import sys\nfrom mmser.cli import main\n"
        "for words in (['robustness', 'run=no'], ['evaluate', 'run=no'], ['predict', 'run=no', 'a.wav'],"
        " ['export', 'run=no', '--out', 'x'], ['evaluate', 'run=no', 'corpus=emodb']):\n"
        "    assert main(words) == 1, words\n"
        "print([name for name in ('torch', 'pandas', 'hydra') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
    assert done.stderr.count("no folder no") == 5


def test_a_report_of_several_runs_keeps_the_first_ones_own(tmp_path, monkeypatch, capsys):
    from mmser.cli.report import write_report
    from mmser.reports import report

    written = []
    monkeypatch.setattr(report, "report", lambda runs, out, *_: written.append(out) or out)
    write_report([tmp_path / "a"])
    write_report([tmp_path / "a", tmp_path / "b"])
    assert written == [tmp_path / "a" / "report.html", tmp_path / "comparison.html"]
