# syntax=docker/dockerfile:1
# mmser with the exact versions of constraints.txt.
#
#     docker build -t mmser .                                        torch with CUDA, which also runs on CPUs
#     docker build -t mmser:cpu --build-arg TORCH_INDEX=URL .        torch without CUDA, from PyTorch's own index of CPU builds
#     docker run --rm -it --gpus all -v "$PWD:/work" mmser train system=mcsan corpus=meld corpus.root=/work/MELD.Raw
FROM python:3.12-slim-bookworm AS build
ARG TORCH_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/mmser
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY mmser mmser
COPY configs configs
# torch first where it comes from an index of its own: its local version (+cpu) meets the constraint.
RUN if [ -n "${TORCH_INDEX}" ]; then \
        /opt/mmser/bin/pip install -c constraints.txt --index-url "${TORCH_INDEX}" torch torchvision torchaudio; \
    fi && \
    /opt/mmser/bin/pip install -c constraints.txt ".[demo,faster-whisper,lora,opensmile,vad,xgboost]"

FROM python:3.12-slim-bookworm
RUN useradd --create-home --uid 1000 mmser && install -d -o mmser /work
COPY --from=build /opt/mmser /opt/mmser
ENV PATH="/opt/mmser/bin:${PATH}" PYTHONUNBUFFERED=1
USER 1000
WORKDIR /work
ENTRYPOINT ["mmser"]
CMD ["--help"]
