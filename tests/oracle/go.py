"""Build the case's Go program and start it. Its files lie below /srv/app.

Needs golang-go and, for what is no part of Go, golang-github-gin-gonic-gin-dev, golang-github-labstack-echo-dev,
golang-github-valyala-fasthttp-dev, golang-golang-x-crypto-dev and golang-golang-x-sys-dev: a program without a go.mod is
built with Debian's packages, one with a go.mod from itself alone.
"""
import os
import subprocess
import tempfile

from machine import bind, record, run, start

PACKAGES = ("golang-go golang-github-gin-gonic-gin-dev golang-github-labstack-echo-dev "
            "golang-github-valyala-fasthttp-dev golang-golang-x-crypto-dev golang-golang-x-sys-dev")
CACHE = os.path.join(tempfile.gettempdir(), "oracle-go-cache")
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": CACHE, "GOCACHE": CACHE, "GOFLAGS": "-mod=mod", "GOPROXY": "off",
               "GOPATH": "/usr/share/gocode", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}


def install():
    """Compile once what all cases import."""
    packages = ["net/http", "golang.org/x/crypto/acme/autocert", "golang.org/x/sys/unix", "github.com/gin-gonic/gin",
                "github.com/labstack/echo", "github.com/valyala/fasthttp/reuseport"]
    subprocess.run(["go", "build", *packages], env={**ENVIRONMENT, "GO111MODULE": "off", "GOFLAGS": ""}, cwd="/",
                   check=True)


def truth(case, root):
    bind(root, "srv")
    modules = os.path.exists("/srv/app/go.mod")
    how = {} if modules else {"GO111MODULE": "off", "GOFLAGS": ""}
    main = "./cmd/app" if os.path.isdir("/srv/app/cmd/app") else "."
    done = run("go", "build", "-o", "/run/app", main, cwd="/srv/app", env={**ENVIRONMENT, **how})
    if done.returncode != 0:
        raise RuntimeError(done.stdout)
    process, found, said = start(["/run/app"], quiet=1.0, limit=10, cwd="/srv/app",
                                 env={"PATH": os.environ["PATH"], "HOME": "/run"})
    refused = None
    if process.poll() is not None:
        refused = next((line for line in said.splitlines() if "listen" in line), None)
        if refused is None:
            raise RuntimeError(said or "it ended without a word")
    return record("Go %s" % run("go", "version").stdout.split()[2][2:], found, refused)
