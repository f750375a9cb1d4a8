# docker/code-server without a registry: from trees that scripts/build-images prepares. It has no extensions.
FROM crawlhub-spider
USER root
COPY node/ /usr/local/
COPY code-server/ /usr/local/lib/node_modules/code-server/
RUN ln -s ../lib/node_modules/code-server/out/node/entry.js /usr/local/bin/code-server
COPY entrypoint /usr/local/bin/crawlhub-editor
COPY --chown=1000:1000 home/ /home/coder/
USER coder
WORKDIR /workspace
EXPOSE 8080
ENTRYPOINT ["crawlhub-editor"]
