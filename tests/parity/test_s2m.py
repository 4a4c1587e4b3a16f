"""Semantic-to-mel against the reference implementation: every part alone, the sampler, and the full-size chain."""

from __future__ import annotations

import pytest
import torch

from indextts2.config import CodecConfig, FlowConfig, LengthRegulatorConfig, S2MConfig, WaveNetConfig
from indextts2.models.codec import SemanticCodec
from indextts2.models.flow import FlowContext, FlowEstimator, Transformer, rotary_table
from indextts2.models.length_regulator import LengthRegulator, frame_to_token
from indextts2.models.s2m import SemanticToMel
from indextts2.models.wavenet import WaveNet
from indextts2.stages.ode import integrate, step_grid
from tests.models.folded import folded_weights

DEAD = ("x_embedder", "cond_embedder", "content_mask_embedder", "input_pos", "embedding.", "mask_token")


def live(params, model):
    """Fold weight norm and drop the tensors the spec lists as dead; anything else must match exactly."""
    folded = folded_weights(params)
    built = model.state_dict().keys()
    return {
        key: value
        for key, value in folded.items()
        if not key.startswith(DEAD) and (key in built or "skip_in_linear" not in key)
    }


def flow_config(meta) -> FlowConfig:
    dit, wavenet = meta["DiT"], meta["wavenet"]
    return FlowConfig(
        bands=dit["in_channels"],
        width=dit["hidden_dim"],
        heads=dit["num_heads"],
        depth=dit["depth"],
        content_dim=dit["content_dim"],
        style_dim=meta["style_encoder"]["dim"],
        wavenet=WaveNetConfig(
            width=wavenet["hidden_dim"],
            layers=wavenet["num_layers"],
            kernel=wavenet["kernel_size"],
            dilation_rate=wavenet["dilation_rate"],
        ),
    )


def estimator_of(fixture) -> FlowEstimator:
    model = FlowEstimator(flow_config(fixture.meta["config"])).eval()
    model.load_state_dict(live(fixture.params("param/cfm.estimator."), model))
    return model


@torch.inference_mode()
def test_length_regulator_equals_the_reference(parity):
    fixture = parity("s2m_length_regulator")
    config = fixture.meta["config"]
    model = LengthRegulator(LengthRegulatorConfig(input_dim=config["in_channels"], width=config["channels"])).eval()
    model.load_state_dict(live(fixture.params(), model))
    for name in ("0", "1", "2", "3"):
        features, frames = fixture.tensor(f"in/x{name}"), int(fixture.tensor(f"in/ylens{name}"))
        found = model(features, [frame_to_token([(features.shape[1], frames)])])
        fixture.assert_close(found, f"out/y{name}")


@torch.inference_mode()
def test_stretching_all_rows_to_the_longest_and_masking_equals_the_official_padded_batch(parity):
    fixture = parity("s2m_length_regulator")
    config = fixture.meta["config"]
    model = LengthRegulator(LengthRegulatorConfig(input_dim=config["in_channels"], width=config["channels"])).eval()
    model.load_state_dict(live(fixture.params(), model))
    features, lengths = fixture.tensor("in/x_batch"), fixture.tensor("in/ylens_batch")
    longest = int(lengths.max())
    found = model(features, [frame_to_token([(features.shape[1], longest)])] * len(lengths))
    mask = torch.arange(longest)[None, :, None] < lengths[:, None, None]
    fixture.assert_close(found * mask, "out/y_batch")


@torch.inference_mode()
def test_latent_projection_equals_the_reference(parity):
    fixture = parity("s2m_gpt_layer")
    layers = [torch.nn.Linear(*pair) for pair in ((1280, 256), (256, 128), (128, 1024))]
    model = torch.nn.Sequential(*layers)
    model.load_state_dict(fixture.params())
    fixture.assert_close(model(fixture.tensor("in/latent")), "out/y")


@torch.inference_mode()
def test_transformer_and_its_first_attention_equal_the_reference(parity):
    fixture = parity("s2m_dit_transformer")
    config = flow_config(fixture.meta["config"])
    model = Transformer(config).eval()
    params = fixture.params()
    stem = next(key for key in params if key.endswith("layers.0.attention.wo.weight")).removesuffix(
        "layers.0.attention.wo.weight"
    )
    model.load_state_dict(
        live({key.removeprefix(stem): value for key, value in params.items() if key.startswith(stem)}, model)
    )
    hidden, mask = fixture.tensor("in/x"), fixture.tensor("in/mask")
    rotary = rotary_table(hidden.shape[1], config.width // config.heads, hidden.device)
    fixture.assert_close(model.layers[0].attention(hidden, rotary, mask), "out/attention0")
    scales, shifts = model.condition(fixture.tensor("in/c")[:, 0])
    fixture.assert_close(model(hidden, scales, shifts, FlowContext(hidden, rotary, mask)), "out/y")


@torch.inference_mode()
def test_wavenet_equals_the_reference_also_below_its_padding(parity):
    fixture = parity("s2m_wavenet")
    config = fixture.meta["config"]
    model = WaveNet(WaveNetConfig(config["hidden_dim"], config["num_layers"], config["kernel_size"])).eval()
    model.load_state_dict(live(fixture.params("param/cfm.estimator.wavenet."), model))
    condition = model.condition(fixture.tensor("in/g")[:, :, 0])
    mask = fixture.tensor("in/mask").float()
    fixture.assert_close(model(fixture.tensor("in/x"), condition, mask), "out/y")
    short = fixture.tensor("in/x_short")
    lengths = torch.tensor([short.shape[-1]])
    fixture.assert_close(model(short, condition[:1]), "out/y_short")
    fixture.assert_close(model(short, condition[:1], reflection=model.reflection(lengths, 2)), "out/y_short")


@torch.inference_mode()
def test_one_estimator_call_equals_the_reference(parity):
    fixture = parity("s2m_dit")
    model = estimator_of(fixture)
    time = fixture.tensor("in/t")
    fixture.assert_close(model.t_embedder(time), "out/t_embedder")
    fixture.assert_close(model.t_embedder2(time), "out/t_embedder2")
    content = model.content(fixture.tensor("in/prompt_x"), fixture.tensor("in/style"), fixture.tensor("in/cond"))
    context = model.context(content, fixture.tensor("in/x_lens"), rowwise=False)
    fixture.assert_close(model(fixture.tensor("in/x"), model.time_conditions(time), context), "out/y")


@pytest.mark.parametrize(("steps", "guidance", "key"), [(6, 0.7, "0.7"), (6, 0.0, "0.0"), (25, 0.7, "0.7_25steps")])
@torch.inference_mode()
def test_sampler_equals_the_reference(parity, steps, guidance, key):
    fixture = parity("s2m_cfm")
    flow = flow_config(fixture.meta["config"])
    model = SemanticToMel(
        S2MConfig(regulator=LengthRegulatorConfig(input_dim=40, width=flow.content_dim), flow=flow)
    ).eval()
    model.estimator.load_state_dict(live(fixture.params("param/cfm.estimator."), model.estimator))
    mel = sample(
        model,
        fixture.tensor("in/prompt"),
        fixture.tensor("in/style"),
        fixture.tensor("in/mu"),
        fixture.tensor("in/z"),
        steps=steps,
        guidance=guidance,
    )
    fixture.assert_close(mel, f"out/mel_cfg{key}")


def sample(model, prompt, style, condition, noise, *, steps, guidance):
    frames, prompt_frames = noise.shape[-1], prompt.shape[-1]
    padded = torch.nn.functional.pad(prompt, (0, frames - prompt_frames))
    context = model.context(padded, style, condition, guided=guidance != 0.0)
    grid = step_grid("uniform", steps)
    times = model.time_conditions(grid[:-1])
    keep = (torch.arange(frames) >= prompt_frames).float()
    return integrate(
        lambda step, noisy: model.velocity(noisy, times.at(step), context, guidance=guidance) * keep,
        grid,
        noise * keep,
    )


@pytest.fixture(scope="module")
def full_model():
    with torch.device("meta"):
        model = SemanticToMel(S2MConfig())
    return model


@torch.inference_mode()
def test_full_size_chain_equals_the_reference(parity, full_model):
    fixture = parity("s2m_full_s2mel")
    model = full_model.to_empty(device="cpu").eval()
    model.load_state_dict(live_weights(fixture, "s2mel", model))
    codec = SemanticCodec(CodecConfig()).eval()
    quantizer = {
        f"quantizer.{key}": value for key, value in live_weights(fixture, "semantic_codec", codec, "quantizer.").items()
    }
    codec.load_state_dict(quantizer, strict=False)

    features = codec.embed(fixture.tensor("in/codes")) + model.project_latent(fixture.tensor("in/latent"))
    fixture.assert_close(features, "out/S_infer")
    frames = model.frame_count(features.shape[1])
    assert frames == int(fixture.tensor("out/target_len"))
    target = model.regulate(features, [frames])
    fixture.assert_close(target, "out/cond")
    prompt_mel = fixture.tensor("in/ref_mel")
    prompt = model.regulate(fixture.tensor("in/S_ref"), [prompt_mel.shape[-1]])
    fixture.assert_close(prompt, "out/prompt_condition")
    condition = torch.cat([prompt, target], dim=1)
    style, noise = fixture.tensor("in/style"), fixture.tensor("in/z")

    padded = torch.nn.functional.pad(prompt_mel, (0, frames))
    context = model.context(padded, style, condition, guided=False)
    once = model.velocity(noise, model.time_conditions(torch.tensor([0.4])), context)
    fixture.assert_close(once, "out/estimator_t0.4")
    mel = sample(model, prompt_mel, style, condition, noise, steps=4, guidance=0.7)
    fixture.assert_close(mel, "out/mel_full")
    fixture.assert_close(mel[..., prompt_mel.shape[-1] :], "out/mel_target")


def live_weights(fixture, family, model, prefix=""):
    """The stand-in weights of every tensor, made under the published keys and folded as a loader would."""
    published: dict[str, torch.Tensor] = {}
    normed = ("wavenet.", "final_layer.linear", "in_project", "out_project")
    for key, value in model.state_dict().items():
        if not key.startswith(prefix):
            continue
        if key.endswith("weight") and any(mark in key for mark in normed):
            gain = (value.shape[0],) + (1,) * (value.dim() - 1)
            published[key + "_g"] = fixture.fill(family, key + "_g", gain)
            published[key + "_v"] = fixture.fill(family, key + "_v", tuple(value.shape))
        else:
            published[key] = fixture.fill(family, key, tuple(value.shape))
    return {key.removeprefix(prefix): value for key, value in folded_weights(published).items()}
