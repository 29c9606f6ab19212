# syntax=docker/dockerfile:1

# One image for every service: `docker build --build-arg SERVICE=<name> .` runs that one, several are separated by
# commas, none means all of them. Node runs the TypeScript sources as they are, so there is no build step.

ARG NODE_IMAGE=node:26.10.0-alpine

# Only what `npm ci` reads, so that a change of a source file does not install everything again.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete \
 && find . -type d -empty -delete

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY --from=manifests /app ./
# No install scripts: nothing that runs in production has one.
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
WORKDIR /app
COPY --from=dependencies /app ./
COPY shared shared
COPY adapters adapters
COPY services services

# Late, so that the images of all services share the layers above.
ARG SERVICE=
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 SERVICES=$SERVICE
# Nothing below /app is writable to it.
USER node
EXPOSE 3000
STOPSIGNAL SIGTERM
# /livez is the process alone: a container is not restarted because its broker is away.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD wget -q -O /dev/null "http://127.0.0.1:$PORT/livez"
CMD ["node", "shared/runtime/src/main.js"]
