# docker build --tag backlog-audit .                                                    compiles the program
# docker build --tag backlog-audit --build-context program=target/package-files .       takes the one that packaging/pack.sh has built
FROM rust:1-alpine AS program
RUN apk add --no-cache musl-dev
WORKDIR /src
COPY . .
RUN cargo build --locked --profile dist && cp target/dist/backlog-audit /

# A pipeline needs a shell around the program, and git where only changes are reported.
FROM alpine:3
RUN apk add --no-cache git
COPY --from=program /backlog-audit /usr/local/bin/
WORKDIR /repository
ENTRYPOINT ["backlog-audit"]
CMD ["--offline", "."]
