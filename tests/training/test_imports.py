"""What takes no step waits for no trainer."""

import subprocess
import sys


def test_solving_evaluating_and_predicting_load_no_lightning():
    rooms = "mmser.training.fit, mmser.evaluation.evaluate, mmser.inference.timeline"
    program = f"import sys, {rooms}; sys.exit('lightning' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
