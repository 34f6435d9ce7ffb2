# JupyterLab with sam2widget and its examples, on the CPU:
#
#   docker build -t sam2widget .
#   docker run --rm -p 127.0.0.1:8888:8888 -v "$PWD/work:/home/jovyan/work" sam2widget
#
# With an NVIDIA GPU, whose driver and container toolkit the machine has:
#
#   docker build -t sam2widget:cuda --build-arg TORCH_INDEX=https://pypi.org/simple .
#   docker run --rm --gpus all -p 127.0.0.1:8888:8888 -v "$PWD/work:/home/jovyan/work" sam2widget:cuda
#
# JupyterLab prints the address with its token.

FROM python:3.12-slim AS build
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir build==1.6.1 && python -m build --wheel --outdir /wheels

FROM python:3.12-slim
# Wheels of PyTorch for the CPU; those of PyPI are for CUDA, whose libraries they bring.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=heif,lab,microscopy,remote
RUN useradd --create-home --uid 1000 jovyan
COPY constraints.txt /tmp/
COPY --from=build /wheels /tmp/wheels
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN pip install --no-cache-dir --constraint /tmp/constraints.txt --index-url "$TORCH_INDEX" \
      --extra-index-url https://pypi.org/simple torch \
    && pip install --no-cache-dir --constraint /tmp/constraints.txt \
      "$(echo /tmp/wheels/sam2widget-*.whl)[$EXTRAS]" \
    && rm -r /tmp/wheels /tmp/constraints.txt
USER 1000
WORKDIR /home/jovyan
COPY --chown=1000 examples examples
RUN mkdir work
# Model weights that are downloaded, and annotations that save themselves, stay with the volume.
ENV HF_HOME=/home/jovyan/work/.cache/huggingface
EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser"]
