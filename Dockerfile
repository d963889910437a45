# Two stages: build with everything, run with what is needed, as an ordinary user.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:20-bookworm-slim
ENV NODE_ENV=production QUARTERDECK_HOST=0.0.0.0 QUARTERDECK_DATA_DIR=/var/lib/quarterdeck
WORKDIR /app
RUN mkdir -p /var/lib/quarterdeck && chown node:node /var/lib/quarterdeck
COPY --from=build --chown=root:root /app/package.json ./
COPY --from=build --chown=root:root /app/node_modules ./node_modules
COPY --from=build --chown=root:root /app/dist ./dist
COPY --from=build --chown=root:root /app/migrations ./migrations
COPY --from=build --chown=root:root /app/access-policy.yaml ./
USER node
EXPOSE 7400
HEALTHCHECK --interval=10s --timeout=5s CMD ["node", "-e", "fetch('http://127.0.0.1:7400/livez').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--max-semi-space-size=32", "--heap-growing-percent=100", "dist/main.js"]
