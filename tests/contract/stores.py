"""The stores that the contract is held against: twins, and SeaweedFS with each checksum."""

from collections.abc import Callable, Mapping
from functools import partial

from cefmp4.adapters.memory.store import MemoryStore
from cefmp4.adapters.s3 import Capabilities, Checksum

MIB = 1024**2
MIN_PART = 5 * MIB
TWINS: Mapping[str, Callable[[], MemoryStore]] = {
    "twin": partial(MemoryStore, min_part_bytes=MIN_PART),
    "twin, odd": partial(
        MemoryStore,
        min_part_bytes=MIN_PART,
        lists_every_version=True,
        lost_part_denies_upload=True,
    ),
}
REAL_STORES = {
    "crc64nvme": Capabilities(Checksum.CRC64NVME, unsigned_payload=True, etag_is_md5=True),
    "crc32c": Capabilities(Checksum.CRC32C, unsigned_payload=True, etag_is_md5=False),
    "md5, signed": Capabilities(Checksum.MD5, unsigned_payload=False, etag_is_md5=True),
}
