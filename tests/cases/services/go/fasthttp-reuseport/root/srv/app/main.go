package main

import (
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/reuseport"
	"time"
)

func main() {
	for i := 0; i < 2; i++ {
		listener, err := reuseport.Listen("tcp4", ":8080")
		if err != nil {
			panic(err)
		}
		go fasthttp.Serve(listener, func(ctx *fasthttp.RequestCtx) {})
	}
	time.Sleep(time.Hour)
}
