"""InfoNCE: a clip's own near future told from its other frames (contrastive predictive coding).

Sources: van den Oord, Li, Vinyals, 2018, equation 4; Li et al., "Contrastive unsupervised learning
for speech emotion recognition", ICASSP 2021. The labels are not used.

Differs:
    The temperature stands inside the exponential (printed outside, where it cancels). The loss is
    the mean over the steps ahead rather than their sum.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from mmser.core.batch import Batch, Step, Stream
from mmser.core.contracts import Model
from mmser.core.errors import MmserError
from mmser.core.task import Task


@runtime_checkable
class PredictiveEncoder(Protocol):
    """What the encoder ``cpc`` has: a latent per frame, and contexts that have seen the past."""

    def latents(self, stream: Stream) -> Stream: ...

    def contexts(self, latents: Stream) -> Stream: ...


class ContrastivePrediction(nn.Module):
    """For k = 1..``steps`` a linear map of c_t picks z_{t+k} among ``negatives`` other frames.

    ``stream`` names the stream whose encoder has ``latents`` and ``contexts`` (encoder ``cpc``).
    """

    def __init__(
        self,
        task: Task,
        vector_size: int,
        stream: str = "audio",
        context_size: int = 256,
        latent_size: int = 128,
        steps: int = 12,
        negatives: int = 50,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.stream, self.steps, self.negatives, self.temperature = (
            stream,
            steps,
            negatives,
            temperature,
        )
        self.predictions = nn.ModuleList(
            nn.Linear(context_size, latent_size, bias=False) for _ in range(steps)
        )

    def step(self, model: Model, batch: Batch, progress: float) -> Step:
        """-> {"cpc": scalar}, nats per step; zero with graph for a batch of clips of one frame."""
        encoder = dict(model.encoders.items()).get(self.stream)
        if not isinstance(encoder, PredictiveEncoder):
            raise MmserError(
                f"an encoder of latents and contexts for stream '{self.stream}'",
                "none",
                "Use the encoder cpc.",
            )
        latents = encoder.latents(batch.streams[self.stream])
        contexts = encoder.contexts(latents)
        losses = []
        for ahead, layer in enumerate(self.predictions, start=1):
            # A batch of short clips has no frame so far ahead.
            if ahead < latents.values.shape[1]:
                predicted = layer(contexts.values)
                losses.append(self.step_loss(predicted, latents.values, latents.mask, ahead))
        if not losses:
            return Step({"cpc": contexts.values.sum() * 0.0})
        return Step({"cpc": torch.stack(losses).mean()})

    def step_loss(self, predicted: Tensor, latents: Tensor, mask: Tensor, ahead: int) -> Tensor:
        """Mean over valid t of -log softmax of the true frame.

        predicted and latents are (batch, time, feature). Step t is valid where t + ``ahead`` is a
        real frame and the clip has another one. Real frames come first.
        """
        lengths = mask.sum(dim=1)
        scores = (
            predicted[:, :-ahead] @ latents.transpose(1, 2) / self.temperature
        )  # (batch, t, frame)
        target = torch.arange(ahead, latents.shape[1], device=latents.device).expand(
            len(latents), -1
        )
        drawn = self.draw(target, lengths)  # (batch, t, negative)
        positive = scores.gather(2, target[..., None])
        logits = torch.cat([positive, scores.gather(2, drawn)], dim=2)
        losses = torch.logsumexp(logits, dim=2) - logits[..., 0]
        valid = mask[:, ahead:] & (lengths > 1)[:, None]
        return (losses * valid).sum() / valid.sum().clamp_min(1)

    def draw(self, target: Tensor, lengths: Tensor) -> Tensor:
        """target (batch, t), lengths (batch,) -> (batch, t, negative) frames of the same clip.

        The target is never among them. In evaluation the draw is the same every time.
        """
        generator = None
        if not self.training:
            generator = torch.Generator(device=target.device).manual_seed(0)
        share = torch.rand(*target.shape, self.negatives, generator=generator, device=target.device)
        others = (lengths - 1).clamp(min=1)[:, None, None]
        place = torch.minimum((share * others).long(), others - 1)
        return (place + (place >= target[..., None]).long()).clamp(
            max=(lengths.max() - 1).clamp(min=0)
        )
