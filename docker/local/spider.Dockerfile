# docker/spider without a registry: from trees that scripts/build-images prepares.
FROM crawlhub-base
COPY python/ /usr/local/lib/python3.11/dist-packages/
# Scripts that call their interpreter as it is called here.
RUN cp -r /usr/local/lib/python3.11/dist-packages/bin/. /usr/local/bin/ && chown 1000:1000 /workspace
USER coder
WORKDIR /workspace
