"""`govwire train`: the model that this package ships, made again from our own labelled passages.

Needs the extra: pip install 'govwire[train]'. Seeded: the same data on the same kind of machine gives the same model. A
run that is broken off goes on from the last epoch that ended.
"""

from pathlib import Path

from govwire.core.errors import ConfigError


def train(folder: Path, encoder: Path, work: Path, *, studies: bool = False) -> None:
    """Train on the committed data and write the model, with its card, into `folder`.

    `encoder` is a folder with the published weights and tokenizer of all-MiniLM-L6-v2; `work` keeps what a broken run
    goes on from. `studies` runs the learning curve and the held-out targets, too, which takes longer than the training.

    Raises:
        ConfigError: the extra is not installed, or there is no encoder.
    """
    try:
        from processors.classifiers.training.make import make
    except ModuleNotFoundError as error:
        raise ConfigError(f"train: {error}; install the extra: pip install 'govwire[train]'") from error
    make(encoder, folder, work, studies=studies)
