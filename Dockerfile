# syntax=docker/dockerfile:1
# The image of a pipeline's steps: TFX, this library and a project, and no kfp.
#   docker build --tag registry.example/team/taxi:1.0 .
#   docker build --build-arg TFX_LINE=1.16 ...     TFX 1.16 on Python 3.10
#   docker build --build-arg GPU=yes ...           with the libraries of CUDA
# Its working directory is the project; `docker run IMAGE --help` is the node command's.
# Compile the pipeline with the same line as the image has.

ARG TFX_LINE=1.21
FROM python:3.10.18-slim-bookworm AS python-1.16
FROM python:3.13-slim-trixie AS python-1.21

# hadolint ignore=DL3006
FROM python-${TFX_LINE} AS build
ARG TFX_LINE
ARG GPU
# What the steps need, into one folder that the next stage takes over. The lock file is
# the whole closure, so there is nothing to resolve (--no-deps).
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++=4:1* \
    && rm -rf /var/lib/apt/lists/*
COPY requirements/cluster-${TFX_LINE}${GPU:+-gpu}.txt /requirements.txt
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --requirement /requirements.txt
WORKDIR /src
COPY setup.py pyproject.toml README.md LICENSE ./
COPY requirements ./requirements
COPY tfx_pipeline ./tfx_pipeline
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps .

# hadolint ignore=DL3006
FROM python-${TFX_LINE}
LABEL org.opencontainers.image.title="tfx-pipeline" \
      org.opencontainers.image.description="Executes the nodes of a TFX pipeline" \
      org.opencontainers.image.licenses="Apache-2.0"
# A number, not a name: Kubernetes cannot tell otherwise that it is not root.
RUN groupadd --gid 10001 pipeline \
    && useradd --uid 10001 --gid 10001 --create-home pipeline
COPY --from=build /opt/venv /opt/venv
# TensorFlow does not find all libraries of CUDA by itself. Without any, the list is empty.
RUN find /opt/venv -type d -path '*/site-packages/nvidia/*/lib' > /etc/ld.so.conf.d/nvidia.conf \
    && ldconfig
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TF_USE_LEGACY_KERAS=1
WORKDIR /project
COPY --chown=10001:10001 pipeline.yaml ./
COPY --chown=10001:10001 modules ./modules
COPY --chown=10001:10001 schema ./schema
COPY --chown=10001:10001 data ./data
USER 10001:10001
ENTRYPOINT ["python", "-m", "tfx_pipeline.node"]
CMD ["--help"]
