"""DAAE's autoencoder: reconstruction, emotion, speaker and corpus behind a gradient reversal.

Source: Gao et al., "Domain-adversarial autoencoder with attention based feature level fusion for
speech emotion recognition", ICASSP 2021.

Differs:
    The printed minus sign before the speaker and corpus losses is the gradient reversal itself and
    is not applied twice. alpha, beta and lambda are not given: 1, 0.5 and the ramp of
    domain-adversarial training.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Batch, Step
from mmser.core.contracts import Model
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.daae import DAAE
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.objectives.terms.cross_entropy import labelled_cross_entropy
from mmser.objectives.terms.gradient_reversal import reversal_ramp, reverse_gradient


class AdversarialAutoencoder(nn.Module):
    """``L_AE + alpha (L_e + beta L_s + (1 - beta) L_c)``.

    Every segment has its utterance's labels.

    With ``adversarial`` false it is the reconstruction alone (the second stage). A fold with one
    corpus has no corpus term. Decoder and heads belong to the objective.
    """

    def __init__(
        self,
        task: Task,
        vector_size: int,
        stream: str = "audio",
        channels: Sequence[int] = (32, 64, 128),
        latent_size: int = 256,
        frames: int = 32,
        bands: int = 129,
        adversarial: bool = True,
        alpha: float = 1.0,
        beta: float = 0.5,
        strength: float = 1.0,
    ) -> None:
        super().__init__()
        self.stream, self.alpha, self.strength = stream, alpha, strength
        self.decoder = SegmentDecoder(channels, latent_size, frames, bands)
        counts = {
            "emotion": len(task.classes),
            "speaker": len(task.speakers),
            "corpus": len(task.corpora),
        }
        used = {name: count for name, count in counts.items() if adversarial and count > 1}
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(nn.Linear(latent_size, 128), nn.ReLU(), nn.Linear(128, n))
                for name, n in used.items()
            }
        )
        self.weights = {"emotion": 1.0, "speaker": beta, "corpus": 1.0 - beta}

    def step(self, model: Model, batch: Batch, progress: float) -> Step:
        """-> {"reconstruction", "emotion", "speaker", "corpus": scalars}"""
        encoder = dict(model.encoders.items()).get(self.stream)
        if not isinstance(encoder, DAAE):
            raise MmserError(
                f"the encoder daae for stream '{self.stream}'", "another", "Choose it."
            )
        segments, mask = encoder.segments(batch.streams[self.stream])
        latent = encoder.coder(segments, mask)
        squares = (self.decoder(latent, mask) - segments).square().mean(dim=(2, 3))
        losses = {"reconstruction": (squares * mask).sum() / mask.sum().clamp_min(1)}
        adverse = reverse_gradient(latent, self.strength * reversal_ramp(progress))
        for name, head in self.heads.items():
            logits = head(latent if name == "emotion" else adverse)
            target = batch.targets[name][:, None].expand(mask.shape).masked_fill(~mask, UNLABELLED)
            loss = labelled_cross_entropy(logits.flatten(0, 1), target.flatten())
            losses[name] = self.alpha * self.weights[name] * loss
        return Step(losses)


class SegmentDecoder(nn.Module):
    """Linear, then transposed convolutions back to (frame, band)."""

    def __init__(self, channels: Sequence[int], latent_size: int, frames: int, bands: int) -> None:
        super().__init__()
        shapes = [(frames, bands)]
        for _ in channels:
            shapes.append((-(-shapes[-1][0] // 2), -(-shapes[-1][1] // 2)))
        shapes.reverse()
        self.shape = (channels[-1], *shapes[0])
        self.linear = nn.Linear(latent_size, channels[-1] * shapes[0][0] * shapes[0][1])
        sizes = [*reversed(channels), 1]
        # Output padding where halving had rounded up an even length: (frame, band) come back
        # exactly.
        extra = [(1 - after[0] % 2, 1 - after[1] % 2) for after in shapes[1:]]
        self.convolutions = nn.ModuleList(
            nn.ConvTranspose2d(sizes[i], sizes[i + 1], 3, 2, 1, output_padding=extra[i])
            for i in range(len(channels))
        )
        self.norms = nn.ModuleList(MaskedBatchNorm(size) for size in sizes[1:-1])

    def forward(self, latent: Tensor, mask: Tensor) -> Tensor:
        """latent (batch, segment, feature), mask -> (batch, segment, frame, band)."""
        hidden = self.linear(latent).flatten(0, 1).unflatten(1, self.shape)
        for layer, convolution in enumerate(self.convolutions):
            hidden = convolution(hidden)
            if layer < len(self.norms):
                real = mask.flatten()[:, None].expand(-1, hidden.shape[2])
                hidden = F.relu(self.norms[layer](hidden, real))
        return hidden.squeeze(1).unflatten(0, mask.shape)
