"""A CLIP model of random weights, small enough to be made in a second, in the layout of the real ones."""

import json
from pathlib import Path

import pytest
import torch

DIM, CONTEXT, SIDE = 24, 12, 32
WORDS = ("red", "mug", "chair", "table", "lamp", "object", "things", "stuff", "texture")


def byte_letters() -> list[str]:
    """The 256 letters that byte-level BPE writes bytes as, in its order."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [256 + i for i in range(256 - len(plain))]
    return [chr(code) for code in plain + others]


def write_tokenizer(folder: Path) -> int:
    """Writes vocab.json and merges.txt of CLIP's kind and returns the number of tokens."""
    letters = byte_letters()
    merges: list[str] = []
    for word in WORDS:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            merge = f"{parts[0]} {parts[1]}"
            merges += [merge] if merge not in merges else []
            parts = [parts[0] + parts[1], *parts[2:]]
    tokens = [*letters, *(letter + "</w>" for letter in letters), *(merge.replace(" ", "") for merge in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer"}))
    return len(tokens)


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a CLIP model of 24 components for pictures of 32 x 32 pixels."""
    from transformers import CLIPConfig, CLIPModel

    folder = tmp_path_factory.mktemp("clip") / "tiny"
    folder.mkdir()
    size = write_tokenizer(folder)
    body = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    text = {**body, "vocab_size": size, "max_position_embeddings": CONTEXT, "bos_token_id": size - 2,
            "eos_token_id": size - 1, "pad_token_id": size - 1}  # fmt: skip
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config=text, vision_config={**body, "image_size": SIDE, "patch_size": 8}, projection_dim=DIM
    )
    network = CLIPModel(config)
    with torch.no_grad():  # so that pictures and texts that differ get vectors that differ visibly
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    network.save_pretrained(folder)
    return folder
