"""A network to Hugging Face's hub: its whole folder, card and tokenizer too."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from petrg.errors import ModelError
from petrg.model.network import PETRG3D

__all__ = ["push"]


def push(
    model: PETRG3D,
    repo_id: str,
    *,
    private: bool | None = None,
    token: str | bool | None = None,
    revision: str | None = None,
    commit_message: str | None = None,
    create_pr: bool = False,
    **how: Any,
) -> str:
    """Save a network aside and upload the folder.

    transformers' own way would put a card of its own in the place of ours.

    Parameters
    ----------
    private, token, revision, commit_message, create_pr
        The hub's.
    **how
        `petrg.model.weights.save`'s: processor, card, full, max_shard_size.

    Returns
    -------
    str
        Where it can be seen.

    Raises
    ------
    ModelError
        If the network cannot be saved so, or the hub does not take it.
    """
    api = HfApi(token=token)
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "weights"
        model.save_pretrained(folder, **how)
        try:
            repo = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
            done = api.upload_folder(
                repo_id=repo,
                folder_path=folder,
                revision=revision,
                commit_message=commit_message or "Upload PETRG-3D weights",
                create_pr=create_pr,
            )
        except (OSError, HfHubHTTPError, HFValidationError) as error:
            raise ModelError(
                f"the hub did not take the weights ({type(error).__name__})",
                "a repository that this token may write",
                "check its name, the token and the network",
            ) from error
    return str(done.commit_url)
