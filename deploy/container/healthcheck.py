"""Whether the daemon of this container works: ends with 0 if /healthz says so, else with 1.

It is 200 for as long as the process works, also through an outage of the store or the
state server: a restart would cure neither (docs/http.md).
"""

import http.client
import os
import sys

ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a daemon may listen on


def main() -> int:
    """Ask where the environment says that the daemon listens."""
    host = os.environ.get("PROM_HOST") or "127.0.0.1"
    port = int(os.environ.get("PROM_PORT") or 8000)
    connection = http.client.HTTPConnection(ANY.get(host, host), port, timeout=4)
    try:
        connection.request("GET", "/healthz")
        return 0 if connection.getresponse().status == http.client.OK else 1
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"/healthz does not answer: {error}\n")
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
