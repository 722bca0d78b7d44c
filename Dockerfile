FROM rust:1-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /src
COPY . .
RUN cargo build --locked --profile dist

# A pipeline needs a shell around the program, and git where only changes are reported.
FROM alpine:3
RUN apk add --no-cache git
COPY --from=build /src/target/dist/backlog-audit /usr/local/bin/
WORKDIR /repository
ENTRYPOINT ["backlog-audit"]
CMD ["--offline", "."]
