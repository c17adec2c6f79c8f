"""Files that mean harm, each under the name of a recording.

Those in `POINTING` want something else opened: a local file, an address. Those in
`LYING` want time or memory, or a crash: sizes, counts and figures that are not true.
"""

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from contract import media
from hostile.boxes import box, changed, long_box, patched, split

FTYP = box(b"ftyp", b"isom\0\0\2\0isommp41")
STBL = "moov/trak/mdia/minf/stbl"
MANY = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What a hostile file may point to: an address that listens, and a file of others."""

    port: int
    secret: str
    """Absolute path of a whole recording beside the hostile files."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/x.mp4"


def hls(target: str) -> bytes:
    return (
        f'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n'
        f'#EXT-X-MAP:URI="{target}"\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n'
    ).encode()


def ffconcat(target: str) -> bytes:
    return f"ffconcat version 1.0\nfile '{target}'\n".encode()


def sdp(to: Elsewhere) -> bytes:
    return (
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=video {to.port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    ).encode()


def dash(target: str) -> bytes:
    return (
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" '
        'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4">'
        f'<Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>"
    ).encode()


def dash_in_a_box(target: str) -> bytes:
    """`<!--` is a length and `skip` a box: our own look takes this XML for an MP4."""
    return b"<!--skip-->" + dash(target)


def alias(to: Elsewhere) -> bytes:
    """A recording whose media lies in another file, by a Macintosh alias."""
    path = to.secret.encode()
    path += bytes(len(path) % 2)
    record = bytes(10) + bytes([0]) + bytes(27) + bytes(12)
    record += bytes([0]) + bytes(63) + bytes(16) + struct.pack(">HH", 1, 1) + bytes(16)
    record += struct.pack(">HH", 2, len(path)) + path + struct.pack(">HH", 0xFFFF, 0)
    return with_data_reference(box(b"alis", bytes(4) + record + bytes(64)))


def url(to: Elsewhere) -> bytes:
    """A recording whose media lies at an address."""
    return with_data_reference(box(b"url ", bytes(4) + to.address.encode() + b"\0"))


def file_url(to: Elsewhere) -> bytes:
    """A recording whose media lies in another file, by its address."""
    return with_data_reference(box(b"url ", bytes(4) + f"file://{to.secret}\0".encode()))


POINTING: dict[str, Callable[[Elsewhere], bytes]] = {
    "hls, local": lambda to: hls(to.secret),
    "hls, remote": lambda to: hls(to.address),
    "ffconcat, local": lambda to: ffconcat(os.path.basename(to.secret)),
    "ffconcat, remote": lambda to: ffconcat(to.address),
    "sdp": sdp,
    "dash, local": lambda to: dash(to.secret),
    "dash, remote": lambda to: dash(to.address),
    "dash in a box, local": lambda to: dash_in_a_box(to.secret),
    "dash in a box, remote": lambda to: dash_in_a_box(to.address),
    "alias": alias,
    "url": url,
    "file url": file_url,
}


def with_data_reference(reference: bytes) -> bytes:
    references = struct.pack(">II", 0, 1) + reference
    return changed(ordinary(), "moov/trak/mdia/minf/dinf/dref", lambda _: references)


# --- files that lie ---------------------------------------------------------------------


def ordinary() -> bytes:
    """A short recording with picture and sound, its moov last."""
    return media.recorded(media.ORDINARY, sound=True)


def fragmented() -> bytes:
    return media.recorded(media.FRAGMENTED)


def lied(trail: str, offset: int, layout: str, *values: int) -> Callable[[], bytes]:
    """A recording with one untrue field."""
    return lambda: changed(ordinary(), trail, patched(offset, layout, *values))


def compressed_moov(size_bytes: int) -> Callable[[], bytes]:
    """A movie header that is a thousand times as large once it is inflated."""

    def made() -> bytes:
        squeezed = struct.pack(">I", size_bytes) + squeezed_zeros(size_bytes)
        cmov = box(b"dcom", b"zlib") + box(b"cmvd", squeezed)
        return FTYP + box(b"moov", box(b"cmov", cmov)) + box(b"mdat", bytes(100))

    return made


def squeezed_zeros(size_bytes: int) -> bytes:
    """What zlib makes of so many zeros (whole mebibytes), made from one of them."""
    squeezing = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    one = squeezing.compress(bytes(1024**2)) + squeezing.flush(zlib.Z_FULL_FLUSH)
    adler32 = size_bytes % 65521 << 16 | 1
    return (
        b"\x78\x9c"
        + one * (size_bytes // 1024**2)
        + squeezing.flush()
        + struct.pack(">I", adler32)
    )


def nested(depth: int) -> bytes:
    """Boxes within boxes, to the innermost."""
    return b"".join(struct.pack(">I4s", 8 * left, b"moov") for left in range(depth, 0, -1))


def picture_bomb(width: int = 16 * 1024 - 1, height: int = 16 * 1024) -> bytes:
    """A cover of some kilobytes that is a picture of 256 megabytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        summed = kind + content
        return struct.pack(">I", len(content)) + summed + struct.pack(">I", zlib.crc32(summed))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = squeezed_zeros((width + 1) * height)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)
    data = box(b"data", struct.pack(">II", 14, 0) + png + chunk(b"IEND", b""))
    meta = bytes(4) + box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    meta += box(b"ilst", box(b"covr", data))
    return changed(ordinary(), "moov", lambda moov: moov + box(b"udta", box(b"meta", meta)))


def many_tracks(count: int) -> bytes:
    """One track, over and over."""
    track = next(content for kind, content in split(moov_of(ordinary())) if kind == b"trak")
    return changed(ordinary(), "moov", lambda moov: moov + box(b"trak", track) * count)


def moov_of(file: bytes) -> bytes:
    return next(content for kind, content in split(file) if kind == b"moov")


def headed(made: Callable[[bytes, bytes, int], bytes], length: int) -> bytes:
    """A moov with a length that cannot be."""
    return FTYP + made(b"moov", bytes(64), length)


LONG_LENGTHS = (0, 1, 15, 2**63 - 1, 2**63, 2**64 - 1, 2**64 - 8)
LYING: dict[str, Callable[[], bytes]] = {
    "open mdat": lambda: FTYP + box(b"mdat", bytes(1000), length=0),
    "open moov": lambda: FTYP + box(b"moov", bytes(1000), length=0),
    **{f"length {length}": partial(headed, box, length) for length in (2, 5, 7, MANY)},
    **{f"long length {length}": partial(headed, long_box, length) for length in LONG_LENGTHS},
    "a length that ends within its header": lambda: (
        ordinary() + long_box(b"free", length=12) + b"free" + bytes(4)
    ),
    "length of 64 bits cut off": lambda: FTYP + b"\0\0\0\1moov\0\0",
    "nested a million deep": lambda: FTYP + nested(1_000_000),
    "a million boxes": lambda: FTYP + box(b"free") * 1_000_000,
    "a million boxes in moov": lambda: (
        FTYP + box(b"moov", box(b"free") * 1_000_000) + box(b"mdat", b"d")
    ),
    "two thousand tracks": lambda: many_tracks(2_000),
    "moov of 32 MB": lambda: FTYP + box(b"moov", bytes(32 * 1024**2)) + box(b"mdat", b"d"),
    "compressed moov": compressed_moov(200 * 1024**2),
    "compressed moov of 2 GB": compressed_moov(2_000 * 1024**2),
    "picture bomb": picture_bomb,
    "sizes of 4 billion samples": lied(f"{STBL}/stsz", 4, ">II", 0, MANY),
    "4 billion samples of one size": lied(f"{STBL}/stsz", 4, ">II", 1, MANY),
    "4 billion samples of 4 GB": lied(f"{STBL}/stsz", 4, ">II", MANY, MANY),
    "times of 4 billion samples": lied(f"{STBL}/stts", 8, ">II", MANY, MANY),
    "4 billion times": lied(f"{STBL}/stts", 4, ">I", MANY),
    "4 billion chunks": lied(f"{STBL}/stco", 4, ">I", MANY),
    "chunks beyond the end": lied(f"{STBL}/stco", 8, ">I", MANY),
    "4 billion runs of chunks": lied(f"{STBL}/stsc", 4, ">I", MANY),
    "chunks of 4 billion samples": lied(f"{STBL}/stsc", 12, ">I", MANY),
    "a picture of 65535 by 65535": lied(f"{STBL}/stsd", 40, ">HH", 65535, 65535),
    "4 billion sample descriptions": lied(f"{STBL}/stsd", 4, ">I", MANY),
    "an endless movie": lied("moov/mvhd", 12, ">II", 1, MANY),
    "a movie without time": lied("moov/mvhd", 12, ">II", 0, MANY),
    "an endless track": lied("moov/trak/mdia/mdhd", 12, ">II", 1, MANY),
    "4 billion samples in a fragment": lambda: changed(
        fragmented(), "moof/traf/trun", patched(4, ">I", MANY)
    ),
    "a fragment of no known track": lambda: changed(
        fragmented(), "moof/traf/tfhd", patched(4, ">I", MANY)
    ),
}
