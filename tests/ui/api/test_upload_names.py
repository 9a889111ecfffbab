"""Names of files that programs send, without Gradio's server."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.api.files import UPLOAD_PATH
from ui.api.upload_names import MAX_NAMES, UploadNameRecorder, UploadNames


def client_of(names: UploadNames) -> TestClient:
    """A server that keeps the n-th file of a request under /n."""

    async def keep(request: Request) -> Response:
        count = (await request.body()).count(b"filename=")
        return JSONResponse([f"/{number}" for number in range(count)]) if count else Response(b"\xff none", 400)

    middleware = [Middleware(UploadNameRecorder, names=names)]
    return TestClient(Starlette(routes=[Route(UPLOAD_PATH, keep, methods=["POST"])], middleware=middleware))


def test_the_names_of_a_request_are_recorded() -> None:
    names = UploadNames()
    sent = ["a?.png", 'quote".png', "%22.png", "हिन्दी.png", "con.png"]
    client_of(names).post(UPLOAD_PATH, files=[("files", (name, b"png" * 9000)) for name in sent])
    given = ["a.png", "quote.png", "%22.png", "हिन्दी.png", "_con.png"]
    for number, (name, orig_name) in enumerate(zip(sent, given, strict=True)):
        assert names.name_of({"path": f"/{number}", "orig_name": orig_name}) == name
    assert names.name_of({"path": "/0"}) == "a?.png"
    assert names.name_of({"path": "/0", "orig_name": "front/1.png"}) == "front/1.png", "a caller may say another name"
    assert names.name_of({"path": "/tmp/other.png"}) == "other.png"
    assert names.name_of({"path": "/tmp/other.png", "orig_name": 5}) == "other.png"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"no multipart"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--y\r\nno part"),
        ("multipart/form-data; boundary=" + "x" * 5000, b"--x"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nx\r\n--x--'),
    ],
)
def test_other_requests_are_passed_on(content_type: str, body: bytes) -> None:
    names = UploadNames()
    answer = client_of(names).post(UPLOAD_PATH, content=body, headers={"content-type": content_type})
    assert (answer.status_code, answer.content) == (400, b"\xff none")


def test_names_are_forgotten_in_time() -> None:
    names = UploadNames()
    for number in range(MAX_NAMES + 1):
        names.record(f"/{number}", f"name {number}")
    assert [names.name_of({"path": f"/{number}"}) for number in (0, MAX_NAMES)] == ["0", f"name {MAX_NAMES}"]
