"""``/media/{id}``: sounds and pictures, whole or a range of their bytes."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse

from tunesmith.studio.api.answers import Refusal
from tunesmith.studio.api.context import StudioPart
from tunesmith.studio.media import TYPES

router = APIRouter(tags=["media"], responses={404: {"model": Refusal}})


@router.get("/media/{media}", response_class=FileResponse)
def one_file(media: str, studio: StudioPart) -> FileResponse:
    """A sound or a picture by an id that an answer of the API named."""
    path = studio.media.path_of(media)
    return FileResponse(
        path,
        media_type=TYPES[path.suffix.lower()],
        content_disposition_type="inline",
        headers={"cache-control": "private, max-age=60"},
    )
