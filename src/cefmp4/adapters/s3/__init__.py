"""The object store port on S3, and all there is to know about S3: `open_store` and
`view_store` are the doors."""

from cefmp4.adapters.s3.capabilities import Capabilities, Checksum
from cefmp4.adapters.s3.settings import StoreSettings
from cefmp4.adapters.s3.store import S3Store, open_store, view_store

__all__ = ["Capabilities", "Checksum", "S3Store", "StoreSettings", "open_store", "view_store"]
