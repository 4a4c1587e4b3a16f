"""Losses of the training parts: signs, targets, and what does not count."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from indextts2.training.t2s.losses import (
    LabelHead,
    ProsodyHead,
    SpeakerClassifier,
    blur_features,
    corrupt_tokens,
    guided_attention_loss,
    label_weights,
    reverse_gradient,
    semantic_loss,
)

STOP = 9


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_reversal_is_the_identity_forwards_and_turns_the_gradient_round():
    value = torch.randn(3, 4, generator=generator()).requires_grad_()
    passed = reverse_gradient(value, 0.3)
    assert torch.equal(passed, value)
    weights = torch.randn(3, 4, generator=generator(1))
    (passed * weights).sum().backward()
    torch.testing.assert_close(value.grad, -0.3 * weights)


def test_the_classifier_gives_one_score_per_speaker():
    assert SpeakerClassifier(8, 5)(torch.randn(2, 8, generator=generator())).shape == (2, 5)


def case():
    """Two rows of 3 and 2 tokens, and logits that are sure of the right answer."""
    tokens, lengths = torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([3, 2])
    right = torch.tensor([[1, 2, 3, STOP], [4, 5, STOP, 0]])
    return 50.0 * F.one_hot(right, STOP + 1).float(), tokens, lengths


def test_the_stop_is_expected_right_behind_the_last_token_of_each_row():
    logits, tokens, lengths = case()
    loss, right = semantic_loss(logits, tokens, lengths, STOP)
    assert float(loss) == pytest.approx(0.0, abs=1e-6) and float(right) == 1.0
    early = logits.clone()
    early[1, 1] = logits[1, 2]  # says stop one token too early
    loss, right = semantic_loss(early, tokens, lengths, STOP)
    assert float(loss) > 1.0 and float(right) == pytest.approx(6 / 7)


def test_what_is_predicted_behind_the_stop_does_not_count():
    logits, tokens, lengths = case()
    logits[1, 3] = 100.0 * torch.randn(STOP + 1, generator=generator())
    tokens[1, 2] = 7
    assert float(semantic_loss(logits, tokens, lengths, STOP)[0]) == pytest.approx(0.0, abs=1e-6)


def attention_at(places, text=8):
    """(1, 2, tokens, text): both heads look at these places alone."""
    return F.one_hot(torch.tensor(places), text).float()[None, None].expand(1, 2, -1, -1)


def test_the_guide_is_content_with_attention_on_the_right_token_or_its_neighbour():
    guide = torch.tensor([[0, 2, 4]])
    for places in ([0, 2, 4], [1, 1, 5]):
        loss, inside = guided_attention_loss(attention_at(places), guide)
        assert float(loss) == pytest.approx(0.0, abs=1e-5) and float(inside) == 1.0


def test_the_guide_is_lowest_where_attention_is_right():
    guide = torch.tensor([[0, 2, 4]])
    even = torch.full((1, 2, 3, 8), 1 / 8)
    right, wrong = (guided_attention_loss(attention_at(places), guide)[0] for places in ([0, 2, 4], [5, 6, 7]))
    spread, inside = guided_attention_loss(even, guide)
    assert float(right) < float(spread) < float(wrong)
    assert float(inside) == pytest.approx((2 + 3 + 3) / 24)


def test_tokens_without_a_known_place_are_not_guided():
    known, _ = guided_attention_loss(attention_at([0, 7, 4]), torch.tensor([[0, -1, 4]]))
    assert float(known) == pytest.approx(0.0, abs=1e-5)


def test_tokens_are_replaced_at_the_stated_share_and_stay_in_the_codebook():
    tokens = torch.zeros(200, 200, dtype=torch.long)
    changed = corrupt_tokens(tokens, 0.1, 50, generator())
    share = float((changed != tokens).float().mean())
    assert share == pytest.approx(0.1 * 49 / 50, abs=0.01)  # one in fifty draws the token it had
    assert 0 <= int(changed.min()) and int(changed.max()) == 49
    assert torch.equal(corrupt_tokens(tokens, 0.0, 50, generator()), tokens)


def test_prosody_is_read_off_valid_latents_and_off_the_emotion_vector():
    reader = ProsodyHead(4, 2)
    with torch.no_grad():
        for layer in (reader.of_latent, reader.of_emotion):
            layer.weight.copy_(torch.eye(4)[:2])
            layer.bias.zero_()
    latent, lengths = torch.zeros(2, 3, 4), torch.tensor([3, 1])
    latent[1, 1:] = 100.0  # behind the end
    prosody = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    assert float(reader(latent, lengths, prosody)) == pytest.approx(3 / 4)
    vector = torch.tensor([[2.0, 0.0, 9.0, 9.0], [0.0, 0.0, 9.0, 9.0]])
    assert float(reader(latent, lengths, prosody, vector, torch.zeros(2, 2))) == pytest.approx(3 / 4 + 0.5)


def test_labels_are_told_from_valid_latents_and_from_emotion_vectors():
    reader = LabelHead(3, torch.ones(3))
    with torch.no_grad():
        for layer in (reader.of_latent, reader.of_emotion):
            layer.weight.copy_(10.0 * torch.eye(3))
            layer.bias.zero_()
    latent, lengths, labels = torch.zeros(2, 3, 3), torch.tensor([3, 1]), torch.tensor([0, 2])
    latent[0, :, 0] = latent[1, 0, 2] = 1.0
    latent[1, 1:, 1] = 1.0  # behind the end
    loss, right = reader(latent, lengths, labels)
    assert float(right) == 1.0 and float(loss) < 0.01
    loss, right = reader.of_vectors(torch.eye(3)[:2], labels)
    assert float(right) == 0.5 and float(loss) == pytest.approx(5.0, abs=0.01)


def test_a_frequent_label_counts_less_but_all_of_its_utterances_together_more():
    weights = label_weights(torch.tensor([0] * 16 + [1] * 4), 2)
    assert float(weights[1] / weights[0]) == pytest.approx(2.0)
    assert float(16 * weights[0] + 4 * weights[1]) == pytest.approx(20.0)
    assert bool(torch.isfinite(label_weights(torch.tensor([0]), 3)).all())  # a label without utterances


def test_blurred_features_hide_whole_dimensions_of_a_row_and_keep_the_mean():
    features = torch.ones(200, 5, 40)
    blurred = blur_features(features, 0.25, 0.0, generator())
    assert blurred.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert torch.equal(blurred, blurred[:, :1].expand_as(blurred))  # the same in every token
    assert float(blurred.mean()) == pytest.approx(1.0, abs=0.03)
    noisy = blur_features(features, 0.0, 0.5, generator()) - features
    assert float(noisy.std()) == pytest.approx(0.5, abs=0.01) and float(noisy.mean()) == pytest.approx(0.0, abs=0.01)
    assert torch.equal(blur_features(features, 0.25, 0.5, generator()), blur_features(features, 0.25, 0.5, generator()))
