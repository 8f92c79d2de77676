# One image for the API, the worker and the migrations: `arflow api`, `arflow worker`, `arflow migrate`.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/arflow
COPY requirements/runtime.txt requirements/
RUN /opt/arflow/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY . .
# The build backend comes from the same lock as everything else that touches the code.
RUN /opt/arflow/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/build.txt \
 && /opt/arflow/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /opt/arflow/bin/pip uninstall -y setuptools pip

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/arflow --create-home --shell /usr/sbin/nologin arflow \
 && install -d -o 10001 -g 10001 /var/lib/arflow/uploads
COPY --from=build /opt/arflow /opt/arflow
ENV PATH=/opt/arflow/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ARFLOW_ENV=production \
    ARFLOW_HOME=/var/lib/arflow \
    ARFLOW_HOST=0.0.0.0 \
    ARFLOW_PORT=8080
USER 10001:10001
WORKDIR /var/lib/arflow
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["arflow"]
CMD ["api"]
