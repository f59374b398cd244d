# The tap in a small image that needs nothing: no root, no writable file system but /tmp, no shell in the way.
#
#   docker build --tag tap-mdc-vm .                                    the tap alone: Singer messages on standard output
#   docker build --target loading --tag tap-mdc-vm:postgres .          the tap and target-postgres, which load when it starts

FROM python:3.13.9-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
COPY constraints constraints
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY tap_mdc_vm tap_mdc_vm
COPY tap_mdc_vm_sandbox tap_mdc_vm_sandbox
RUN python -m venv --without-pip /opt/tap \
    && pip --python /opt/tap/bin/python install --constraint constraints/project.txt .

FROM build AS build-loading
# Another target: its name on PyPI with its version, and its file of constraints
ARG TARGET=meltanolabs-target-postgres==0.8.1
ARG CONSTRAINTS=constraints/target-postgres.txt
RUN python -m venv --without-pip /opt/target \
    && pip --python /opt/target/bin/python install --constraint "${CONSTRAINTS}" "${TARGET}"

FROM python:3.13.9-slim-bookworm AS base
ENV PATH=/opt/tap/bin:/opt/target/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
COPY --from=build /opt/tap /opt/tap
WORKDIR /tmp
USER 65532:65532

FROM base AS loading
COPY --from=build-loading /opt/target /opt/target
# Both read their settings from the environment. pipefail: the container fails when the tap does
ENTRYPOINT ["bash", "-o", "pipefail", "-c", "tap-mdc-vm \"$@\" | target-postgres --config=ENV", "load"]

FROM base AS tap
ENTRYPOINT ["tap-mdc-vm"]
