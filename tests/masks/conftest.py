"""Segmenters with random weights, made and asked in a moment, and a scene of photos without splats."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gsseg.pretrained import quiet_transformers

transformers = pytest.importorskip("transformers", reason="transformers is not installed (the extra 'sam')")

SIDE = 64
_DECODER = {
    "hidden_size": 32,
    "mlp_dim": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "iou_head_hidden_dim": 32,
}


def _sam(kind: str) -> Any:
    vision = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": SIDE, "patch_size": 8,
        "output_channels": 32, "mlp_dim": 32, "window_size": 2, "global_attn_indexes": [1], "num_pos_feats": 16,
    }  # fmt: skip
    prompt = {"hidden_size": 32, "image_size": SIDE, "patch_size": 8, "mask_input_channels": 4}
    decoder = {**_DECODER, **({"vit_dim": 32} if kind == "SamHQ" else {})}
    config = getattr(transformers, f"{kind}Config")(
        vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder
    )
    return getattr(transformers, f"{kind}Model")(config)


def _sam2_parts(width: int = 32) -> dict[str, Any]:
    backbone = {
        "hidden_size": 8, "image_size": [SIDE, SIDE], "blocks_per_stage": [1] * 4, "window_size_per_stage": [2] * 4,
        "embed_dim_per_stage": [8, 16, 32, 64], "num_attention_heads_per_stage": [1, 1, 2, 2], "num_attention_heads": 1,
        "global_attention_blocks": [], "window_positional_embedding_background_size": [2, 2],
    }  # fmt: skip
    vision = {
        "backbone_config": {"model_type": "sam2_hiera_det_model", **backbone}, "backbone_channel_list": [64, 32, 16, 8],
        "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]], "fpn_hidden_size": width,
    }  # fmt: skip
    prompt = {"hidden_size": width, "image_size": SIDE, "patch_size": 16, "mask_input_channels": 4}
    return {
        "vision_config": vision,
        "prompt_encoder_config": prompt,
        "mask_decoder_config": {**_DECODER, "hidden_size": width},
    }


def _sam2() -> Any:
    return transformers.Sam2Model(transformers.Sam2Config(**_sam2_parts()))


WIDTH, MEMORY = 128, 64
"""Channels of pictures and of memories: transformers has no other for these, and they have to be fewer."""

_MEMORY = {
    "image_size": SIDE, "num_maskmem": 3, "max_object_pointers_in_encoder": 4, "memory_attention_hidden_size": WIDTH,
    "memory_attention_num_layers": 1, "memory_attention_rope_feat_sizes": [4, 4], "memory_encoder_hidden_size": WIDTH,
    "memory_encoder_output_channels": MEMORY, "mask_downsampler_embed_dim": WIDTH, "memory_fuser_embed_dim": WIDTH,
    "memory_fuser_intermediate_dim": 32, "memory_fuser_num_layers": 1,
}  # fmt: skip


def _sam2_video() -> Any:
    config = transformers.Sam2VideoConfig(**_sam2_parts(WIDTH), **_MEMORY, memory_attention_feed_forward_hidden_size=32)
    return transformers.Sam2VideoModel(config)


class _BackboneConfig(transformers.PretrainedConfig):
    """Of a stand-in for EdgeTAM's encoder, which transformers takes from timm."""

    model_type = "gsseg_tests_backbone"


class _Backbone(transformers.PreTrainedModel):
    """Four levels of features at a quarter of the picture and less, as RepViT gives them."""

    config_class = _BackboneConfig
    main_input_name = "pixel_values"

    def __init__(self, config: _BackboneConfig) -> None:
        super().__init__(config)
        widths = (3, 8, 16, 32, 64)
        self.levels = torch.nn.ModuleList(
            torch.nn.Conv2d(widths[k], widths[k + 1], 3, 2 if k else 4, 1) for k in range(4)
        )
        self.post_init()

    def forward(self, pixel_values: torch.Tensor, **_: Any) -> Any:
        features = []
        for level in self.levels:
            pixel_values = torch.tanh(level(pixel_values))
            features.append(pixel_values)
        return transformers.modeling_outputs.BaseModelOutput(last_hidden_state=features)


def _edgetam_parts(width: int = 32) -> dict[str, Any]:
    transformers.AutoConfig.register(_BackboneConfig.model_type, _BackboneConfig, exist_ok=True)
    transformers.AutoModel.register(_BackboneConfig, _Backbone, exist_ok=True)
    vision = transformers.EdgeTamVisionConfig(
        backbone_config=_BackboneConfig(), backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]], fpn_hidden_size=width,
    )  # fmt: skip
    prompt = {"hidden_size": width, "image_size": SIDE, "patch_size": 16, "mask_input_channels": 4}
    return {
        "vision_config": vision,
        "prompt_encoder_config": prompt,
        "mask_decoder_config": {**_DECODER, "hidden_size": width},
    }


def _edgetam() -> Any:
    return transformers.EdgeTamModel(transformers.EdgeTamConfig(**_edgetam_parts()))


def _edgetam_video() -> Any:
    config = transformers.EdgeTamVideoConfig(
        **_edgetam_parts(WIDTH), **_MEMORY, memory_attention_mlp_hidden_size=32, memory_attention_rope_k_sizes=[2, 2],
        perceiver_resampler_num_latents=4, perceiver_resampler_num_latents_2d=4, perceiver_resampler_hidden_size=MEMORY,
        perceiver_resampler_mlp_intermediate_size=16, perceiver_resampler_attention_head_dim=MEMORY,
    )  # fmt: skip
    return transformers.EdgeTamVideoModel(config)


MODELS: dict[str, Callable[[], Any]] = {
    "sam": lambda: _sam("Sam"),
    "sam_hq": lambda: _sam("SamHQ"),
    "sam2": _sam2,
    "edgetam": _edgetam,
    "sam2_video": _sam2_video,
    "edgetam_video": _edgetam_video,
}
"""Names of `FAMILIES` -> a model with random weights."""


@pytest.fixture(scope="session")
def model_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of saved models by family."""
    folders = {}
    for name, make in MODELS.items():
        torch.manual_seed(0)
        folders[name] = tmp_path_factory.mktemp(name)
        model = make()
        with torch.no_grad():  # small random weights say nothing of any pixel; larger ones draw patterns
            decoder = model.mask_decoder
            drawn = (
                decoder.output_hypernetworks_mlps,
                decoder.upscale_conv1,
                decoder.upscale_conv2,
                model.vision_encoder,
            )
            for each in (parameter for part in drawn for parameter in part.parameters()):
                each.mul_(5).add_(torch.randn_like(each) * 0.2)
            if name.endswith("_video"):  # whether an object is in sight at all is not to be drawn
                decoder.pred_obj_score_head.proj_out.bias.fill_(50.0)
        with quiet_transformers():
            model.save_pretrained(folders[name])
    return folders


@pytest.fixture
def photos_scene(make_small_scene: Callable[[Path], Path], tmp_path: Path) -> Path:
    """A scene of four photos of 96 x 72 pixels with cameras, no splats and no masks."""
    scene = make_small_scene(tmp_path / "scene")
    (scene / "splats.ply").unlink()
    for mask in (scene / "masks").iterdir():
        mask.unlink()
    (scene / "masks").rmdir()
    rng = np.random.default_rng(0)
    for photo in (scene / "images").iterdir():
        small = rng.integers(0, 255, (9, 12, 3), np.uint8)
        Image.fromarray(small).resize((32, 24), Image.Resampling.BICUBIC).save(photo)
    return scene
