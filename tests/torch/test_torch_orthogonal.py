"""NSISA for torch: equal to the core, its Newton-Schulz batched, which parameters count as matrices."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch_twin_cases import Twin, core_rounds, problem, rounds

from pisa_lab.method import PISA as CorePISA
from pisa_lab.method import nsisa
from pisa_lab.preconditioners import OrthogonalMomentum, SecondMoment
from pisa_lab.preconditioners import newton_schulz as core_newton_schulz
from pisa_lab.preconditioners.base import Base, Diagonal
from pisa_lab.torch import NSISA, SISA, _orthogonal
from pisa_lab.torch._matrices import is_matrix, spoken_for
from pisa_lab.torch._orthogonal import compute_dtype, newton_schulz, orthogonalised

PUBLISHED: dict[str, Any] = {"elementwise_lr": 1.0, "elementwise_rho": None}
"""The same σ and ρ for all parameters, as in the core."""


class Both(NamedTuple):
    orthogonal: Any
    moment: Any
    form: Diagonal


@dataclasses.dataclass(frozen=True)
class Mixed(Base):
    """The core's two preconditioners side by side: the first where ``mask``, the second elsewhere."""

    orthogonal: OrthogonalMomentum
    second: SecondMoment
    mask: np.ndarray

    def init(self, like):
        return Both(self.orthogonal.init(like), self.second.init(like), Diagonal(0 * like))

    def update(self, state, at):
        direction, orthogonal = self.orthogonal.update(state.orthogonal, at)
        gradient, moment = self.second.update(state.moment, at)
        root = np.where(self.mask, orthogonal.form.entries, moment.form.entries)
        return np.where(self.mask, direction, gradient), Both(orthogonal, moment, Diagonal(root))


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("average", [0.0, 0.9])
def test_whole_network_follows_the_core(nesterov, clip, average):
    """Matrices by OrthogonalMomentum, biases by SecondMoment, 30 rounds from a common start, λ and lr at work."""
    source = problem(ridge=0.02)
    blocks, lr = source.blocks, 0.25
    mask = np.concatenate([np.full(int(np.prod(shape)), len(shape) == 2) for _, shape in blocks])
    mixed = Mixed(
        OrthogonalMomentum(blocks=blocks, nesterov=nesterov, clip=clip, beta=average),
        SecondMoment("III", 0.9, clip),
        mask,
    )
    expected = core_rounds(CorePISA(penalty=2.0 / lr, rho=3.0 / lr, preconditioner=mixed, first="client"), source, 30)
    twin = Twin(source)
    optimizer = NSISA.published(
        twin.named_parameters(),
        lr,
        penalty=2.0,
        rho=3.0,
        beta=0.9,
        clip=clip,
        weight_decay=0.02,
        nesterov=nesterov,
        matrix_beta=average,
        **PUBLISHED,
    )
    found = rounds(optimizer, twin, 30)
    # Roundings only, which five Newton-Schulz steps amplify up to 485-fold and 30 rounds of a network some more.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    assert np.linalg.norm(found[-1] - found[0]) > 0.1
    kept = optimizer.state[twin.W1]
    assert set(kept) == {"step", "multiplier", "momentum"} | ({"moment"} if average else set())
    assert set(optimizer.state[twin.b1]) == {"step", "multiplier", "moment"}


def test_network_of_matrices_alone_is_the_cores_nsisa():
    """Without biases the core's own `nsisa` is the reference, no preconditioner of a test's making."""
    source = problem()
    method = nsisa(20.0, rho=10.0, blocks=source.blocks, first="client")
    twin = Twin(source)
    # The core gives biases their momentum, torch gives them SISA: here they stand still.
    found = [param for name, param in twin.named_parameters() if name.startswith("W")]
    optimizer = NSISA.published(found, 0.05, penalty=1.0, rho=0.5)
    frozen = np.concatenate([np.full(int(np.prod(shape)), len(shape) == 1) for _, shape in source.blocks])
    held = dataclasses.replace(source)
    object.__setattr__(held, "client_grad", lambda w, batch=None: np.where(frozen, 0.0, source.client_grad(w, batch)))
    np.testing.assert_allclose(rounds(optimizer, twin, 20), core_rounds(method, held, 20), rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [(4, 4), (3, 9), (9, 3), (1, 6), (6, 1)])
def test_newton_schulz_is_the_cores(shape):
    batch = np.random.default_rng(1).normal(size=(3, *shape))
    expected = core_newton_schulz(batch) * max(1.0, shape[0] / shape[1]) ** 0.5
    found = orthogonalised([torch.tensor(one) for one in batch])
    np.testing.assert_allclose(torch.stack(found).numpy(), expected, rtol=0, atol=1e-12)


def test_singular_values_lie_where_the_quintic_puts_them():
    """Bounds of the core's docstring, by SVD: singular values from 0.0052 of the norm on end in [0.6818, 1.1344]."""
    batch = torch.randn(8, 20, 33, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    before = torch.linalg.svdvals(batch) / torch.linalg.matrix_norm(batch)[:, None]
    assert before.min() > 0.0052
    left, _, right = torch.linalg.svd(batch, full_matrices=False)
    found = newton_schulz(batch)
    middle = left.mT @ found @ right.mT
    ends = middle.diagonal(dim1=-2, dim2=-1)
    assert ends.min() > 0.6817
    assert ends.max() < 1.1345
    # Same singular vectors: nothing off the diagonal but rounding, amplified at most 485-fold.
    assert (middle - torch.diag_embed(ends)).abs().max() < 1e-12


def test_batched_is_one_by_one_in_chunks_of_any_size():
    """Shapes mixed, a shape and its transpose in one batch, a kernel flattened, one zero matrix among others."""
    shapes = [(6, 4), (4, 6), (6, 4), (5, 5), (4, 3, 2), (6, 2, 2), (4, 6)]
    tensors = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    tensors[2].zero_()
    alone = [orthogonalised([tensor])[0] for tensor in tensors]
    for chunk in (1, 50, None):
        for one, other in zip(alone, orthogonalised(tensors, chunk=chunk), strict=True):
            torch.testing.assert_close(other, one, rtol=0, atol=1e-12)
    assert not alone[2].any()
    kernel = orthogonalised([tensors[5].reshape(6, 4)])[0].reshape(6, 2, 2)
    torch.testing.assert_close(alone[5], kernel, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("chunk", "most"), [(1, 24), (50, 48), (None, 96)])
def test_batches_are_no_larger_than_a_chunk(chunk, most, monkeypatch):
    """Four matrices of 24 numbers; what each batch is made of is asked for when its turn comes, and not before."""
    sizes, asked = [], []

    def watched(x, **settings):
        assert sum(sizes) + x.numel() == 24 * len(asked)
        sizes.append(x.numel())
        return newton_schulz(x, **settings)

    monkeypatch.setattr(_orthogonal, "newton_schulz", watched)
    tensors = [torch.randn(4, 6), torch.randn(6, 4), torch.randn(4, 6), torch.randn(4, 3, 2)]
    orthogonalised(tensors, chunk=chunk, seen=lambda place: asked.append(place) or tensors[place])
    assert max(sizes) == most
    assert sum(sizes) == 96


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("scale", [1e-37, 1e-25, 1.0, 1e25, 1e37])
def test_scale_does_not_matter(dtype, scale):
    matrix = torch.randn(5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = orthogonalised([(scale * matrix).to(dtype)])[0]
    assert found.dtype == dtype
    # One rounding of the input in `dtype`, amplified at most 485-fold; bfloat16 rounds the output besides.
    expected = orthogonalised([matrix.to(dtype).double()])[0]
    assert (found.double() - expected).abs().max() < 485 * torch.finfo(dtype).eps * (0.1 if dtype.itemsize == 2 else 1)


def test_computes_in_float32_on_processors_and_where_asked():
    half, double = torch.zeros(2, 2, dtype=torch.bfloat16), torch.zeros(2, 2, dtype=torch.float64)
    assert compute_dtype(half) == torch.float32
    assert compute_dtype(double) == torch.float64
    assert compute_dtype(double, torch.bfloat16) == torch.bfloat16
    matrix = torch.randn(16, 16, generator=torch.Generator().manual_seed(3))
    precise, coarse = (orthogonalised([matrix], dtype=dtype)[0] for dtype in (None, torch.bfloat16))
    assert 1e-4 < (precise - coarse).norm() / precise.norm() < 0.1


def test_channels_last_kernels_are_flattened_as_they_read():
    kernel = torch.randn(6, 3, 2, 2, dtype=torch.float64)
    plain, other = (nn.Parameter(kernel.clone(memory_format=f)) for f in _FORMATS)
    optimizer = NSISA.published([plain, other], 0.1)
    gradient = torch.randn_like(kernel)
    for param in (plain, other):
        param.grad = gradient.contiguous(memory_format=torch.channels_last)
    optimizer.step()
    assert other.is_contiguous(memory_format=torch.channels_last)
    assert not torch.equal(plain, kernel)
    torch.testing.assert_close(other.detach(), plain.detach(), rtol=0, atol=1e-12)


_FORMATS = (torch.contiguous_format, torch.channels_last)


@pytest.mark.parametrize(
    ("shape", "asked", "expected"),
    [
        ((4, 3), None, True),
        ((4, 3, 3, 3), None, True),
        ((4, 3, 3), None, False),
        ((4, 3, 3), True, True),
        ((4,), True, False),
        ((), True, False),
        ((1, 8), True, False),
        ((8, 1), None, False),
        ((1, 1, 8), None, False),
        ((0, 3), None, False),
        ((4, 3), False, False),
    ],
)
def test_rule_on_shapes(shape, asked, expected):
    assert is_matrix(torch.zeros(shape), {"orthogonal": asked}) is expected


@pytest.mark.parametrize(
    "name",
    [
        *("wte.weight", "module.transformer.wpe.weight", "tok_emb.weight", "encoder.embed_tokens.weight"),
        *("layers.0.LayerNorm.weight", "ln_f.weight", "ln1.weight", "attn.in_proj_bias"),
        *("_orig_mod.fc.weight", "heads.head.weight", "classifier.1.weight", "lm_head.weight"),
    ],
)
def test_names_that_speak_for_themselves(name):
    assert spoken_for(name)
    param = torch.zeros(4, 3)
    named: dict[str, Any] = {"params": [param], "param_names": [name]}
    assert not is_matrix(param, {**named, "orthogonal": None})
    assert is_matrix(param, {**named, "orthogonal": True})


@pytest.mark.parametrize(
    "name",
    [
        "fc1.weight",
        "blocks.0.attn.qkv.weight",
        "layer1.0.conv1.weight",
        "blocks.0.lnet.weight",
        "multihead_attn.out_proj.weight",
    ],
)
def test_names_of_hidden_layers(name):
    assert not spoken_for(name)


def test_complex_matrices_go_entry_by_entry():
    param = torch.zeros(3, 3, dtype=torch.complex64)
    assert not is_matrix(param, {"orthogonal": None})
    with pytest.raises(ValueError, match="orthogonal: True for complex"):
        is_matrix(param, {"orthogonal": True})


def test_rest_of_the_model_is_sisa():
    """A bias in NSISA moves as in SISA, at the lr and ρ that the group has for it."""
    matrix, bias = nn.Parameter(torch.ones(3, 4)), nn.Parameter(torch.ones(4))
    twin = nn.Parameter(torch.ones(4))
    both = NSISA.published([matrix, bias], 0.125, elementwise_lr=0.5, elementwise_rho=7.0)
    alone = SISA.published([twin], 0.0625, rho=7.0)
    for number in range(5):
        matrix.grad = torch.randn(3, 4)
        bias.grad = twin.grad = torch.full((4,), float(number - 2))
        both.step()
        alone.step()
    assert torch.equal(bias, twin)
    assert not torch.equal(bias, torch.ones(4))
