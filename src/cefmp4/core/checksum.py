"""CRC64NVME of a whole object from those of its parts, without reading a byte again.

The store computes the same figure over what it holds (`FULL_OBJECT` checksums), so that
the two ends can be compared after the parts were put together.
"""

from collections.abc import Iterable

from awscrt import checksums

from cefmp4.core.model import Part


def object_crc64nvme(parts: Iterable[Part]) -> int:
    """The CRC64NVME of these parts, in ascending order, taken as one object."""
    crc = 0
    for part in parts:
        crc = int(checksums.combine_crc64nvme(crc, part.crc64nvme, part.size_bytes))
    return crc
