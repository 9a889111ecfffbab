"""All visitors' files together fit on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from sam2_core.errors import Busy
from tests.ui.house import open_house, picture_bytes
from tests.ui.page.test_album import CLICK, OBJECT
from ui.disk_quota import DiskQuota


def test_what_is_there_and_what_is_coming_count_together(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "clip").write_bytes(bytes(600))
    (tmp_path / "link").symlink_to("a")
    quota = DiskQuota(1000)
    quota.measure(tmp_path)
    link = (tmp_path / "link").lstat().st_size
    assert quota.used == 600 + link, "a link has its own size"
    with quota.coming(300):
        with pytest.raises(Busy, match="disk is full"), quota.coming(300):
            pytest.fail("there is no room")
        quota.check()
    quota.check(1000 - 600 - link)
    quota.measure(tmp_path / "missing")
    assert quota.used == 0


def test_uploads_and_long_jobs_stop_where_the_disk_is_full() -> None:
    with open_house(max_disk_mb=1) as house:
        token = house.session().token
        with house.page(token) as page:
            assert house.upload(token, picture_bytes()).status_code == 202
            page.receive("opened")
            page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
            page.receive("masks", seq=1)
            refused = house.upload(token, bytes(1_100_000))
            assert (refused.status_code, "disk is full" in refused.json()["error"]) == (400, True)
            (house.sessions.find(token).folder / "large").write_bytes(bytes(1_100_000))
            house.sweep()
            page.send("export", format="coco", objects=[OBJECT])
            assert "disk is full" in page.receive("error")["text"]
