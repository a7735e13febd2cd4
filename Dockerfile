# Two images. Reading only:      docker build --target read --tag ocrlib .
#                                docker run --rm --read-only --volume "$PWD/pictures:/data:ro" ocrlib predict --model numeric /data
# Everything, for training:      docker build --target all --tag ocrlib-all .
#                                docker run --rm --read-only --tmpfs /tmp --volume ocrlib-data:/work/datasets \
#                                    --volume ocrlib-runs:/work/runs ocrlib-all train datasets/numeric --run runs/numeric
# Both run as a user without rights, and write nowhere but into volumes and /tmp. `make container-check` builds and tries them.

ARG PYTHON=python:3.12-slim

FROM $PYTHON AS build
WORKDIR /source
COPY pyproject.toml setup.py README.md LICENSE ./
COPY ocrlib ocrlib
COPY datasets/*.toml datasets/
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM $PYTHON AS common
ENV PYTHONUNBUFFERED=1 HOME=/tmp
RUN useradd --no-create-home --home-dir /tmp --shell /usr/sbin/nologin reader
COPY requirements.lock /

FROM common AS read
# The versions of requirements.lock, for what the base needs; with their markers, since some differ by Python's version.
RUN --mount=from=build,source=/wheels,target=/wheels \
    sed -nE 's/^([a-z0-9._-]+==[^\\]*).*/\1/p' requirements.lock > /tmp/versions.txt \
    && pip install --no-cache-dir --constraint /tmp/versions.txt /wheels/*.whl \
    && rm /tmp/versions.txt \
    && mkdir /data
WORKDIR /data
USER reader
ENTRYPOINT ["ocrlib"]

FROM common AS all
# OpenCV's window library is linked against these, although no window is opened.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
RUN --mount=from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.lock \
    && pip install --no-cache-dir --no-deps /wheels/*.whl
WORKDIR /work
COPY datasets/*.toml datasets/
COPY generate_data.py train_from_records.py ./
RUN mkdir runs && chown reader datasets runs
USER reader
VOLUME /work/datasets /work/runs
ENTRYPOINT ["ocrlib"]
