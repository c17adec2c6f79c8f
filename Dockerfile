# The daemon in a container: docs/guides/docker.md.
#
# Every RUN calls a script of deploy/container/. `make image-root` runs the same scripts in
# a Debian of the same release, and tests/ship/test_container.py those that need no root.

# By tag: its digest changes with every security update of Debian, and could not be looked up
# where this was written. Dependabot moves the tag. Who wants the digest fixed builds with
#   --build-context python:3.13.15-slim-trixie=docker-image://python@sha256:…
FROM python:3.13.15-slim-trixie AS base


FROM base AS build

WORKDIR /build
COPY deploy/container/install-lock.sh /container/
COPY requirements.txt ./
RUN /container/install-lock.sh /opt/cefmp4 requirements.txt

COPY deploy/container/build-wheel.sh deploy/container/build-tools.txt \
     deploy/container/install-wheel.sh /container/
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN /container/build-wheel.sh . /wheels && \
    /container/install-wheel.sh /opt/cefmp4 /wheels


FROM base

COPY deploy/container/install-system.sh deploy/container/make-user.sh /usr/local/lib/cefmp4/
RUN /usr/local/lib/cefmp4/install-system.sh && \
    /usr/local/lib/cefmp4/make-user.sh
COPY deploy/container/healthcheck.py /usr/local/lib/cefmp4/
COPY --from=build /opt/cefmp4 /opt/cefmp4

# Whoever can reach port 8000 of the container may read the page: publish it on loopback, or
# to those who may. Without 0.0.0.0 nobody outside of the container could.
ENV PATH=/opt/cefmp4/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    APP_ENV=production \
    WATCH_DIR=/app/local_watch_dir \
    PROM_HOST=0.0.0.0 \
    PROM_PORT=8000

WORKDIR /app
USER 1001:1001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["python", "-I", "-S", "/usr/local/lib/cefmp4/healthcheck.py"]
ENTRYPOINT ["tini", "--", "python", "-m", "cefmp4"]
CMD ["run"]

ARG SOURCE=""
ARG REVISION=""
ARG VERSION=""
LABEL org.opencontainers.image.title="CefMP4 Stream Processor" \
      org.opencontainers.image.description="Uploads MP4 recordings to S3-compatible storage while they are still being written" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}"
