from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tf_dlth.errors import UserError
from tf_dlth.hub import Reference, names_in, repository_of, require_token, upload

from .hub import TOKEN, Hub

COMMIT = "a" * 40


def test_a_full_commit_id_pins() -> None:
    assert Reference.parse(f"hf://o.w-n/na_me@{COMMIT}") == Reference("o.w-n/na_me", COMMIT)


@pytest.mark.parametrize("revision", ["", "@main", "@aaaaaaa", f"@{COMMIT}0", f"@{'A' * 40}", "@refs/pr/1"])
def test_what_can_move_is_refused_with_the_way_to_pin(revision: str, hub: Hub) -> None:
    with pytest.raises(UserError, match=r"not pinned: .* full commit id .*model_info\('owner/name'\)\.sha"):
        Reference.parse(f"hf://owner/name{revision}")


def test_the_way_to_pin_works(hub: Hub) -> None:
    import huggingface_hub

    newest = [hub.commit("owner/name", {"a": b"1"}), hub.commit("owner/name", {"a": b"2"})][-1]
    assert huggingface_hub.model_info("owner/name").sha == newest


@pytest.mark.parametrize("text", ["hf://owner", "hf://owner/..", "hf://../name", "hf://a/b/c@x", f"hf:/a/b@{COMMIT}"])
def test_other_forms(text: str) -> None:
    with pytest.raises(UserError, match="must be hf://OWNER/NAME@REVISION"):
        Reference.parse(text)
    with pytest.raises(UserError, match="must be hf://OWNER/NAME, without a revision"):
        repository_of(text)


def test_a_file_is_downloaded_once(hub: Hub, tmp_path: Path) -> None:
    reference = Reference("owner/name", hub.commit("owner/name", {"a/b.txt": b"content"}))
    first = reference.download("a/b.txt")
    assert first.read_bytes() == b"content" and not first.is_symlink() and (tmp_path / "hub-cache") in first.parents
    asked = len(hub.asked)
    assert reference.download("a/b.txt") == first and len(hub.asked) == asked


def test_what_is_not_there(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = hub.commit("owner/name", {"a": b""})
    with pytest.raises(UserError, match=f"b of hf://owner/name@{revision} cannot be downloaded: 404"):
        Reference("owner/name", revision).download("b")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"cannot be downloaded: .* does not answer \(.*offline mode is enabled"):
        Reference("owner/name", COMMIT).download("a")


def test_where_nobody_answers_it_is_said_at_once_and_what_was_downloaded_is_used(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library alone would ask again for half a minute."""
    reference = Reference("owner/name", hub.commit("owner/name", {"a": b"1", "b": b"2"}))
    kept = reference.download("a")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    started = time.monotonic()
    line = r"http://127\.0\.0\.1:9 does not answer \(.*refused\); try again where there is a network$"
    with pytest.raises(UserError, match=f"^b of {reference} cannot be downloaded: {line}"):
        reference.download("b")
    with pytest.raises(UserError, match=f"^hf://owner/name cannot be looked at: {line}"):
        names_in("owner/name")
    assert reference.download("a") == kept
    assert time.monotonic() - started < 5


def test_a_cache_whose_links_lead_elsewhere(hub: Hub, tmp_path: Path) -> None:
    reference = Reference("owner/name", hub.commit("owner/name", {"a": b"theirs"}))
    reference.download("a")
    (link,) = (tmp_path / "hub-cache").rglob(f"snapshots/{reference.revision}/a")
    (tmp_path / "secret").write_text("mine")
    link.unlink()
    os.symlink(tmp_path / "secret", link)
    with pytest.raises(UserError, match="leads out of the Hub's cache"):
        reference.download("a")


def test_one_commit_goes_up(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="hf auth login"):
        require_token()
    monkeypatch.setenv("HF_TOKEN", "wrong")
    with pytest.raises(UserError, match=r"uploading to hf://owner/new failed: .*401"):
        upload("owner/new", {"a": b"1"}, "first")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    require_token()
    assert names_in("owner/new") == frozenset()
    (tmp_path / "b").write_bytes(b"2")
    pushed = upload("owner/new", {"a": b"1", "folder/b": tmp_path / "b"}, "first")
    assert hub.commits["owner/new"] == {pushed.revision: {"a": b"1", "folder/b": b"2"}}
    assert names_in("owner/new") == {"a", "folder/b"}
    assert pushed.download("folder/b").read_bytes() == b"2"
