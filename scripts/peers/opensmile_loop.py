"""opensmile's own loop: FOLDER TABLE.csv"""

import sys
from pathlib import Path

import opensmile

files = sorted(map(str, Path(sys.argv[1]).rglob("*.flac")))
smile = opensmile.Smile(
    feature_set=opensmile.FeatureSet.eGeMAPSv02,
    feature_level=opensmile.FeatureLevel.Functionals,
)
smile.process_files(files).to_csv(sys.argv[2])
