package main

import (
	"time"

	"github.com/valyala/fasthttp"
)

func handle(ctx *fasthttp.RequestCtx) {}

func main() {
	go fasthttp.ListenAndServe(":8080", handle)
	go fasthttp.ListenAndServeUNIX("/run/app.sock", 0600, handle)
	server := &fasthttp.Server{Handler: handle, Name: "app"}
	go server.ListenAndServe("127.0.0.1:8081")
	time.Sleep(time.Hour)
}
