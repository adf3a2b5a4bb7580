"""Files of the Hugging Face Hub: what a reference pins, what is downloaded, what is uploaded.

Downloads lie in huggingface_hub's own cache, as links into the cached repository. Nothing that is downloaded is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Self

from tf_dlth.errors import UserError

SCHEME = "hf://"
NAMED = re.compile(r"hf://(?P<repository>[\w][\w.-]*/[\w][\w.-]*)(@(?P<revision>\S+))?", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{40}")


def is_reference(path: object) -> bool:
    """Whether ``path`` is meant to name a repository of the Hub."""
    return str(path).startswith(SCHEME)


@dataclass(frozen=True)
class Reference:
    """``hf://OWNER/NAME@REVISION``: a repository at one commit, whose files can never change."""

    repository: str
    revision: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises UserError, which says how to pin, for anything but a full commit id."""
        match = NAMED.fullmatch(text)
        if match is None:
            raise UserError(f"{text} must be hf://OWNER/NAME@REVISION")
        repository, revision = match["repository"], match["revision"]
        if revision is None or not COMMIT.fullmatch(revision):
            raise UserError(
                f"{text} is not pinned: REVISION must be a full commit id of 40 hexadecimal digits; the newest one: "
                f"python -c \"import huggingface_hub as h; print(h.model_info('{repository}').sha)\""
            )
        return cls(repository, revision)

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}@{self.revision}"

    def download(self, name: str) -> Path:
        """The ordinary file behind ``name`` in the cache; raises UserError where it is not there and cannot be had."""
        library, what = _library(), f"{name} of {self} cannot be downloaded"
        if not isinstance(library.try_to_load_from_cache(self.repository, name, revision=self.revision), str):
            _require_answer(library, what)
        with _told(what):
            path = Path(library.hf_hub_download(self.repository, name, revision=self.revision))
        folder = path.parents[len(Path(name).parts)].parent  # the repository's: snapshots/REVISION/NAME, blobs/DIGEST
        real = path.resolve()
        if not real.is_relative_to(folder.resolve()):
            raise UserError(f"{path} leads out of the Hub's cache; remove it")
        return real


def repository_of(target: str) -> str:
    """OWNER/NAME of a target without a revision; raises UserError for others."""
    match = NAMED.fullmatch(target)
    if match is None or match["revision"] is not None:
        raise UserError(f"{target} must be hf://OWNER/NAME, without a revision")
    return match["repository"]


def require_token() -> None:
    """Raises UserError where nobody is logged in; asks no one."""
    if _library().get_token() is None:
        raise UserError("uploading needs a token of the Hub: `hf auth login`, or set HF_TOKEN to one that may write")


def names_in(repository: str) -> frozenset[str]:
    """The files of a model's repository as it is now; none where there is no such repository, or none to be seen."""
    library, what = _library(), f"{SCHEME}{repository} cannot be looked at"
    _require_answer(library, what)
    with _told(what):
        try:
            return frozenset(library.list_repo_files(repository))
        except library.errors.RepositoryNotFoundError:
            return frozenset()


def upload(repository: str, contents: Mapping[str, Path | bytes], message: str) -> Reference:
    """One commit with all of ``contents``, by their names there; makes the repository if need be."""
    library = _library()
    operations = [
        library.CommitOperationAdd(path_in_repo=name, path_or_fileobj=content) for name, content in contents.items()
    ]
    with _told(f"uploading to {SCHEME}{repository} failed"):
        library.create_repo(repository, exist_ok=True)
        commit = library.create_commit(repository, operations, commit_message=message)
    return Reference(repository, commit.oid)


def _library() -> ModuleType:
    try:
        import huggingface_hub.errors
        import huggingface_hub.utils
    except ImportError:
        raise UserError("hf:// needs huggingface_hub: pip install -c constraints.txt '.[hub]'") from None
    huggingface_hub.utils.disable_progress_bars()
    huggingface_hub.utils.logging.set_verbosity_error()
    return huggingface_hub


def _require_answer(library: ModuleType, what: str) -> None:
    """Raises UserError at once where nobody answers; the library itself asks again for half a minute."""
    hub = library.constants.ENDPOINT
    try:
        library.utils.get_session().head(hub, timeout=library.constants.HF_HUB_ETAG_TIMEOUT)
    except Exception as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise UserError(f"{what}: {hub} does not answer ({reason}); try again where there is a network") from error


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Makes one line of the library's own errors, requests' and the system's."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{what}: {' '.join(str(error).split())[:300].rstrip('.')}") from error
