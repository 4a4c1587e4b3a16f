"""The official YAML schema as tables: where each key lands in `Config`, which values are fixed, which have no effect.

`FIELDS` are the keys of a released config.yaml that carry a size; `EXTENSIONS` are ours, for what the official code
hard-wires; both are written into a native config.yaml. A key that names several fields is one number in the released
model, so a configuration in which they differ is refused. Everything else is an unknown key.
"""

from __future__ import annotations

FIELDS: dict[str, tuple[str, ...]] = {
    "dataset.bpe_model": ("text.tokenizer",),
    "gpt.model_dim": ("t2s.dim", "t2s.speaker.latent_dim", "s2m.latent_dim"),
    "gpt.max_mel_tokens": ("t2s.max_semantic_tokens",),
    "gpt.max_text_tokens": ("t2s.max_text_tokens",),
    "gpt.heads": ("t2s.heads",),
    "gpt.layers": ("t2s.layers",),
    "gpt.number_text_tokens": ("t2s.text_tokens",),
    "gpt.number_mel_codes": ("t2s.semantic_tokens",),
    "gpt.start_mel_token": ("t2s.start_semantic",),
    "gpt.stop_mel_token": ("t2s.stop_semantic",),
    "gpt.start_text_token": ("t2s.start_text",),
    "gpt.stop_text_token": ("t2s.stop_text",),
    "gpt.condition_module.output_size": ("t2s.speaker.width",),
    "gpt.condition_module.linear_units": ("t2s.speaker.feed_forward",),
    "gpt.condition_module.attention_heads": ("t2s.speaker.heads",),
    "gpt.condition_module.num_blocks": ("t2s.speaker.blocks",),
    "gpt.condition_module.perceiver_mult": ("t2s.speaker.perceiver_mult",),
    "gpt.emo_condition_module.output_size": ("t2s.emotion.width",),
    "gpt.emo_condition_module.linear_units": ("t2s.emotion.feed_forward",),
    "gpt.emo_condition_module.attention_heads": ("t2s.emotion.heads",),
    "gpt.emo_condition_module.num_blocks": ("t2s.emotion.blocks",),
    "gpt.emo_condition_module.perceiver_mult": ("t2s.emotion.perceiver_mult",),
    "semantic_codec.codebook_size": ("codec.codebook_size",),
    "semantic_codec.hidden_size": (
        "codec.dim",
        "semantic_encoder.dim",
        "t2s.speaker.input_dim",
        "t2s.emotion.input_dim",
        "s2m.semantic_dim",
    ),
    "semantic_codec.codebook_dim": ("codec.codebook_dim",),
    "semantic_codec.vocos_dim": ("codec.width",),
    "semantic_codec.vocos_intermediate_dim": ("codec.intermediate",),
    "semantic_codec.vocos_num_layers": ("codec.layers",),
    "s2mel.preprocess_params.sr": ("mel.sample_rate",),
    "s2mel.preprocess_params.spect_params.n_fft": ("mel.fft_size",),
    "s2mel.preprocess_params.spect_params.win_length": ("mel.window",),
    "s2mel.preprocess_params.spect_params.hop_length": ("mel.hop",),
    "s2mel.preprocess_params.spect_params.n_mels": ("mel.bands", "vocoder.bands"),
    "s2mel.preprocess_params.spect_params.fmin": ("mel.low_hz",),
    "s2mel.preprocess_params.spect_params.fmax": ("mel.high_hz",),
    "s2mel.style_encoder.dim": ("style_encoder.dim", "s2m.flow.style_dim"),
    "s2mel.length_regulator.channels": ("s2m.regulator.width",),
    "s2mel.length_regulator.in_channels": ("s2m.regulator.input_dim",),
    "s2mel.DiT.hidden_dim": ("s2m.flow.width",),
    "s2mel.DiT.num_heads": ("s2m.flow.heads",),
    "s2mel.DiT.depth": ("s2m.flow.depth",),
    "s2mel.DiT.in_channels": ("s2m.flow.bands",),
    "s2mel.DiT.content_dim": ("s2m.flow.content_dim",),
    "s2mel.wavenet.hidden_dim": ("s2m.flow.wavenet.width",),
    "s2mel.wavenet.num_layers": ("s2m.flow.wavenet.layers",),
    "s2mel.wavenet.kernel_size": ("s2m.flow.wavenet.kernel",),
    "s2mel.wavenet.dilation_rate": ("s2m.flow.wavenet.dilation_rate",),
    "emo_num": ("emotion_bank.group_sizes",),
    "version": ("version",),
}
"""Keys of the released file. `s2mel.length_regulator.sampling_ratios` is read by `SAMPLING_RATIOS` below."""

SAMPLING_RATIOS = "s2mel.length_regulator.sampling_ratios"
"""A list of ones whose length is the number of layers, `s2m.regulator.layers`."""

OPTIONAL_FIELDS = frozenset({"version", "dataset.bpe_model"})
"""Keys of `FIELDS` that a file may leave out."""


def _section(key: str, field: str, *pairs: tuple[str, str]) -> dict[str, tuple[str, ...]]:
    return {f"{key}.{name}": (f"{field}.{target}",) for name, target in pairs}


def _same(*names: str) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


_CONDITIONER = [
    ("cnn_module_kernel", "kernel"),
    ("latents", "latents"),
    ("perceiver_depth", "perceiver_depth"),
    ("perceiver_head_dim", "perceiver_head_dim"),
    ("positions", "positions"),
]

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    **_section(
        "s2mel.preprocess_params.spect_params", "mel", ("floor", "floor"), ("magnitude_epsilon", "magnitude_epsilon")
    ),
    **_section(
        "semantic_encoder",
        "semantic_encoder",
        *_same("layers", "heads", "feed_forward", "conv_kernel", "left_positions", "right_positions"),
        *_same("bands", "stride", "sample_rate"),
    ),
    **_section(
        "s2mel.style_encoder",
        "style_encoder",
        *_same("bands", "growth", "bottleneck", "channels", "head_channels", "block_layers", "dilations"),
    ),
    **_section("gpt.condition_module", "t2s.speaker", *_CONDITIONER),
    **_section("gpt.emo_condition_module", "t2s.emotion", *_CONDITIONER, ("latent_dim", "latent_dim")),
    **_section(
        "gpt",
        "t2s",
        *_same("decode_row_offset", "prompt_token", "alignment_heads", "repetition_penalty", "longest_per_piece"),
    ),
    **_section("gpt", "t2s", *_same("speaker_from", "style_dim", "language_rows")),
    **_section("gpt.duration", "t2s.duration", *_same("trained", "slot", "free", "rows")),
    **_section("semantic_codec", "codec", ("downsample_scale", "downsample")),
    **_section("s2mel", "s2m", *_same("frames_per_token", "noise_scale", "content")),
    **_section("s2mel.defaults", "s2m.defaults", *_same("steps", "grid", "solver", "guidance", "distilled")),
    **_section("s2mel.gpt_layer", "s2m", ("hidden", "latent_hidden")),
    **_section("s2mel.DiT", "s2m.flow", ("time_dim", "time_dim")),
    **_section(
        "vocoder",
        "vocoder",
        ("upsample_initial_channel", "initial_channels"),
        ("upsample_rates", "upsample_rates"),
        ("upsample_kernel_sizes", "upsample_kernels"),
        ("resblock_kernel_sizes", "residual_kernels"),
        ("resblock_dilation_sizes", "residual_dilations"),
        ("snake_logscale", "snake_logscale"),
        ("use_tanh_at_final", "tanh_at_end"),
        ("use_bias_at_final", "bias_at_end"),
    ),
    **_section("text", "text", *_same("kind", "segment_tokens", "segment_tokens_alphabetic", "pause_seconds")),
}

WRITTEN_WHERE_OTHER = frozenset(
    {
        "text.segment_tokens_alphabetic",
        "gpt.speaker_from",
        "gpt.style_dim",
        "gpt.language_rows",
        "gpt.duration.rows",
        "semantic_codec.downsample_scale",
        "s2mel.content",
        "s2mel.defaults.steps",
        "s2mel.defaults.grid",
        "s2mel.defaults.solver",
        "s2mel.defaults.guidance",
        "s2mel.defaults.distilled",
    }
)
"""Keys younger than the native format: written only where they differ from the released IndexTTS-2, so that older
programs still read a checkpoint that does not need them."""

FIXED: dict[str, tuple[object, ...]] = {
    "gpt.use_mel_codes_as_input": (True,),
    "gpt.train_solo_embeddings": (False,),
    "gpt.condition_type": ("conformer_perceiver",),
    "gpt.condition_module.input_layer": ("conv2d2",),
    "gpt.emo_condition_module.input_layer": ("conv2d2",),
    "s2mel.dit_type": ("DiT",),
    "s2mel.reg_loss_type": ("l1", "l2"),
    "s2mel.length_regulator.is_discrete": (False,),
    "s2mel.length_regulator.vector_quantize": (False,),
    "s2mel.length_regulator.f0_condition": (False,),
    "s2mel.DiT.style_condition": (True,),
    "s2mel.DiT.final_layer_type": ("wavenet",),
    "s2mel.DiT.target": ("mel",),
    "s2mel.DiT.content_type": ("discrete",),
    "s2mel.DiT.f0_condition": (False,),
    "s2mel.DiT.is_causal": (False,),
    "s2mel.DiT.long_skip_connection": (True,),
    "s2mel.DiT.zero_prompt_speech_token": (False,),
    "s2mel.DiT.time_as_token": (False,),
    "s2mel.DiT.style_as_token": (False,),
    "s2mel.DiT.uvit_skip_connection": (True,),
    "s2mel.DiT.add_resblock_in_transformer": (False,),
    "s2mel.wavenet.style_condition": (True,),
    "vocoder.type": ("bigvgan",),
}
"""Values this implementation is built for; a file that asks for another one cannot be run faithfully."""

WITHOUT_EFFECT = frozenset(
    {
        # Left over from version 1; no released code reads them.
        "dataset.sample_rate",
        "dataset.squeeze",
        "dataset.mel.sample_rate",
        "dataset.mel.n_fft",
        "dataset.mel.hop_length",
        "dataset.mel.win_length",
        "dataset.mel.n_mels",
        "dataset.mel.mel_fmin",
        "dataset.mel.normalize",
        "gpt.mel_length_compression",
        # Training only, or sizes of dead tensors (docs/spec/files.md#dead-tensors).
        "s2mel.length_regulator.content_codebook_size",
        "s2mel.length_regulator.n_codebooks",
        "s2mel.length_regulator.quantizer_dropout",
        "s2mel.length_regulator.n_f0_bins",
        "s2mel.DiT.class_dropout_prob",
        "s2mel.DiT.block_size",
        "s2mel.DiT.content_codebook_size",
        "s2mel.DiT.content_codebooks",
        "s2mel.DiT.n_f0_bins",
        "s2mel.wavenet.p_dropout",
        "vocoder.name",
    }
)

FILE_NAMES = frozenset(
    {"gpt_checkpoint", "s2mel_checkpoint", "w2v_stat", "emo_matrix", "spk_matrix", "qwen_emo_path", "codec_checkpoint"}
)
"""Early files carried paths of the machine that wrote them, so only the last part of a path counts."""

METADATA = "checkpoint"
"""The section of a native file that describes the checkpoint and not the model: format, licence, sums of files."""

BASE = "base"
"""Folder or name of the checkpoint that a fine-tune takes everything else from."""

KNOWN = (
    frozenset(FIELDS) | frozenset(EXTENSIONS) | frozenset(FIXED) | WITHOUT_EFFECT | FILE_NAMES | {SAMPLING_RATIOS, BASE}
)
