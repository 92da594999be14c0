"""The pre-training of emotion2vec: online distillation of frames and utterances, without labels.

Source: Ma et al., "emotion2vec", ACL Findings 2024, section 3; its parent is data2vec 2.0 (Baevski
et al., 2023).

Differs:
    Masked frames are replaced by small noise before the student's positions are computed, which
    would tell of them otherwise; with ``drop_masked`` they are then left out of its input and noise
    in the decoder's. The decoder's size follows from the published parameter count. Frame targets
    are instance-normalised over time; the utterance target is the mean of the plain ones, whose
    normalised mean would be zero.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Batch, Step, Stream
from mmser.core.contracts import Model
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.emotion2vec.encoder import Emotion2Vec
from mmser.models.layers.attention.alibi import AlibiBackbone
from mmser.models.layers.masks.order import compact_order, rows_at
from mmser.models.layers.masks.padding import length_mask, zero_padding
from mmser.models.layers.time.pooling import masked_mean, masked_std

MaskRule = Literal["fraction", "start_rate"]


class Emotion2VecPretraining(nn.Module):
    """Student: tokens and masked frames; teacher: the backbone's moving average on whole frames.

    ``mask_rule`` "fraction": ``probability * T / span`` distinct starts (about 41 % masked);
    "start_rate": each frame starts a span with ``probability`` (about 97 %). ``drop_masked``: the
    student encodes the other frames alone, which costs as much less as there are fewer. The teacher
    moves after each step by tau from ``tau_start`` to ``tau_end`` over ``progress``; ``average``
    last blocks make the target.
    """

    started: Tensor

    def __init__(
        self,
        task: Task,
        vector_size: int,
        stream: str = "audio",
        size: int = 768,
        layers: int = 12,
        heads: int = 12,
        inner_size: int = 3072,
        decoder_size: int = 384,
        groups: int = 16,
        average: int = 8,
        probability: float = 0.5,
        span: int = 5,
        mask_rule: MaskRule = "fraction",
        utterance_weight: float = 1.0,
        tau_start: float = 0.999,
        tau_end: float = 0.99999,
        drop_masked: bool = False,
    ) -> None:
        super().__init__()
        if mask_rule not in ("fraction", "start_rate") or not 0 < average <= layers:
            raise MmserError(
                f"mask_rule fraction or start_rate, and average of 1 to {layers} blocks",
                f"{mask_rule}, {average}",
                "Correct the objective.",
            )
        self.stream, self.average, self.utterance_weight = stream, average, utterance_weight
        self.probability, self.span, self.mask_rule = probability, span, mask_rule
        self.tau_start, self.tau_end = tau_start, tau_end
        self.drop_masked = drop_masked
        self.progress = 0.0
        self.teacher = AlibiBackbone(size, layers, heads, inner_size, dropout=0.0).requires_grad_(
            False
        )
        self.decoder = FrameDecoder(size, decoder_size, groups)
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    def step(self, model: Model, batch: Batch, progress: float) -> Step:
        """-> {"frame": scalar, "utterance": scalar}"""
        self.progress = progress
        encoder = dict(model.encoders.items()).get(self.stream)
        if not isinstance(encoder, Emotion2Vec):
            raise MmserError(
                f"the encoder emotion2vec for stream '{self.stream}'", "another", "Choose it."
            )
        if not bool(self.started):
            self.teacher.load_state_dict(encoder.backbone.state_dict())
            self.started.fill_(True)
        frames = encoder.front.projected(batch.streams[self.stream])
        masked = self.draw_mask(frames.mask)
        utterance, student = self.student(encoder, frames, masked)
        with torch.no_grad():
            target = self.target(encoder.front.placed(frames).values, frames.mask)
        predicted = self.decoder(student, frames.mask)
        frame_loss = self.frame_loss(predicted, target, masked, frames.mask)
        loss = self.utterance_weight * utterance_loss(utterance, target, frames.mask)
        return Step({"frame": frame_loss, "utterance": loss})

    def student(
        self, encoder: Emotion2Vec, frames: Stream, masked: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Projected frames (batch, frame, feature) -> the utterance's vector and decoder frames.

        The latter are the frames that the decoder reads. Neither depends on the content of
        ``masked`` frames (batch, frame).
        """
        noise = torch.randn_like(frames.values) * 0.01
        noisy = Stream(torch.where(masked[..., None], noise, frames.values), frames.mask)
        placed = encoder.front.placed(noisy)
        if self.drop_masked:
            return student_on_others(encoder, placed, masked, noise)
        return student_on_all(encoder, placed)

    def target(self, values: Tensor, mask: Tensor) -> Tensor:
        """Mean of the teacher's last blocks on unmasked frames: (batch, frame, feature).

        There are no tokens among them, and no gradient.
        """
        with torch.no_grad():
            return torch.stack(self.teacher(values, mask)[1][-self.average :]).mean(dim=0)

    def frame_loss(self, predicted: Tensor, target: Tensor, masked: Tensor, mask: Tensor) -> Tensor:
        """Mean square over features and masked frames.

        predicted and target are (batch, frame, feature).
        """
        # (batch, 1, feature): the target is standardised over each utterance's frames.
        mean = masked_mean(target, mask)[:, None]
        deviation = masked_std(target, mask, 1e-5)[:, None].clamp_min(1e-5)
        target = (target - mean) / deviation
        squares = (predicted - target).square().mean(dim=-1)
        return (squares * masked).sum() / masked.sum().clamp_min(1)

    def draw_mask(self, mask: Tensor) -> Tensor:
        """mask (batch, frame) -> (batch, frame) bool: spans of ``span`` frames.

        None of them is in padding.
        """
        lengths = mask.sum(dim=1, keepdim=True)
        share = torch.rand(mask.shape, device=mask.device)
        if self.mask_rule == "start_rate":
            starts = (share < self.probability) & mask
        else:
            # At random up or down to a whole number of starts, as the parent recipe does.
            extra = torch.rand(len(mask), 1, device=mask.device)
            count = torch.floor(self.probability * lengths / self.span + extra)
            # A span has room where it ends within the utterance.
            latest = (lengths - self.span).clamp(min=0)
            room = torch.arange(mask.shape[1], device=mask.device) <= latest
            # Sorting twice gives the rank of each frame's draw; those without room come last.
            rank = share.masked_fill(~(room & mask), 2.0).argsort(dim=1).argsort(dim=1)
            starts = (rank < count) & room & mask
        ends = F.pad(starts[:, None].float(), (self.span - 1, 0))
        return (F.max_pool1d(ends, self.span, stride=1).squeeze(1) > 0) & mask

    @property
    def tau(self) -> float:
        """Share of the teacher that stays at the next step."""
        return self.tau_start + (self.tau_end - self.tau_start) * self.progress

    @torch.no_grad()
    def after_step(self, model: Model) -> None:
        """``teacher = tau * teacher + (1 - tau) * student``"""
        student = dict(model.encoders.get_submodule(f"{self.stream}.backbone").named_parameters())
        for name, weight in self.teacher.named_parameters():
            weight.mul_(self.tau).add_(student[name], alpha=1.0 - self.tau)


def student_on_all(encoder: Emotion2Vec, frames: Stream) -> tuple[Tensor, Tensor]:
    """The backbone on all frames (batch, frame, feature).

    -> the utterance's vector (batch, feature): the tokens' mean, or the frames' without tokens; and
    the frames for the decoder (batch, frame, feature).
    """
    hidden, _ = encoder.backbone(frames.values, frames.mask, encoder.tokens)
    count = 0 if encoder.tokens is None else len(encoder.tokens)
    student = zero_padding(hidden[:, count:], frames.mask)
    return hidden[:, :count].mean(dim=1) if count else masked_mean(student, frames.mask), student


def student_on_others(
    encoder: Emotion2Vec, frames: Stream, masked: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """`student_on_all`, but without the masked frames.

    ``noise`` takes their places behind the backbone. The others keep their distances. An utterance
    that is masked throughout gives zeros.
    """
    seen = frames.mask & ~masked
    order, inverse = compact_order(seen)
    lengths, time = seen.sum(dim=1), seen.shape[1]
    order = order[:, : max(1, int(lengths.max()))]
    hidden, _ = encoder.backbone(
        rows_at(frames.values, order), length_mask(lengths, order.shape[1]), encoder.tokens, order
    )
    count = 0 if encoder.tokens is None else len(encoder.tokens)
    back = rows_at(F.pad(hidden[:, count:], (0, 0, 0, time - order.shape[1])), inverse)
    told = hidden[:, :count].mean(dim=1) if count else masked_mean(back, seen)
    return told, zero_padding(torch.where(seen[..., None], back, noise), frames.mask)


def utterance_loss(utterance: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean square of utterance (batch, feature) minus the target's mean over time.

    The mean is over features, and over rows with frames.
    """
    squares = (utterance - masked_mean(target, mask)).square().mean(dim=-1)
    present = mask.any(dim=1)
    return (squares * present).sum() / present.sum().clamp_min(1)


class FrameDecoder(nn.Module):
    """Four grouped convolutions with layer norm and GELU, then linear.

    The kernel is 7; a convolution is residual where the size stays.
    """

    def __init__(
        self, size: int, inner_size: int = 384, groups: int = 16, layers: int = 4, kernel: int = 7
    ) -> None:
        super().__init__()
        sizes = [size, *[inner_size] * layers]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(sizes[layer], inner_size, kernel, padding=kernel // 2, groups=groups)
            for layer in range(layers)
        )
        self.out = nn.Linear(inner_size, size)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """values (batch, frame, feature), mask (batch, frame) -> the same shape."""
        for layer in self.convolutions:
            hidden = layer(zero_padding(values, mask).transpose(1, 2)).transpose(1, 2)
            hidden = F.gelu(F.layer_norm(hidden, hidden.shape[-1:]))
            values = values + hidden if values.shape == hidden.shape else hidden
        return self.out(values)
