"""The page, through its client and in a browser."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from makers.sound_run import stand_ins, write_recording

from mmser.app.answer import Answerer
from mmser.inference.recogniser import load

pytest.importorskip("gradio", reason="the extra app is not installed")

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A real one where there are any, else a made one."""
    data = os.environ.get("MMSER_DATA")
    real = sorted(Path(data, "emodb_4class").rglob("15a05*")) if data else []
    return real[0] if real else write_recording(tmp_path_factory.mktemp("made") / "talk.wav")


@pytest.fixture(scope="module")
def answerer(sound_run):
    return Answerer(load(sound_run.directory))


@pytest.fixture(scope="module")
def address(answerer):
    from mmser.app.serve import served

    with pytest.MonkeyPatch.context() as patch:
        stand_ins(patch)
        with served(answerer, port=None) as address:
            yield address


def test_the_client_gets_the_verdict_and_the_files(address, recording, tmp_path):
    client_of = pytest.importorskip("gradio_client")
    client = client_of.Client(address, verbose=False, download_files=tmp_path)
    verdict, label, page, files = client.predict(
        client_of.handle_file(str(recording)), False, "", api_name="/judge"
    )
    assert re.search(r"<h2>(angry|happy|sad)", verdict)
    assert label["value"]["label"] in ("angry", "happy", "sad")
    assert 'sandbox="allow-scripts"' in page["value"]
    table = next(Path(file) for file in files["value"] if str(file).endswith(".csv"))
    assert table.read_text().startswith("id,start,end,text,modalities,prediction")
    broken = tmp_path / "broken.wav"
    broken.write_bytes(np.random.default_rng(0).bytes(500))
    message, *_ = client.predict(client_of.handle_file(str(broken)), False, "", api_name="/judge")
    assert 'role="alert">expected a video or sound file' in message
    assert "Traceback" not in message and "mmser-app-" not in message


def test_one_recording_is_judged_at_a_time(address, answerer, recording, monkeypatch):
    client_of = pytest.importorskip("gradio_client")
    at_work, most, judge = [], [], answerer.answer

    def watched(*words):
        at_work.append(words)
        time.sleep(0.2)
        most.append(len(at_work))
        at_work.pop()
        return judge(*words)

    monkeypatch.setattr(answerer, "answer", watched)
    client = client_of.Client(address, verbose=False, download_files=False)
    file = client_of.handle_file(str(recording))
    jobs = [client.submit(file, True, "", api_name="/judge") for _ in range(3)]
    assert all("<h2>" in job.result(90)[0] for job in jobs)
    assert most == [1, 1, 1]


def test_a_visitor_sees_the_verdict_in_a_browser(address, recording, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 400, "height": 900})
        page.set_default_timeout(90_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.get_by_role("button", name="Judge").first.click()
        assert page.wait_for_selector(".fault").inner_text() == "Give a recording first."
        page.set_input_files("input[type=file]", recording)
        # Shown when the upload is there.
        page.wait_for_selector(f'a[download="{recording.name}"]')
        page.get_by_role("button", name="Judge").first.click()
        verdict = page.wait_for_selector(".verdict h2").inner_text()
        assert re.match("angry|happy|sad", verdict)
        frame = page.frame_locator("iframe.recording")
        assert frame.locator("tbody tr").count() >= 1
        assert frame.locator("audio").count() == 1
        # The frame tells its height, in sight or not, and nothing is wider than the screen.
        page.wait_for_function(
            "document.querySelector('iframe.recording').style.height.endsWith('px')"
        )
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        with page.expect_download() as download:
            page.locator('a[download$=".csv"]').click()
        assert download.value.suggested_filename == f"{recording.stem}.csv"
        browser.close()
    elsewhere = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert elsewhere == []


def test_nothing_stays_behind(sound_run, recording, tmp_path, monkeypatch):
    from mmser.app.serve import served

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = dict(os.environ)
    with served(Answerer(load(sound_run.directory)), port=None):
        assert [path.name[:10] for path in tmp_path.iterdir()] == ["mmser-app-"]
    assert list(tmp_path.iterdir()) == [] and dict(os.environ) == before
