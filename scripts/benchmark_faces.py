"""Faces of many clips: our detector and a picture network over all of them against MTCNN of
facenet-pytorch and the same network, one clip after the other.

    python scripts/benchmark_faces.py --device cuda --clips 48

Both sides get the same decoded frames in one process. Without --media they are a photograph that
matplotlib carries, pasted into grey frames at changing places; with it, the films of a folder. The
network has random weights: time does not depend on them. The last lines give the switches that
change what is found, with the overlap (intersection over union) of their boxes and the exact ones.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.cbook
import matplotlib.image
import numpy as np
import torch
from facenet_pytorch import MTCNN
from torchvision.models import get_model

from mmser.core.clip import Clip, Features
from mmser.core.utterance import Utterance
from mmser.extractors.face.resnet import ResNet
from mmser.extractors.networks.devices import arithmetic
from mmser.extractors.pictures.batches import image_features
from mmser.extractors.pictures.faces import FaceFinder, Faces, crop, on_device, squared
from mmser.media.decode import decode_clips

SUFFIXES = (".mp4", ".avi", ".mpg", ".mov", ".webm", ".mkv")
MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
SWITCHES = {"half size": (0.5, 1), "every 8th frame": (1.0, 8), "both": (0.5, 8)}
CHUNK = 16
"""Frames of a pass of the one-by-one side."""


def made_clips(count: int, frames: int, height: int, width: int) -> list[Clip]:
    """Grey noise with a portrait that moves from clip to clip and from frame to frame."""
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as stream:
        portrait = np.asarray(matplotlib.image.imread(stream, format="jpg"))
    step = max(1, -(-len(portrait) // height), -(-portrait.shape[1] * 2 // width))
    portrait = portrait[::step, ::step]
    tall, wide = portrait.shape[:2]
    generator = np.random.default_rng(0)
    clips = []
    for number in range(count):
        pictures = generator.integers(90, 120, (frames, height, width, 3), dtype=np.uint8)
        left = int(generator.integers(0, width - wide))
        for at in range(frames):
            place = min(width - wide, left + 4 * at)
            pictures[at, :tall, place : place + wide] = portrait
        clips.append(Clip(f"clip{number}", frames=pictures, frame_rate=3.0))
    return clips


def read_clips(folder: Path, count: int) -> list[Clip]:
    """The pictures of the films of a folder, three a second."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)[:count]
    seen = [Utterance(str(path), "benchmark", speaker="s", video_path=path) for path in files]
    return [clip for clip in decode_clips(seen, False, True) if clip.frames is not None]


def one_by_one(clips: Sequence[Clip], network: Any, finder: MTCNN, recipe: ResNet) -> list[Any]:
    """The library's detector, its largest sure face, the crop and the network, clip by clip."""
    device = next(network.parameters()).device
    mean, deviation = (torch.tensor(v, device=device).view(3, 1, 1) for v in (MEAN, DEVIATION))
    results = []
    for clip in clips:
        frames = torch.from_numpy(clip.frames).to(device)
        values = []
        for start in range(0, len(frames), CHUNK):
            part = frames[start : start + CHUNK]
            found, scores = finder.detect(part)
            sure = [
                (row, box[np.asarray(score) >= recipe.face_score][0])
                for row, (box, score) in enumerate(zip(found, scores, strict=True))
                if box is not None and (np.asarray(score) >= recipe.face_score).any()
            ]
            if not sure:
                continue
            rows = [row for row, _ in sure]
            boxes = torch.tensor(np.stack([box for _, box in sure]).astype(np.float32))
            square = squared(boxes, recipe.margin).to(device)
            pictures = part[rows].permute(0, 3, 1, 2).float()
            cut = (crop(pictures, square, recipe.image_size) - mean) / deviation
            with torch.inference_mode():
                values.append(network(cut.to(next(network.parameters()).dtype)).float().cpu())
        results.append(torch.cat(values).numpy() if values else None)
    return results


def timed(work: Callable[[], Any], device: torch.device) -> tuple[Any, float]:
    """What ``work`` gives and the seconds that it takes."""
    begun = time.perf_counter()
    result = work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return result, time.perf_counter() - begun


def found_with(
    clips: Sequence[Clip], scale: float, every: int, device: torch.device
) -> tuple[list[Faces], float]:
    """The faces by our detector, clips of one size together on a GPU, and the seconds."""
    finder = FaceFinder(scale, every, 40.0, 0.9, device)
    alike: dict[tuple[int, ...], list[np.ndarray]] = {}
    for number, clip in enumerate(clips):
        shape = clip.frames.shape[1:] if device.type == "cuda" else (number,)
        alike.setdefault(shape, []).append(clip.frames)

    def find() -> list[Faces]:
        faces = []
        for parts in alike.values():
            faces += finder.find(on_device(parts, device), [len(part) for part in parts])
        return faces

    with arithmetic("float32"):
        find() if device.type == "cuda" else None
        return timed(find, device)


def overlaps(faces: Sequence[Faces], exact: Sequence[Faces]) -> np.ndarray:
    """Intersection over union of the boxes of each frame that has one on both sides."""
    ours = np.concatenate([each.boxes for each in faces])
    others = np.concatenate([each.boxes for each in exact])
    both = ~np.isnan(ours[:, 0]) & ~np.isnan(others[:, 0])
    ours, others = ours[both], others[both]
    sides = np.minimum(ours[:, 2:], others[:, 2:]) - np.maximum(ours[:, :2], others[:, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (ours, others)]
    return shared / (areas[0] + areas[1] - shared)


def main() -> None:
    """Print frames a second of both sides and of the switches."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--media", type=Path, help="a folder of films in place of made frames")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=9, help="of a made clip")
    parser.add_argument("--size", type=int, nargs=2, default=(480, 640), help="height and width")
    parser.add_argument("--alone", type=int, default=8, help="clips of the one-by-one side")
    parser.add_argument("--architecture", default="resnet50", help="torchvision's name")
    parser.add_argument("--precision", nargs="+", default=["float32"])
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    device = torch.device(options.device)
    clips = (
        read_clips(options.media, options.clips)
        if options.media
        else made_clips(options.clips, options.frames, *options.size)
    )
    alone = clips[: options.alone]
    frames, frames_alone = (sum(len(clip.frames) for clip in some) for some in (clips, alone))
    print(f"{len(clips)} clips, {frames} frames, on {device}")
    recipe = ResNet(weights="random", architecture=options.architecture, device=options.device)
    torch.manual_seed(0)
    network = get_model(options.architecture, weights=None)
    network.fc = torch.nn.Identity()
    library = MTCNN(min_face_size=40, keep_all=True, device=device).eval()
    plain = network.eval().to(device)
    with arithmetic("float32"):
        one_by_one(alone[:1], plain, library, recipe)
        old, old_seconds = timed(lambda: one_by_one(alone, plain, library, recipe), device)
    print(f"one by one, float32      {frames_alone / old_seconds:8.1f} frames/s")
    for precision in options.precision:
        ours = replace(recipe, precision=precision)
        placed = ours.placed(get_model(options.architecture, weights=None).eval())
        placed.fc = torch.nn.Identity()
        placed.load_state_dict(network.state_dict())
        placed = placed.to(memory_format=torch.channels_last)

        def together(some: Sequence[Clip], ours: ResNet = ours, placed: Any = placed) -> Any:
            size = options.batch_size
            return image_features(some, ours, placed, MEAN, DEVIATION, size, ours.precision)

        together(clips[: options.alone])
        new, seconds = timed(lambda: together(clips), device)
        errors = [
            np.abs(mine.values - other).max() / np.abs(other).max()
            for mine, other in zip(new, old, strict=False)
            if isinstance(mine, Features) and other is not None and other.shape == mine.values.shape
        ]
        ratio = frames / seconds / (frames_alone / old_seconds)
        error = f"largest difference {max(errors):.1e} in {len(errors)} of {len(old)} clips"
        print(f"together, {precision:14s} {frames / seconds:8.1f} frames/s, {ratio:.1f}x; {error}")
    exact, seconds = found_with(clips, 1.0, 1, device)
    print(f"detection alone          {frames / seconds:8.1f} frames/s")
    for name, (scale, every) in SWITCHES.items():
        faces, taken = found_with(clips, scale, every, device)
        overlap = overlaps(faces, exact)
        print(
            f"  {name:22s} {frames / taken:8.1f} frames/s, {seconds / taken:.1f}x; overlap median "
            f"{np.median(overlap):.2f}, mean {overlap.mean():.2f}, lowest {overlap.min():.2f}"
        )


if __name__ == "__main__":
    main()
