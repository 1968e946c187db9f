"""The published encoder, all-MiniLM-L6-v2, as training starts from it."""

from pathlib import Path
from typing import Any

from govwire.core.errors import ConfigError

# The vectors after these layers are used beside the last ones: they keep the words; what is asked joins there.
LOWER_LAYERS = 3
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json")


def load_base(folder: Path) -> Any:
    """The BertModel of a folder with published weights.

    Raises:
        ConfigError: a file is missing.
    """
    from transformers import BertModel

    missing = [name for name in ("model.safetensors", *TOKENIZER_FILES) if not (folder / name).is_file()]
    if missing:
        raise ConfigError(f"train: {folder}: no {', '.join(missing)}; name a folder with all-MiniLM-L6-v2 (--encoder)")
    return BertModel.from_pretrained(str(folder), local_files_only=True, add_pooling_layer=False)
