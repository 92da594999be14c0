"""What `import mmser` offers, for type checkers: `mmser/__init__.py` imports it on first use."""

from mmser.core.trust import trust as trust
from mmser.doctor import doctor as doctor
from mmser.evaluation.evaluate import evaluate as evaluate
from mmser.evaluation.scoring.compare import compare as compare
from mmser.evaluation.scoring.score import score as score
from mmser.evaluation.stress.ablation import ablate as ablate
from mmser.evaluation.stress.disturbances.acoustic_robustness import (
    acoustic_robustness as acoustic_robustness,
)
from mmser.evaluation.stress.words.asr_robustness import asr_robustness as asr_robustness
from mmser.inference.judge import Judge as Judge
from mmser.inference.recogniser import load as load
from mmser.inference.timeline import predict_recording as predict_recording
from mmser.pipeline.cross_corpus import cross_corpus as cross_corpus
from mmser.pipeline.demo import demo as demo
from mmser.pipeline.judge import evaluate_judge as evaluate_judge
from mmser.pipeline.other_corpus import evaluate_other_corpus as evaluate_other_corpus
from mmser.pipeline.preprocess import preprocess as preprocess
from mmser.pipeline.run import Run as Run
from mmser.pipeline.run import load_run as load_run
from mmser.pipeline.search import search as search
from mmser.pipeline.train import train as train
from mmser.reports.report import report as report
from mmser.sharing.export import export as export
from mmser.sharing.onnx_export import export_onnx as export_onnx
from mmser.sharing.push import push as push

__version__: str
