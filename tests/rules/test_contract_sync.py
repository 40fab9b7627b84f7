"""The three-way rule of a folder and a registry, and what a folder keeps out."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts_app.rules.contract_sync import standing
from meshline.sync_folder import STATE, Folder, FolderError


@pytest.mark.parametrize(
    ("base", "here", "there", "told"),
    [
        ("a", "a", "a", "in_step"),
        ("a", "b", "b", "in_step"),
        ("", "a", "a", "in_step"),
        ("a", "", "", "in_step"),
        ("", "a", "", "only_here"),
        ("", "", "a", "only_there"),
        ("", "a", "b", "both_changed"),
        ("a", "b", "a", "changed_here"),
        ("a", "a", "b", "changed_there"),
        ("a", "b", "c", "both_changed"),
        ("a", "", "a", "gone_here"),
        ("a", "a", "", "gone_there"),
        ("a", "", "b", "both_changed"),
        ("a", "b", "", "both_changed"),
    ],
)
def test_three_digests_say_how_a_version_stands(
    base: str, here: str, there: str, told: str
) -> None:
    assert standing(base, here, there) == told


@pytest.mark.parametrize(
    ("name", "version", "domain"),
    [
        ("../../etc/x", "1.0.0", "a"),
        ("a.b", "../1", "a"),
        ("a.b", "1.0.0", ".."),
        ("a.b", "1.0.0", "a/b"),
        ("/a.b", "1.0.0", ""),
    ],
)
def test_hostile_registry_leads_nowhere_out_of_the_folder(
    tmp_path: Path, name: str, version: str, domain: str
) -> None:
    folder = Folder.opened(tmp_path / "in", "https://r.example")
    with pytest.raises(FolderError, match="The registry names"):
        folder.write((name, version), domain, b"x", over="")
    assert list(tmp_path.rglob("*")) == []


def test_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "shop").symlink_to(tmp_path / "out")
    folder = Folder.opened(tmp_path / "in", "https://r.example")
    with pytest.raises(FolderError, match="is a link"):
        folder.write(("shop.cart", "1.0.0"), "shop", b"x", over="")
    assert list((tmp_path / "out").iterdir()) == []


def test_file_edited_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    folder = Folder.opened(tmp_path, "https://r.example")
    folder.write(("shop.cart", "1.0.0"), "shop", b"mine", over="")
    with pytest.raises(FolderError, match="changed just now"):
        folder.write(("shop.cart", "1.0.0"), "shop", b"theirs", over="")
    assert folder.read(("shop.cart", "1.0.0")) == b"mine"


def test_state_is_a_sorted_line_a_version_and_of_one_registry(tmp_path: Path) -> None:
    folder = Folder.opened(tmp_path, "https://r.example")
    folder.base = {("b.b", "1.0.0"): "b" * 64, ("a.a", "1.0.0"): "a" * 64}
    folder.save_base()
    lines = [line for line in (tmp_path / STATE).read_text().splitlines() if "1.0.0" in line]
    assert [line.strip()[1:4] for line in lines] == ["a.a", "b.b"]
    assert Folder.opened(tmp_path, "https://r.example/").base == folder.base
    with pytest.raises(FolderError, match="is of the registry"):
        Folder.opened(tmp_path, "https://other.example")
    (tmp_path / STATE).write_text("<<<<<<< ours\n")
    with pytest.raises(FolderError, match="a merge may have left marks"):
        Folder.opened(tmp_path, "https://r.example")
