"""The models: shapes, sizes, and what each place of an output depends on."""

import pytest
import torch
from deep_cases import data

from problems.deep import families
from problems.deep.convolutional import CNN, ResNet
from problems.deep.transformer import GPT, SHAPES, Shape

SMALL = Shape(layers=2, heads=2, width=8, context=12)


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("family", families.FAMILIES, ids=lambda row: row.name)
def test_every_model_maps_its_inputs_to_logits(family):
    found = data(family.name)
    for row in family.models:
        if row.size not in ("tiny", "small", "nano"):
            continue
        inputs, targets = found.batch("train", torch.arange(2), "cpu")
        logits = row.build(found)(inputs)
        assert logits.shape == (*targets.shape, found.classes), (row.name, row.size)
        assert family.loss(logits, targets).shape == (targets.numel(),)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)], ids=str)
@pytest.mark.parametrize("build", [lambda s: CNN(s, 10, width=4), lambda s: ResNet(s, 10, width=4, blocks=2)])
def test_an_image_is_judged_alone(build, shape):
    torch.manual_seed(0)
    model, images = build(shape), torch.randn(3, *shape)
    together = model(images)
    alone = torch.cat([model(images[i : i + 1]) for i in range(3)])
    # float32 sums of up to 9·16 terms, in another order for another batch size.
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    assert together.shape == (3, 10)
    assert not dict(model.named_buffers())


def test_a_residual_network_of_three_blocks_a_stage_has_he_et_als_twenty_layers():
    model = ResNet((3, 32, 32), 10, width=16, blocks=3)
    kernels = [p for p in model.parameters() if p.ndim == 4 and p.shape[-1] == 3]
    assert len(kernels) + 1 == 19 + 1
    # The published 0.27 M, with GroupNorm's scales and shifts where theirs are BatchNorm's.
    assert 0.26e6 < count(model) < 0.28e6


def test_the_largest_gpt_has_gpt2s_parameters():
    with torch.device("meta"):
        assert count(GPT(SHAPES["gpt2-small"], 103)) == 124_439_808
        assert count(GPT(SHAPES["gpt2-small"], 103, tied=False)) == 124_439_808 + 50257 * 768


def test_a_gpts_parameters_are_those_of_its_shape():
    d, vocabulary = SMALL.width, 20
    block = 12 * d * d + 13 * d
    expected = vocabulary * d + SMALL.context * d + SMALL.layers * block + 2 * d
    assert count(GPT(SMALL, vocabulary)) == expected
    assert count(GPT(SMALL, vocabulary, tied=False)) == expected + vocabulary * d


def test_a_gpt_does_not_see_what_comes_later():
    torch.manual_seed(0)
    model, tokens = GPT(SMALL, 20), torch.randint(0, 20, (2, 12))
    changed = tokens.clone()
    changed[:, 7] = (changed[:, 7] + 1) % 20
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :7], after[:, :7], rtol=0, atol=0)
    assert (before[:, 7:] != after[:, 7:]).any(dim=-1).all()


def test_a_gpt_sees_the_order_of_what_came_before():
    torch.manual_seed(0)
    model, tokens = GPT(SMALL, 20), torch.arange(12)[None]
    swapped = tokens.clone()
    swapped[0, [2, 5]] = swapped[0, [5, 2]]
    assert not torch.allclose(model(tokens)[0, -1], model(swapped)[0, -1], rtol=0, atol=1e-6)


def test_a_gpt_starts_near_the_uniform_guess_and_refuses_what_is_too_long():
    torch.manual_seed(0)
    model = GPT(SMALL, 20)
    tokens = torch.randint(0, 20, (4, 12))
    loss = families.cross_entropy(model(tokens), tokens.flip(0)).mean().detach()
    # ln 20 is 2.996; weights of deviation .02 leave logits of that size.
    assert float(loss) == pytest.approx(2.9957, abs=0.05)
    with pytest.raises(ValueError, match=r"^tokens: 13 where the context holds 12$"):
        model(torch.zeros(1, 13, dtype=torch.int64))


def test_an_unknown_model_or_size_is_named():
    family = families.by_name("vision")
    with pytest.raises(ValueError, match=r"^model: 'gpt' is not one of cnn, resnet$"):
        family.model("gpt", "small")
    with pytest.raises(ValueError, match=r"^size: 'nano' is not one of small, tiny, base$"):
        family.model("cnn", "nano")
    with pytest.raises(ValueError, match=r"^family: 'sound' is not one of vision, language$"):
        families.by_name("sound")
