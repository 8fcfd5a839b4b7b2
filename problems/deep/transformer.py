"""A GPT: decoder-only transformer, normalised before every layer, in sizes up to GPT-2's smallest."""

import dataclasses
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

SPREAD = 0.02
"""Standard deviation of initial weights, GPT-2's; what writes into the residual stream has it over √(2·layers)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shape:
    """Depth, heads, width and longest input of a GPT; ``slots`` is the least size of its vocabulary."""

    layers: int
    heads: int
    width: int
    context: int
    slots: int = 0


SHAPES = {
    "tiny": Shape(layers=1, heads=2, width=16, context=16),
    "nano": Shape(layers=4, heads=4, width=64, context=64),
    "micro": Shape(layers=4, heads=4, width=128, context=128),
    "mini": Shape(layers=6, heads=6, width=384, context=256),
    "gpt2-small": Shape(layers=12, heads=12, width=768, context=1024, slots=50257),
}
"""By name. "gpt2-small" has GPT-2's 124 M parameters, its 50,257 slots too, of which characters use the first few."""


class GPT(nn.Module):
    """Token and position embeddings, ``layers`` blocks, a last LayerNorm and a head, which is the embedding if tied."""

    def __init__(self, shape: Shape, vocabulary: int, *, tied: bool = True) -> None:
        super().__init__()
        slots = max(vocabulary, shape.slots)
        self.embedding = nn.Embedding(slots, shape.width)
        self.positions = nn.Embedding(shape.context, shape.width)
        self.blocks = nn.ModuleList(Block(shape.width, shape.heads) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width)
        self.head = nn.Linear(shape.width, slots, bias=False)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif parameter.ndim == 2:
                inner = name.endswith("leave.weight")
                nn.init.normal_(parameter, std=SPREAD / math.sqrt(2 * shape.layers) if inner else SPREAD)
        if tied:
            self.head.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (rows, length, vocabulary) for the token after each of ``tokens`` (rows, length).

        Raises:
            ValueError: more tokens than the context holds.
        """
        length, most = tokens.shape[1], self.positions.num_embeddings
        if length > most:
            raise ValueError(f"tokens: {length} where the context holds {most}")
        places = torch.arange(length, device=tokens.device)
        hidden: Tensor = self.embedding(tokens) + self.positions(places)
        for block in self.blocks:
            hidden = block(hidden)
        logits: Tensor = self.head(self.norm(hidden))
        return logits


class Block(nn.Module):
    """Attention, then two linear layers with a GELU, each on a normalised copy of the stream and added to it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm = nn.LayerNorm(width)
        self.enter, self.leave = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the stream (rows, length, width) after this block."""
        hidden = hidden + self.attention(self.attention_norm(hidden))
        inner = functional.gelu(self.enter(self.norm(hidden)), approximate="tanh")
        after: Tensor = hidden + self.leave(inner)
        return after


class Attention(nn.Module):
    """Causal self-attention: a place sees itself and what is before it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.enter, self.leave = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the mixed values (rows, length, width)."""
        rows, length, width = hidden.shape
        split = self.enter(hidden).view(rows, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        left: Tensor = self.leave(mixed.transpose(1, 2).reshape(rows, length, width))
        return left
