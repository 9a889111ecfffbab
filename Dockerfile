# The page of Masklet as a container, for a processor or for an NVIDIA GPU:
#
#   docker build -t masklet .
#   docker build -t masklet-cuda --build-arg DEVICE=cuda .
#   docker run --rm -p 127.0.0.1:7860:7860 masklet
#   docker run --rm -p 127.0.0.1:7860:7860 --gpus all --shm-size 1g masklet-cuda
#
# Nothing but /tmp has to be writable, so `--read-only --tmpfs /tmp` may be added. Networks that are downloaded lie in
# /models: `-v masklet-models:/models` keeps them. docs/hosting.md tells more.

ARG PYTHON=3.13

FROM docker.io/library/python:${PYTHON}-slim-bookworm AS build
# cpu, or cuda: PyTorch then brings its own CUDA libraries, and the machine needs NVIDIA's driver and container toolkit
ARG DEVICE=cpu
# groups of optional dependencies, with commas between them: app,text,heic
ARG EXTRAS=app
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/masklet
ENV PATH=/opt/masklet/bin:$PATH
WORKDIR /source
COPY requirements.txt ./
RUN torch="$(grep '^torch==' requirements.txt)" && case "$DEVICE" in \
        cpu) pip install --index-url https://download.pytorch.org/whl/cpu "$torch" ;; \
        cuda) pip install "$torch" ;; \
        *) echo "DEVICE must be cpu or cuda, not $DEVICE" >&2; exit 1 ;; \
    esac
RUN grep -v '^pytest' requirements.txt >packages.txt && pip install -r packages.txt
COPY pyproject.toml LICENSE ./
COPY configs configs
COPY assets assets
COPY sam2_core sam2_core
COPY ui ui
RUN pip install -c requirements.txt ".[${EXTRAS}]"

FROM docker.io/library/python:${PYTHON}-slim-bookworm
# networks to put into the image, with spaces between their names; nano is there in any case
ARG MODELS=""
COPY --from=build /opt/masklet /opt/masklet
# The platform says the port where it wants another one; HOME is for caches of libraries.
ENV PATH=/opt/masklet/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    HF_HOME=/models \
    MASKLET_HOST=0.0.0.0 \
    PORT=7860
RUN mkdir /models /state && chown 1000:1000 /models /state
WORKDIR /tmp
USER 1000:1000
RUN if [ -n "$MODELS" ]; then masklet models download $MODELS; fi
EXPOSE 7860
# The server ends within 20 seconds, its files removed; Docker's own patience is 10: `docker stop -t 30`.
STOPSIGNAL SIGTERM
# The first start may download a network, during which /health answers 503.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10m --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health')"]
ENTRYPOINT ["masklet"]
CMD ["serve"]
